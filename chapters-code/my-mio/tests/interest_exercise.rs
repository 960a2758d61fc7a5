//! What a registration asks the kernel for, as the kernel tells it: proc_pid_fdinfo(5).

use std::fs;
use std::os::fd::AsRawFd;

use my_mio::net::UnixStream;
use my_mio::{Interest, Poll, Token};

/// The flags of the one registration, without the two that the kernel adds.
fn asked(interest: Interest) -> u32 {
    let poll = Poll::new().unwrap();
    let (mut stream, _peer) = UnixStream::pair().unwrap();
    poll.registry().register(&mut stream, Token(0), interest).unwrap();
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", poll.as_raw_fd())).unwrap();
    let mut words = info.split_whitespace().skip_while(|word| *word != "events:");
    let flags = words.nth(1).expect("a registration has its flags");
    let flags = u32::from_str_radix(flags, 16).expect("the flags are hexadecimal");
    flags & !(libc::EPOLLERR | libc::EPOLLHUP) as u32
}

#[test]
fn each_interest_asks_for_its_flags_and_for_edges() {
    use libc::{EPOLLET, EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP};
    let read = EPOLLIN | EPOLLRDHUP;
    for (interest, flags) in [
        (Interest::READABLE, read),
        (Interest::WRITABLE, EPOLLOUT),
        (Interest::PRIORITY, EPOLLPRI),
        (Interest::READABLE | Interest::WRITABLE, read | EPOLLOUT),
        (Interest::READABLE | Interest::WRITABLE | Interest::PRIORITY, read | EPOLLOUT | EPOLLPRI),
    ] {
        let (right, told) = ((flags | EPOLLET) as u32, asked(interest));
        assert!(
            told == right,
            "{interest:?}: expected the flags {right:#x}; the kernel has {told:#x}"
        );
    }
}

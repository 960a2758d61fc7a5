//! What tokio asks of the calls that a fork of this crate leaves to its reader. Each message says what was
//! asked, what had to come, and what came.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use my_mio::net::{TcpListener, UnixStream};
use my_mio::{Events, Interest, Poll, Token};

/// What the kernel always adds to what was asked for.
const ALWAYS: u32 = (libc::EPOLLERR | libc::EPOLLHUP) as u32;

const NAMES: [(i32, &str); 6] = [
    (libc::EPOLLIN, "IN"),
    (libc::EPOLLRDHUP, "RDHUP"),
    (libc::EPOLLOUT, "OUT"),
    (libc::EPOLLPRI, "PRI"),
    (libc::EPOLLONESHOT, "ONESHOT"),
    (libc::EPOLLET, "ET"),
];

/// The flags of the one registration of a poll, by their names, as the kernel tells (`proc(5)`).
fn asked_for(poll: &Poll) -> String {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", poll.as_raw_fd())).unwrap();
    let line = info.lines().find(|line| line.starts_with("tfd:")).expect("one registration");
    let flags = line.split("events:").nth(1).and_then(|rest| rest.split_whitespace().next());
    let flags = u32::from_str_radix(flags.unwrap(), 16).unwrap() & !ALWAYS;
    let named = NAMES.iter().filter(|(flag, _)| flags & *flag as u32 != 0);
    named.map(|(_, name)| *name).collect::<Vec<_>>().join("|")
}

#[test]
fn interests_become_flags() {
    for (interest, name, right) in [
        (Interest::READABLE, "READABLE", "IN|RDHUP|ET"),
        (Interest::WRITABLE, "WRITABLE", "OUT|ET"),
        (Interest::READABLE | Interest::WRITABLE, "both", "IN|RDHUP|OUT|ET"),
        (Interest::READABLE | Interest::PRIORITY, "READABLE and PRIORITY", "IN|RDHUP|PRI|ET"),
    ] {
        let (mut ours, _theirs) = UnixStream::pair().unwrap();
        let poll = Poll::new().unwrap();
        poll.registry().register(&mut ours, Token(0), interest).unwrap();
        let asked = asked_for(&poll);
        assert!(asked == right, "registered for {name}: expected {right}; got {asked}");
    }
}

#[test]
fn no_timeout_waits_until_something_happens() {
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    let mut poll = Poll::new().unwrap();
    poll.registry().register(&mut theirs, Token(3), Interest::READABLE).unwrap();
    let later = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        ours.write_all(b"hello").unwrap();
        ours
    });
    let mut events = Events::with_capacity(8);
    poll.poll(&mut events, None).unwrap();
    let told = events.iter().count();
    assert!(
        told == 1,
        "five bytes came 50 ms later: expected to be told of them; got {told} events"
    );
    drop(later.join().unwrap());
}

#[test]
fn a_timeout_of_less_than_a_millisecond_is_a_wait() {
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(8);
    let timeout = Duration::from_micros(500);
    let from = Instant::now();
    (0..20).for_each(|_| poll.poll(&mut events, Some(timeout)).unwrap());
    let waited = from.elapsed();
    let least = 20 * timeout;
    assert!(waited >= least, "20 waits of half a millisecond: expected 10 ms or more; got fewer");
}

#[test]
fn an_accepted_socket_does_not_block() {
    let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let client = net::TcpStream::connect(address).unwrap();
    let (mut accepted, peer) = listener.accept().unwrap();
    let got = accepted.read(&mut [0; 8]).map_err(|error| error.kind());
    let right = Err(ErrorKind::WouldBlock);
    assert!(
        got == right,
        "a read of an accepted socket without bytes: expected {right:?}; got {got:?}"
    );
    let of = client.local_addr().unwrap();
    assert!(peer == of, "accepted: expected the address of the client; got another");
}

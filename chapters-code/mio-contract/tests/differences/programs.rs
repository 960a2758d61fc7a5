//! The programs, written once. `super::mio` is the crate that they run on; each returns what it saw.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::SocketAddr as UnixAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use mio_contract::kernel;

use super::mio::net::{TcpListener, UdpSocket, UnixDatagram, UnixListener, UnixStream};
use super::mio::unix::pipe::{self, Receiver};
use super::mio::{Events, Interest, Poll, Token, Waker};
use crate::marked;

const READABLE: Interest = Interest::READABLE;

fn said<T>(result: io::Result<T>) -> String {
    result.map_or_else(|error| format!("{:?}", error.kind()), |_| "Ok".to_owned())
}

/// How many events a poll brings that does not wait.
fn events(poll: &mut Poll) -> usize {
    let mut events = Events::with_capacity(8);
    poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
    events.iter().map(|_| 1).sum()
}

pub fn refused_by_the_kernel_twice() -> String {
    let poll = Poll::new().unwrap();
    let file = File::open(std::env::current_exe().unwrap()).unwrap();
    let mut file = Receiver::from(OwnedFd::from(file));
    let mut register = || said(poll.registry().register(&mut file, Token(1), READABLE));
    format!("{}, then {}", register(), register())
}

pub fn refused_by_a_second_poll() -> String {
    let (mut first, second) = (Poll::new().unwrap(), Poll::new().unwrap());
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    first.registry().register(&mut theirs, Token(1), READABLE).unwrap();
    let second = said(second.registry().register(&mut theirs, Token(2), READABLE));
    let changed = said(first.registry().reregister(&mut theirs, Token(3), READABLE));
    let ended = said(first.registry().deregister(&mut theirs));
    ours.write_all(b"x").unwrap();
    let heard = events(&mut first);
    format!("second {second}; first: reregister {changed}, deregister {ended}, {heard} events")
}

pub fn a_second_poll_refuses_to_deregister() -> String {
    let (first, second) = (Poll::new().unwrap(), Poll::new().unwrap());
    let (mut ours, _theirs) = UnixStream::pair().unwrap();
    first.registry().register(&mut ours, Token(1), READABLE).unwrap();
    let second = said(second.registry().deregister(&mut ours));
    format!("second {second}, first {}", said(first.registry().deregister(&mut ours)))
}

pub fn what_is_left_after_one_of_three_events() -> String {
    let mut poll = Poll::new().unwrap();
    let mut pairs = [(); 3].map(|()| UnixStream::pair().unwrap());
    for (ours, theirs) in &mut pairs {
        poll.registry().register(theirs, Token(1), READABLE).unwrap();
        ours.write_all(b"x").unwrap();
    }
    let mut events = Events::with_capacity(8);
    poll.poll(&mut events, None).unwrap();
    let mut iter = events.iter();
    iter.next().expect("all three are readable");
    let (least, most) = iter.size_hint();
    let count = iter.clone().count();
    format!(
        "size_hint {least} to {}, count {count}, in truth {}",
        most.unwrap(),
        iter.fold(0, |n, _| n + 1)
    )
}

pub fn the_abstract_name_of_who_connects() -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("listener");
    let listener = UnixListener::bind(&path).unwrap();
    let client = kernel::socket(libc::AF_UNIX, libc::SOCK_STREAM);
    let name = format!("client of {}", path.display());
    kernel::bind_to_abstract(&client, name.as_bytes());
    kernel::connect_to_path(&client, &path);
    let (stream, address) = listener.accept().unwrap();
    let named = |address: UnixAddr| {
        use std::os::linux::net::SocketAddrExt;
        address.as_abstract_name() == Some(name.as_bytes())
    };
    format!("accept {}, peer_addr {}", named(address), named(stream.peer_addr().unwrap()))
}

pub fn a_waker_after_one_that_could_not_be_made() -> String {
    let poll = Poll::new().unwrap();
    let waker = || said(Waker::new(poll.registry(), Token(1)));
    let first = kernel::without_free_descriptors(|| {
        let error = Waker::new(poll.registry(), Token(1)).unwrap_err();
        if error.raw_os_error() == Some(libc::EMFILE) { "EMFILE" } else { "another error" }
    });
    let second = catch_unwind(AssertUnwindSafe(waker)).unwrap_or_else(|_| "a panic".to_owned());
    format!("{first}, then {second}")
}

/// A listener that waits, although mio's don't. The kernel has to say who sleeps.
pub fn a_signal_while_a_unix_listener_waits() -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("listener");
    let listener = UnixListener::bind(&path).unwrap();
    kernel::set_nonblocking(&listener, false);
    let (number, who) = mpsc::channel();
    thread::scope(|scope| {
        let accepts = scope.spawn(|| {
            number.send(kernel::this_thread()).unwrap();
            said(listener.accept())
        });
        let thread = who.recv().unwrap();
        let seen = kernel::asleep_in(thread, &[libc::SYS_accept, libc::SYS_accept4]).is_some();
        assert!(seen, "accept does not wait");
        kernel::interrupt_once(thread);
        kernel::wait_until_delivered(thread);
        // Ends the wait if it went on.
        UnixStream::connect(&path).unwrap();
        accepts.join().unwrap()
    })
}

/// A poll with room for so many.
pub fn a_poll_with_room_for(most: usize) -> String {
    let mut poll = Poll::new().unwrap();
    said(poll.poll(&mut Events::with_capacity(most), Some(Duration::ZERO)))
}

/// Makes one of these between two marks of [`marked`].
pub fn make(what: &str) {
    let any = "127.0.0.1:0".parse().unwrap();
    match what {
        "TcpListener::bind" => drop(marked(|| TcpListener::bind(any)).unwrap()),
        "UdpSocket::bind" => drop(marked(|| UdpSocket::bind(any)).unwrap()),
        "UnixStream::pair" => drop(marked(UnixStream::pair).unwrap()),
        "UnixDatagram::unbound" => drop(marked(UnixDatagram::unbound).unwrap()),
        "pipe::new" => drop(marked(pipe::new).unwrap()),
        "UnixListener::accept" => {
            let dir = tempfile::tempdir().unwrap();
            let listener = UnixListener::bind(dir.path().join("listener")).unwrap();
            let _client = UnixStream::connect(dir.path().join("listener")).unwrap();
            drop(marked(|| listener.accept()).unwrap());
        }
        _ => panic!("nobody knows how to make {what}"),
    }
}

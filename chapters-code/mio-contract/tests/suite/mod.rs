//! The rules. Each test is named after its own.

mod addresses;
mod api;
mod descriptors;
mod event;
mod interest;
mod pipe;
mod poll;
mod readiness;
mod registration;
mod tcp;
mod timeouts;
mod udp;
mod unix;
mod waker;

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::panic::Location;
use std::time::{Duration, Instant};

use mio::event::{Event, Source};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use mio_contract::{alone, together};

/// Much longer than anything takes that must happen.
const PATIENCE: Duration = Duration::from_secs(5);

const READABLE: Interest = Interest::READABLE;
const WRITABLE: Interest = Interest::WRITABLE;
const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// How long is waited for what must come: without end, for a process that sleeps for ever is seen to.
/// Where nobody looks, and where it does not sleep, there is a limit.
struct Patience {
    from: Instant,
    what: String,
}

impl Patience {
    /// Says on stderr, which is shown when the test fails, who waits for what.
    #[track_caller]
    fn new(what: &str) -> Patience {
        let what = format!("{}: waits for {what}", Location::caller());
        eprintln!("{what}");
        Patience { from: Instant::now(), what }
    }

    fn timeout(&self) -> Option<Duration> {
        assert!(self.from.elapsed() < PATIENCE, "{}", self.what);
        together().then_some(PATIENCE)
    }
}

/// Runs a rule that mio checks in debug builds, and in release builds leaves to the caller.
#[track_caller]
fn checked<F: FnOnce()>(rule: F) {
    match cfg!(debug_assertions) {
        true => alone(rule),
        false => println!("skipped: not checked in release builds"),
    }
}

/// A poll and room for its events.
struct Watch {
    poll: Poll,
    events: Events,
}

impl Watch {
    fn new() -> Watch {
        Watch { poll: Poll::new().unwrap(), events: Events::with_capacity(64) }
    }

    #[track_caller]
    fn register(&self, source: &mut (impl Source + ?Sized), token: usize, interest: Interest) {
        self.poll.registry().register(source, Token(token), interest).unwrap();
    }

    #[track_caller]
    fn reregister(&self, source: &mut (impl Source + ?Sized), token: usize, interest: Interest) {
        self.poll.registry().reregister(source, Token(token), interest).unwrap();
    }

    #[track_caller]
    fn deregister(&self, source: &mut (impl Source + ?Sized)) {
        self.poll.registry().deregister(source).unwrap();
    }

    /// What the next poll brings, which may be nothing.
    #[track_caller]
    fn poll(&mut self, timeout: Duration) -> Vec<Event> {
        self.poll.poll(&mut self.events, Some(timeout)).unwrap();
        self.events.iter().cloned().collect()
    }

    /// What the next poll brings that brings anything.
    #[track_caller]
    fn next(&mut self) -> Vec<Event> {
        let until = Patience::new("an event");
        loop {
            self.poll.poll(&mut self.events, until.timeout()).unwrap();
            if !self.events.is_empty() {
                return self.events.iter().cloned().collect();
            }
        }
    }

    /// The next event, which comes alone.
    #[track_caller]
    fn one(&mut self) -> Event {
        let events = self.next();
        assert_eq!(events.len(), 1, "{events:?}");
        events[0].clone()
    }

    /// Polls until an event is as wanted: what travels through the network comes in any portions.
    #[track_caller]
    fn until(&mut self, what: &str, wanted: impl Fn(&Event) -> bool) -> Event {
        let until = Patience::new(&format!("an event that is {what}"));
        loop {
            self.poll.poll(&mut self.events, until.timeout()).unwrap();
            if let Some(event) = self.events.iter().find(|event| wanted(event)) {
                return event.clone();
            }
            if !self.events.is_empty() {
                eprintln!("there is {:?}", self.events);
            }
        }
    }

    /// There is no event now.
    #[track_caller]
    fn nothing(&mut self) {
        let events = self.poll(Duration::ZERO);
        assert!(events.is_empty(), "{events:?}");
    }
}

/// The tokens of some events, in order.
fn tokens<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<usize> {
    let mut tokens: Vec<usize> = events.into_iter().map(|event| event.token().0).collect();
    tokens.sort_unstable();
    tokens
}

/// It failed, and like this.
#[track_caller]
fn fails<T>(kind: ErrorKind, result: io::Result<T>) {
    match result {
        Ok(_) => panic!("it succeeded instead of {kind:?}"),
        Err(error) => assert_eq!(error.kind(), kind, "{error}"),
    }
}

/// It would have waited.
#[track_caller]
fn would_block<T>(result: io::Result<T>) {
    fails(ErrorKind::WouldBlock, result);
}

/// Tries again until it would not wait: between two sockets bytes take their time, even here.
#[track_caller]
fn eventually<T>(mut attempt: impl FnMut() -> io::Result<T>) -> T {
    let from = Instant::now();
    loop {
        match attempt() {
            Err(error) if error.kind() == ErrorKind::WouldBlock && from.elapsed() < PATIENCE => {
                std::thread::yield_now();
            }
            result => return result.unwrap(),
        }
    }
}

/// A free port on this machine.
fn any_v4() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

fn any_v6() -> SocketAddr {
    (Ipv6Addr::LOCALHOST, 0).into()
}

/// Both, or what this machine has of them.
fn any_addresses() -> Vec<SocketAddr> {
    if mio_contract::kernel::has("[::1]:0") {
        return vec![any_v4(), any_v6()];
    }
    println!("skipped: IPv6, which this machine does not have");
    vec![any_v4()]
}

/// A listener, and two ends of one connection to it: the client's and the accepted.
#[track_caller]
fn connection(address: SocketAddr) -> (TcpListener, TcpStream, TcpStream) {
    let listener = TcpListener::bind(address).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = eventually(|| listener.accept());
    eventually_connected(&client);
    (listener, client, server)
}

/// Waits until the connection is made.
#[track_caller]
fn eventually_connected(client: &TcpStream) {
    eventually(|| match client.peer_addr() {
        Err(error) if error.kind() == ErrorKind::NotConnected => Err(ErrorKind::WouldBlock.into()),
        result => result,
    });
}

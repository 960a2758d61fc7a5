//! What the note *The edge and the drain law* claims.

use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;

use edges::{
    CLOSE, EDGE, Ended, Epoll, FOREVER, LEVEL, NOTHING, WRITE, drain_per_event, hello_and_close,
    one_read_per_event, pair, unix_pair,
};
use lab::doomed::{self, Ending};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Milliseconds that a reader waits for an event which the law says will not come. Everything
/// that could cause one has already happened, so 0 would do.
const A_WHILE: i32 = 50;

/// Interest in room to write, edge-triggered.
const WRITE_EDGE: u32 = WRITE | libc::EPOLLET as u32;

/// A server's end of any kind.
trait Server: Write {
    /// Sends the bytes so that they have arrived when this returns.
    fn send(&mut self, bytes: &[u8]) {
        self.write_all(bytes).unwrap();
    }

    /// Sends five bytes and closes. Both have arrived when this returns.
    fn hello_and_close(self);
}

impl Server for TcpStream {
    fn hello_and_close(self) {
        hello_and_close(self).unwrap();
    }
}

impl Server for UnixStream {
    fn hello_and_close(mut self) {
        self.send(b"hello");
    }
}

impl Server for PipeWriter {
    fn hello_and_close(mut self) {
        self.send(b"hello");
    }
}

/// The reading end of a pipe, which does not block, and the writing end.
fn pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (reader, writer) = io::pipe()?;
    // SAFETY: fcntl with these commands takes no pointer, and the descriptor is open.
    let set = unsafe {
        let flags = libc::fcntl(reader.as_raw_fd(), libc::F_GETFL);
        libc::fcntl(reader.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK)
    };
    assert_eq!(set, 0, "{}", io::Error::last_os_error());
    Ok((reader, writer))
}

/// The same on a Unix stream, on TCP and on a pipe. Segments that TCP sends are not held back.
macro_rules! on_each_kind {
    ($test:expr) => {{
        let (client, server) = unix_pair().unwrap();
        ($test)("Unix", client, server);
        let (client, server) = pair().unwrap();
        server.set_nodelay(true).unwrap();
        ($test)("TCP", client, server);
        let (client, server) = pipe().unwrap();
        ($test)("pipe", client, server);
    }};
}

/// What a wait says that comes after everything has happened.
fn now(epoll: &Epoll) -> &'static str {
    match epoll.wait(A_WHILE).unwrap() {
        NOTHING => "nothing",
        _ => "event",
    }
}

#[test]
fn one_read_per_event_sees_the_close_on_levels_and_waits_on_edges() {
    fn reads_once(kind: &str, interest: u32, mut client: impl Read + AsFd, server: impl Server) {
        let expected = match interest {
            LEVEL => Ended::Closed { bytes: 5 },
            _ => Ended::StillWaiting { bytes: 5 },
        };
        let epoll = Epoll::watching(&client, interest).unwrap();
        server.hello_and_close();
        let ended = one_read_per_event(&epoll, &mut client, A_WHILE).unwrap();
        assert_eq!(ended, expected, "{kind}");
        assert_eq!(client.read(&mut [0; 64]).unwrap(), 0, "{kind}: the close has been there");
    }
    for interest in [LEVEL, EDGE] {
        on_each_kind!(|kind, client, server| reads_once(kind, interest, client, server));
    }
}

#[test]
fn of_a_hundred_bytes_the_second_fifty_are_reported_on_levels_and_not_on_edges() {
    fn fifty_at_a_time(
        kind: &str,
        interest: u32,
        mut client: impl Read + AsFd,
        mut server: impl Server,
    ) {
        let epoll = Epoll::watching(&client, interest).unwrap();
        server.send(&[7; 100]);
        let mut said = Vec::new();
        for _ in 0..3 {
            said.push(now(&epoll));
            if said.last() == Some(&"event") {
                assert_eq!(client.read(&mut [0; 50]).unwrap(), 50, "{kind}");
            }
        }
        let second = if interest == LEVEL { "event" } else { "nothing" };
        assert_eq!(said, ["event", second, "nothing"], "{kind}");
    }
    for interest in [LEVEL, EDGE] {
        on_each_kind!(|kind, client, server| fifty_at_a_time(kind, interest, client, server));
    }
}

/// Plays a script of `send`, `read`, `again` and `end`; what each `wait` in it says.
fn play(script: &str, mut client: impl Read + AsFd, server: impl Server) -> Vec<&'static str> {
    let epoll = Epoll::watching(&client, EDGE).unwrap();
    let (mut said, mut server) = (Vec::new(), Some(server));
    for step in script.split(' ') {
        match step {
            "send" => server.as_mut().unwrap().send(b"hello"),
            "end" => drop(server.take()),
            "read" => _ = client.read(&mut [0; 64]),
            "again" => epoll.rearm(&client, EDGE).unwrap(),
            "wait" => said.push(now(&epoll)),
            other => panic!("no step is called `{other}`"),
        }
    }
    said
}

#[test]
fn an_edge_is_an_arrival_and_something_to_read() {
    for (script, expected) in [
        // Bytes behind bytes that were left are an event, and it stands for all of them.
        ("send wait send wait wait", &["event", "event", "nothing"][..]),
        ("send send send wait wait", &["event", "nothing"]),
        // Something happened, and it is no longer so.
        ("send read wait", &["nothing"]),
        ("send wait again wait", &["event", "event"]),
        ("send wait read again wait", &["event", "nothing"]),
        // The close: an event of its own, or none.
        ("send wait end wait", &["event", "event"]),
        ("send end wait wait", &["event", "nothing"]),
        ("send end wait read again wait", &["event", "event"]),
    ] {
        on_each_kind!(|kind, client, server| {
            assert_eq!(play(script, client, server), expected, "{kind}: {script}");
        });
    }
}

/// How a reader ended, in words.
fn ended(ended: io::Result<Ended>) -> String {
    match ended {
        Ok(ended) => format!("{ended:?}"),
        Err(error) => format!("the error {:?}", error.kind()),
    }
}

#[test]
fn draining_sees_the_close_in_the_same_event() {
    let (mut client, mut server) = unix_pair().unwrap();
    let epoll = Epoll::watching(&client, EDGE).unwrap();
    server.send(b"hello");
    drop(server);

    let ended = ended(drain_per_event(&epoll, &mut client, FOREVER));

    assert!(
        ended == "Closed { bytes: 5 }",
        "sent 5 bytes and closed: expected Closed {{ bytes: 5 }}; got {ended}"
    );
    let left = now(&epoll);
    assert!(
        left == "nothing",
        "sent 5 bytes and closed: expected one event for both, taken by the reader; one is left"
    );
}

#[test]
fn a_drained_stream_is_reported_at_the_next_bytes_and_at_the_close() {
    fn drains(kind: &str, mut client: impl Read + AsFd, mut server: impl Server) {
        let epoll = Epoll::watching(&client, EDGE).unwrap();
        for _ in 0..3 {
            server.send(&[7; 200]);
            let ended = ended(drain_per_event(&epoll, &mut client, A_WHILE));
            let right = "StillWaiting { bytes: 200 }";
            assert!(ended == right, "{kind}, sent 200 bytes: expected {right}; got {ended}");
        }
        server.hello_and_close();
        let ended = ended(drain_per_event(&epoll, &mut client, FOREVER));
        let right = "Closed { bytes: 5 }";
        assert!(ended == right, "{kind}, sent 5 and closed: expected {right}; got {ended}");
    }
    on_each_kind!(drains);
}

/// The client of a connection on which nobody closes goes back to epoll_wait.
#[test]
fn a_draining_client_waits_again_while_the_connection_is_open() {
    let (mut client, mut server) = unix_pair().unwrap();
    let epoll = Epoll::watching(&client, EDGE).unwrap();
    server.send(b"hello");
    let ended = ended(drain_per_event(&epoll, &mut client, 0));
    let right = "StillWaiting { bytes: 5 }";
    assert!(ended == right, "sent 5 bytes, patience 0: expected {right}; got {ended}");
}

#[test]
fn who_asks_for_the_close_is_told_of_it_in_the_event_for_the_bytes() {
    fn asks(kind: &str, client: impl AsFd, server: impl Server) {
        let epoll = Epoll::watching(&client, EDGE | CLOSE).unwrap();
        server.hello_and_close();
        assert_ne!(epoll.wait(FOREVER).unwrap() & CLOSE, 0, "{kind}");
        assert_eq!(now(&epoll), "nothing", "{kind}");
    }
    let (client, server) = unix_pair().unwrap();
    asks("Unix", client, server);
    let (client, server) = pair().unwrap();
    asks("TCP", client, server);
}

/// A low-water mark: bytes below it are no event.
#[test]
fn an_arrival_below_so_rcvlowat_is_no_event_on_tcp() {
    let (client, mut server) = pair().unwrap();
    server.set_nodelay(true).unwrap();
    let (six, size) = (6_i32, size_of::<i32>() as libc::socklen_t);
    // SAFETY: the option's value is an int, which lives through the call, and `size` is its size.
    let set = unsafe {
        let value = (&raw const six).cast();
        libc::setsockopt(client.as_raw_fd(), libc::SOL_SOCKET, libc::SO_RCVLOWAT, value, size)
    };
    assert_eq!(set, 0, "{}", io::Error::last_os_error());
    let epoll = Epoll::watching(&client, EDGE).unwrap();
    server.send(b"hello");
    assert_eq!(client.peek(&mut [0; 64]).unwrap(), 5);
    assert_eq!(now(&epoll), "nothing");
    server.send(b"!");
    assert_eq!(now(&epoll), "event");
}

/// Room that was there all along is no event to a registration for room alone. One that asks for
/// bytes as well is woken by bytes, and then reports the room too.
#[test]
fn room_is_reported_when_bytes_wake_an_entry_that_asks_for_both() {
    for (interest, expected) in [(WRITE_EDGE, NOTHING), (WRITE_EDGE | EDGE, WRITE | LEVEL)] {
        let (client, mut server) = pair().unwrap();
        server.set_nodelay(true).unwrap();
        let epoll = Epoll::watching(&client, interest).unwrap();
        assert_eq!(epoll.wait(FOREVER).unwrap(), WRITE, "there is room");
        for _ in 0..2 {
            server.send(b"hello");
            assert_eq!(epoll.wait(A_WHILE).unwrap(), expected);
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap()
}

#[test]
fn tokio_remembers_that_a_stream_was_readable() {
    runtime().block_on(async {
        let (client, mut server) = unix_pair().unwrap();
        let client = tokio::net::UnixStream::from_std(client).unwrap();
        server.send(&[7; 100]);
        for _ in 0..2 {
            client.readable().await.unwrap();
            assert_eq!(client.try_read(&mut [0; 50]).unwrap(), 50);
        }
    });
}

/// A client with fifty bytes of a hundred left in an `AsyncFd`; it waits for them in `readable`.
async fn half_read(forget: bool) {
    let (client, mut server) = unix_pair().unwrap();
    // SAFETY: the stream owns its descriptor, and nobody closes or replaces it while it is in here.
    let client = unsafe { AsyncFd::register_with_interest(client, Interest::READABLE) }.unwrap();
    server.send(&[7; 100]);
    let mut guard = client.readable().await.unwrap();
    assert_eq!(client.get_ref().read(&mut [0; 50]).unwrap(), 50);
    if forget {
        guard.clear_ready();
    }
    drop(guard);
    drop(client.readable().await.unwrap());
    println!("told of the rest");
}

#[test]
fn clear_ready_after_a_read_that_left_something_waits_for_ever() {
    let name = "clear_ready_after_a_read_that_left_something_waits_for_ever";
    let ended = doomed::child(name, || runtime().block_on(half_read(true)));
    assert!(matches!(ended.how, Ending::Hung(_)), "{ended:?}");
}

#[test]
fn an_async_fd_that_was_not_cleared_is_readable_at_once() {
    let name = "an_async_fd_that_was_not_cleared_is_readable_at_once";
    let ended = doomed::child(name, || runtime().block_on(half_read(false)));
    assert!(ended.stdout.contains("told of the rest"), "{ended:?}");
}

#[test]
fn a_drained_socket_says_would_block() {
    fn drained(kind: &str, mut client: impl Read, mut server: impl Server) {
        server.send(b"hello");
        assert_eq!(client.read(&mut [0; 64]).unwrap(), 5, "{kind}");
        let error = client.read(&mut [0; 64]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock, "{kind}");
    }
    on_each_kind!(drained);
}

//! What the note *The short read* claims.

use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::time::Duration;

use edges::{
    CLOSE, Counted, EDGE, EDGE_AND_CLOSE, Ended, Epoll, FOREVER, LEVEL, NOTHING, drain_per_event,
    hello_and_close, pair, stop_at_short_read, stop_at_short_read_if_open,
};
use tokio::io::{AsyncRead, ReadBuf};

/// Milliseconds that a reader waits for an event which will not come. Everything that could cause
/// one has already happened, so 0 would do.
const A_WHILE: i32 = 50;

#[test]
fn a_short_read_proves_that_the_bytes_are_drained_and_not_that_no_close_follows() {
    let mut buffer = [0; 64];
    for len in 1..64 {
        let (mut client, mut server) = pair().unwrap();
        // Two segments. Of more, the last might have to wait until the peer acknowledges the first.
        server.set_nodelay(true).unwrap();
        let (first, second) = [7; 64][..len].split_at(len / 2);
        server.write_all(first).unwrap();
        server.write_all(second).unwrap();
        assert_eq!(client.read(&mut buffer).unwrap(), len);
        assert_eq!(client.read(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
    }

    let (mut client, server) = pair().unwrap();
    let epoll = Epoll::watching(&client, EDGE).unwrap();
    hello_and_close(server).unwrap();
    let ended = stop_at_short_read(&epoll, &mut client, A_WHILE).unwrap();
    assert_eq!(ended, Ended::StillWaiting { bytes: 5 });
    assert_eq!(client.read(&mut buffer).unwrap(), 0, "the close has been in the socket");
}

#[test]
fn who_looks_at_the_flag_sees_the_close_in_the_same_event() {
    let (mut client, server) = pair().unwrap();
    let epoll = Epoll::watching(&client, EDGE_AND_CLOSE).unwrap();
    hello_and_close(server).unwrap();

    let ended = stop_at_short_read_if_open(&epoll, &mut client, FOREVER).unwrap();

    assert_eq!(ended, Ended::Closed { bytes: 5 });
    assert_eq!(epoll.wait(A_WHILE).unwrap(), NOTHING, "one event stood for both");
}

/// A socket whose peer closes right before the first read, or right after it.
struct ClosesAround {
    socket: TcpStream,
    before: Option<TcpStream>,
    after: Option<TcpStream>,
}

impl Read for ClosesAround {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        drop(self.before.take());
        let n = self.socket.read(buffer);
        drop(self.after.take());
        n
    }
}

#[test]
fn a_close_that_the_event_does_not_tell_of_makes_another_event() {
    for before in [true, false] {
        let (socket, mut server) = pair().unwrap();
        let epoll = Epoll::watching(&socket, EDGE_AND_CLOSE).unwrap();
        server.write_all(b"hello").unwrap();
        let (before, after) = if before { (Some(server), None) } else { (None, Some(server)) };
        let mut socket = ClosesAround { socket, before, after };

        let ended = stop_at_short_read_if_open(&epoll, &mut socket, FOREVER).unwrap();

        assert_eq!(ended, Ended::Closed { bytes: 5 });
    }
}

#[test]
fn stopping_at_a_short_read_saves_one_read_of_two() {
    let mut reads = Vec::new();
    for habit in [drain_per_event, stop_at_short_read, stop_at_short_read_if_open] {
        let (client, mut server) = pair().unwrap();
        let epoll = Epoll::watching(&client, EDGE_AND_CLOSE).unwrap();
        let mut client = Counted::new(client);
        server.write_all(b"hello").unwrap();
        habit(&epoll, &mut client, 0).unwrap();
        reads.push(client.reads);
    }
    assert_eq!(reads, [2, 1, 1]);
}

#[test]
fn a_read_that_fills_the_buffer_proves_nothing() {
    for len in [64, 65, 128, 1000] {
        let (client, mut server) = pair().unwrap();
        let epoll = Epoll::watching(&client, EDGE_AND_CLOSE).unwrap();
        let mut client = Counted::new(client);
        server.write_all(&vec![7; len]).unwrap();
        let ended = stop_at_short_read_if_open(&epoll, &mut client, 0).unwrap();
        assert_eq!(ended, Ended::StillWaiting { bytes: len });
        assert_eq!(client.reads, len / 64 + 1, "{len} bytes");
    }
}

#[test]
fn level_triggered_the_short_read_costs_an_event_and_no_hang() {
    let (mut client, server) = pair().unwrap();
    let epoll = Epoll::watching(&client, LEVEL).unwrap();
    hello_and_close(server).unwrap();
    let ended = stop_at_short_read(&epoll, &mut client, FOREVER).unwrap();
    assert_eq!(ended, Ended::Closed { bytes: 5 });
}

#[test]
fn the_flag_comes_only_to_those_who_ask() {
    for (interest, expected) in [(EDGE, 0), (EDGE_AND_CLOSE, CLOSE)] {
        let (client, server) = pair().unwrap();
        let epoll = Epoll::watching(&client, interest).unwrap();
        hello_and_close(server).unwrap();
        assert_eq!(epoll.wait(FOREVER).unwrap() & CLOSE, expected);
    }
}

/// Sends three bytes, one urgent byte and three more.
fn send_around_an_urgent_byte(server: &mut TcpStream) {
    server.set_nodelay(true).unwrap();
    server.write_all(b"abc").unwrap();
    let urgent = b'!';
    // SAFETY: the kernel reads one byte from `urgent`, which lives through the call.
    let sent =
        unsafe { libc::send(server.as_raw_fd(), (&raw const urgent).cast(), 1, libc::MSG_OOB) };
    assert_eq!(sent, 1, "{}", io::Error::last_os_error());
    server.write_all(b"def").unwrap();
}

#[test]
fn a_read_stops_short_at_an_urgent_byte_and_more_bytes_follow() {
    let (mut client, mut server) = pair().unwrap();
    let epoll = Epoll::watching(&client, EDGE_AND_CLOSE).unwrap();
    send_around_an_urgent_byte(&mut server);

    let ended = stop_at_short_read_if_open(&epoll, &mut client, A_WHILE).unwrap();

    assert_eq!(ended, Ended::StillWaiting { bytes: 3 });
    let mut buffer = [0; 64];
    assert_eq!(client.read(&mut buffer).unwrap(), 3);
    assert_eq!(&buffer[..3], b"def");
}

#[test]
fn a_draining_reader_gets_past_an_urgent_byte() {
    let (mut client, mut server) = pair().unwrap();
    let epoll = Epoll::watching(&client, EDGE).unwrap();
    send_around_an_urgent_byte(&mut server);
    let ended = drain_per_event(&epoll, &mut client, A_WHILE).unwrap();
    assert_eq!(ended, Ended::StillWaiting { bytes: 6 });
}

/// What a tokio stream reads: each item is what one `poll_read` with 64 bytes of room returned,
/// and the list ends at the close or where a read waits longer than nothing takes to arrive.
fn reads_of_tokio(send: impl FnOnce(TcpStream) -> Option<TcpStream>) -> (Vec<String>, bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, server) = pair().unwrap();
        let mut client = tokio::net::TcpStream::from_std(client).unwrap();
        let _open = send(server);
        let mut seen = Vec::new();
        loop {
            let mut room = [0; 64];
            let mut buffer = ReadBuf::new(&mut room);
            let read = poll_fn(|context| Pin::new(&mut client).poll_read(context, &mut buffer));
            match tokio::time::timeout(Duration::from_millis(A_WHILE as u64), read).await {
                Err(_waited) => return (seen, false),
                Ok(read) => read.unwrap(),
            }
            if buffer.filled().is_empty() {
                return (seen, true);
            }
            seen.push(String::from_utf8(buffer.filled().to_vec()).unwrap());
        }
    })
}

#[test]
fn a_tokio_stream_sees_a_close_that_came_with_the_bytes() {
    let (seen, closed) = reads_of_tokio(|server| {
        hello_and_close(server).unwrap();
        None
    });
    assert_eq!((seen, closed), (vec!["hello".to_owned()], true));
}

#[test]
fn a_tokio_stream_waits_with_bytes_behind_an_urgent_byte() {
    let (seen, closed) = reads_of_tokio(|mut server| {
        send_around_an_urgent_byte(&mut server);
        Some(server)
    });
    assert_eq!((seen, closed), (vec!["abc".to_owned()], false));
}

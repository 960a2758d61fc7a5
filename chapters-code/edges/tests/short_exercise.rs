//! What `stop_at_short_read_if_open` owes its caller. Each message says what was sent and what had to come.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use edges::{EDGE_AND_CLOSE, Ended, Epoll, stop_at_short_read_if_open, unix_pair};

/// Milliseconds that a reader waits for an event that will not come.
const A_WHILE: i32 = 50;

/// More reads than any test here needs.
const MANY: usize = 1_000;

/// The client's end, with a server that acts behind a read.
struct Client {
    socket: UnixStream,
    server: Option<UnixStream>,
    /// What the server does right behind the read with this number, from 1: it sends, and closes.
    behind: Option<(usize, &'static [u8])>,
    interrupted: Option<usize>,
    reads: usize,
}

fn sent(bytes: &[u8]) -> (Epoll, Client) {
    let (socket, mut server) = unix_pair().unwrap();
    let epoll = Epoll::watching(&socket, EDGE_AND_CLOSE).unwrap();
    server.write_all(bytes).unwrap();
    let server = Some(server);
    (epoll, Client { socket, server, behind: None, interrupted: None, reads: 0 })
}

impl Read for Client {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        assert!(
            self.reads < MANY,
            "{MANY} reads for a few bytes: between events nothing is to be read"
        );
        if self.interrupted.take_if(|read| *read == self.reads).is_some() {
            return Err(ErrorKind::Interrupted.into());
        }
        let result = self.socket.read(buffer);
        if let Some((_, more)) = self.behind.take_if(|(read, _)| *read == self.reads) {
            self.server.take().expect("it closes once").write_all(more)?;
        }
        result
    }
}

#[track_caller]
fn must(sent: &str, right: &str, epoll: &Epoll, client: &mut Client) {
    let told = match stop_at_short_read_if_open(epoll, client, A_WHILE) {
        Ok(Ended::Closed { bytes }) => format!("read {bytes} bytes and the close"),
        Ok(Ended::StillWaiting { bytes }) => format!("read {bytes} bytes, and waited for more"),
        Err(error) => format!("the error {:?}", error.kind()),
    };
    assert!(told == right, "{sent}: expected {right}; got {told}");
}

#[test]
fn a_short_read_of_an_open_stream_saves_the_read_that_finds_nothing() {
    let (epoll, mut client) = sent(b"hello");
    must("sent 5 bytes", "read 5 bytes, and waited for more", &epoll, &mut client);
    let reads = client.reads;
    assert!(
        reads == 1,
        "sent 5 bytes: expected 1 read, as it leaves room in the buffer; got {reads}"
    );
}

#[test]
fn the_close_that_an_event_tells_of_is_seen_behind_its_bytes() {
    for bytes in [1, 5, 64, 512, 4_096] {
        let (epoll, mut client) = sent(&vec![7; bytes]);
        client.server = None;
        let right = format!("read {bytes} bytes and the close");
        must(&format!("sent {bytes} bytes and closed"), &right, &epoll, &mut client);
    }
}

#[test]
fn a_close_that_comes_later_has_an_event_of_its_own() {
    let (epoll, mut client) = sent(b"hello");
    client.behind = Some((1, b""));
    must("sent 5 bytes, later closed", "read 5 bytes and the close", &epoll, &mut client);
}

#[test]
fn bytes_and_a_close_that_come_later_are_both_seen() {
    let (epoll, mut client) = sent(b"hello");
    client.behind = Some((1, b"and more"));
    let sent = "sent 5 bytes, later 8 and the close";
    must(sent, "read 13 bytes and the close", &epoll, &mut client);
}

#[test]
fn more_bytes_than_any_buffer_are_read_whole() {
    let (epoll, mut client) = sent(&[7; 20_000]);
    must("sent 20000 bytes", "read 20000 bytes, and waited for more", &epoll, &mut client);
}

#[test]
fn a_signal_in_the_midst_of_this_read_loses_nothing() {
    for read in [1, 2] {
        let (epoll, mut client) = sent(b"hello");
        client.server = None;
        client.interrupted = Some(read);
        let sent = "sent 5 bytes and closed; a signal interrupted a read";
        must(sent, "read 5 bytes and the close", &epoll, &mut client);
    }
}

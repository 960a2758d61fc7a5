//! What `drain_per_event` owes its caller. Each message says what was sent and what had to come.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use edges::{EDGE, Ended, Epoll, drain_per_event, pair, unix_pair};

/// Milliseconds that a reader waits for an event that will not come: everything that could cause one has
/// already happened.
const A_WHILE: i32 = 50;

/// More reads than any test here needs: a reader that asks on between events stops here.
const MANY: usize = 1_000;

/// The client's end, with a peer that acts at set times, and signals that come in the midst of reads.
struct Client {
    socket: UnixStream,
    server: Option<UnixStream>,
    /// What the server sends, one after the other, whenever the socket has said `WouldBlock`.
    later: VecDeque<&'static [u8]>,
    /// The reads, from 0, which a signal interrupts.
    interrupted: &'static [usize],
    reads: usize,
}

impl Client {
    /// With `sent` in the socket, and an edge-triggered registration from before that.
    fn sent(sent: &[u8]) -> (Epoll, Client) {
        let (socket, mut server) = unix_pair().unwrap();
        let epoll = Epoll::watching(&socket, EDGE).unwrap();
        server.write_all(sent).unwrap();
        let server = Some(server);
        (epoll, Client { socket, server, later: VecDeque::new(), interrupted: &[], reads: 0 })
    }

    fn close(&mut self) {
        self.server = None;
    }
}

impl Read for Client {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reads;
        self.reads += 1;
        assert!(
            self.reads < MANY,
            "{MANY} reads for a few bytes: between events nothing is to be read"
        );
        if self.interrupted.contains(&read) {
            return Err(ErrorKind::Interrupted.into());
        }
        let result = self.socket.read(buffer);
        if result.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
            && let (Some(more), Some(server)) = (self.later.pop_front(), &mut self.server)
        {
            server.write_all(more)?;
        }
        result
    }
}

/// How the reader ended, in words.
fn drained((epoll, mut client): (Epoll, Client)) -> String {
    told(drain_per_event(&epoll, &mut client, A_WHILE))
}

fn told(ended: io::Result<Ended>) -> String {
    match ended {
        Ok(Ended::Closed { bytes }) => format!("read {bytes} bytes and the close"),
        Ok(Ended::StillWaiting { bytes }) => format!("read {bytes} bytes, and waited for more"),
        Err(error) => format!("the error {:?}", error.kind()),
    }
}

#[track_caller]
fn must(sent: &str, right: &str, told: &str) {
    assert!(told == right, "{sent}: expected {right}; got {told}");
}

#[test]
fn a_batch_longer_than_any_buffer_is_read_whole() {
    let told = drained(Client::sent(&[7; 20_000]));
    must("sent 20000 bytes at once", "read 20000 bytes, and waited for more", &told);
}

#[test]
fn a_second_batch_is_read_as_the_first() {
    let (epoll, mut client) = Client::sent(b"hello");
    client.later.extend([&b"again"[..], b"and again"]);
    let told = drained((epoll, client));
    must("sent 5 bytes, later 5, later 9", "read 19 bytes, and waited for more", &told);
}

#[test]
fn a_close_that_shares_the_event_with_bytes_is_seen() {
    // Some of these fill a buffer, whatever its size.
    for bytes in [1, 5, 64, 512, 1_024, 4_096, 8_192] {
        let (epoll, mut client) = Client::sent(&vec![7; bytes]);
        client.close();
        let told = drained((epoll, client));
        let right = format!("read {bytes} bytes and the close");
        must(&format!("sent {bytes} bytes and closed"), &right, &told);
    }
}

#[test]
fn a_close_without_bytes_is_seen() {
    let (epoll, mut client) = Client::sent(b"");
    client.close();
    must("closed, and sent nothing", "read 0 bytes and the close", &drained((epoll, client)));
}

#[test]
fn a_signal_in_the_midst_of_a_read_loses_nothing() {
    for interrupted in [&[0][..], &[1], &[0, 1, 2]] {
        let (epoll, mut client) = Client::sent(b"hello");
        client.close();
        client.interrupted = interrupted;
        let told = drained((epoll, client));
        let sent = "sent 5 bytes and closed; a signal interrupted a read";
        must(sent, "read 5 bytes and the close", &told);
    }
}

#[test]
fn the_caller_hears_of_a_broken_connection() {
    let (mut client, server) = pair().unwrap();
    let epoll = Epoll::watching(&client, EDGE).unwrap();
    // Who closes with bytes unread resets the connection (tcp(7)).
    client.write_all(b"unread").unwrap();
    server.peek(&mut [0; 8]).unwrap();
    drop(server);
    let told = told(drain_per_event(&epoll, &mut client, A_WHILE));
    must("the peer reset the connection", "the error ConnectionReset", &told);
}

#[test]
fn a_reader_whose_patience_ends_says_what_it_has() {
    must("sent nothing", "read 0 bytes, and waited for more", &drained(Client::sent(b"")));
    must("sent 3 bytes", "read 3 bytes, and waited for more", &drained(Client::sent(b"abc")));
}

#[test]
fn an_event_costs_one_read_more_than_its_bytes() {
    let (epoll, mut client) = Client::sent(b"hello");
    let told = told(drain_per_event(&epoll, &mut client, A_WHILE));
    must("sent 5 bytes", "read 5 bytes, and waited for more", &told);
    assert!(
        client.reads == 2,
        "sent 5 bytes: expected 2 reads, one that finds nothing; got {}",
        client.reads
    );
}

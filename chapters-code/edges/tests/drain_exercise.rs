//! What `drain_per_event` owes its caller. Each message says what was sent and what had to come.

mod client;

use std::io::{self, Read, Write};

use client::{Client, must, told};
use edges::{EDGE, Epoll, drain_per_event, pair};

/// Milliseconds that a reader waits for an event that will not come: everything that could cause one has
/// already happened.
const A_WHILE: i32 = 50;

/// How the reader ended, in words.
fn drained((epoll, mut client): (Epoll, Client)) -> String {
    told(drain_per_event(&epoll, &mut client, A_WHILE))
}

#[test]
fn a_batch_longer_than_any_buffer_is_read_whole() {
    let told = drained(Client::sent(EDGE, &[7; 20_000]));
    must("sent 20000 bytes at once", "read 20000 bytes, and waited for more", &told);
}

/// A client that gives a byte at a time.
struct ByteByByte(Client);

impl Read for ByteByByte {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(1);
        self.0.read(&mut buffer[..room])
    }
}

#[test]
fn a_batch_is_read_whole_however_many_reads_it_takes() {
    let (epoll, mut client) = Client::sent(EDGE, &[7; 500]);
    client.close();
    let told = told(drain_per_event(&epoll, &mut ByteByByte(client), A_WHILE));
    let sent = "sent 500 bytes and closed; each read gives one byte";
    must(sent, "read 500 bytes and the close", &told);
}

#[test]
fn a_second_batch_is_read_as_the_first() {
    let (epoll, mut client) = Client::sent(EDGE, b"hello");
    client.later.extend([&b"again"[..], b"and again"]);
    let told = drained((epoll, client));
    must("sent 5 bytes, later 5, later 9", "read 19 bytes, and waited for more", &told);
}

#[test]
fn a_close_that_shares_the_event_with_bytes_is_seen() {
    // Some of these fill a buffer, whatever its size.
    for bytes in [1, 5, 64, 512, 1_024, 4_096, 8_192] {
        let (epoll, mut client) = Client::sent(EDGE, &vec![7; bytes]);
        client.close();
        let told = drained((epoll, client));
        let right = format!("read {bytes} bytes and the close");
        must(&format!("sent {bytes} bytes and closed"), &right, &told);
    }
}

#[test]
fn a_close_without_bytes_is_seen() {
    let (epoll, mut client) = Client::sent(EDGE, b"");
    client.close();
    must("closed, and sent nothing", "read 0 bytes and the close", &drained((epoll, client)));
}

#[test]
fn a_signal_in_the_midst_of_a_read_loses_nothing() {
    for interrupted in [&[0][..], &[1], &[0, 1, 2]] {
        let (epoll, mut client) = Client::sent(EDGE, b"hello");
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
    must("sent nothing", "read 0 bytes, and waited for more", &drained(Client::sent(EDGE, b"")));
    must("sent 3 bytes", "read 3 bytes, and waited for more", &drained(Client::sent(EDGE, b"abc")));
}

#[test]
fn an_event_costs_one_read_more_than_its_bytes() {
    let (epoll, mut client) = Client::sent(EDGE, b"hello");
    let told = told(drain_per_event(&epoll, &mut client, A_WHILE));
    must("sent 5 bytes", "read 5 bytes, and waited for more", &told);
    assert!(
        client.reads == 2,
        "sent 5 bytes: expected 2 reads, one that finds nothing; got {}",
        client.reads
    );
}

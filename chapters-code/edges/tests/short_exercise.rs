//! What `stop_at_short_read_if_open` owes its caller. Each message says what was sent and what had to
//! come.

mod client;

use std::io::Write;

use client::{Client, must, told};
use edges::{EDGE_AND_CLOSE, Epoll, NOTHING, pair, stop_at_short_read_if_open};

/// Milliseconds that a reader waits for an event that will not come: everything that could cause one has
/// already happened.
const A_WHILE: i32 = 50;

fn sent(bytes: &[u8]) -> (Epoll, Client) {
    Client::sent(EDGE_AND_CLOSE, bytes)
}

/// How the reader ended, in words.
fn read((epoll, mut client): (Epoll, Client)) -> String {
    told(stop_at_short_read_if_open(&epoll, &mut client, A_WHILE))
}

#[test]
fn a_short_read_of_an_open_stream_is_the_last_one() {
    let (epoll, mut client) = sent(b"hello");
    let told = told(stop_at_short_read_if_open(&epoll, &mut client, A_WHILE));
    must("sent 5 bytes", "read 5 bytes, and waited for more", &told);
    let reads = client.reads;
    assert!(reads == 1, "sent 5 bytes, and the stream is open: expected 1 read; got {reads}");
}

#[test]
fn the_close_after_a_short_read_is_seen_in_its_event() {
    // Some of these fill a buffer, whatever its size.
    for bytes in [1, 5, 64, 512, 1_024, 4_096, 8_192] {
        let (epoll, mut client) = sent(&vec![7; bytes]);
        client.close();
        let told = told(stop_at_short_read_if_open(&epoll, &mut client, A_WHILE));
        let right = format!("read {bytes} bytes and the close");
        must(&format!("sent {bytes} bytes and closed"), &right, &told);
        let events = epoll.wait(0).unwrap();
        assert!(
            events == NOTHING,
            "sent {bytes} bytes and closed: expected one event; got another"
        );
    }
}

#[test]
fn the_close_is_what_a_read_says_and_not_the_event() {
    let (epoll, mut client) = sent(b"abcdef");
    client.close();
    client.barrier = 3;
    let told = read((epoll, client));
    must(
        "sent 6 bytes, of which one read brings 3, and closed",
        "read 6 bytes and the close",
        &told,
    );
}

#[test]
fn a_read_that_would_block_is_no_close() {
    let (epoll, mut client) = sent(b"hello");
    client.close();
    client.blocked = &[1, 2];
    must(
        "sent 5 bytes and closed; the second read says WouldBlock",
        "read 5 bytes, and waited for more",
        &read((epoll, client)),
    );
}

#[test]
fn bytes_of_two_events_are_counted_together() {
    let (epoll, mut client) = sent(b"hello");
    client.after_short.extend([&b"again"[..], b"and again"]);
    let told = read((epoll, client));
    let sent = "sent 5 bytes, 5 when these were read, then 9: three events";
    must(sent, "read 19 bytes, and waited for more", &told);
}

#[test]
fn a_large_batch_of_an_open_stream_is_read_whole() {
    let told = read(sent(&[7; 20_000]));
    must("sent 20000 bytes at once", "read 20000 bytes, and waited for more", &told);
}

#[test]
fn a_close_that_comes_later_is_another_event() {
    let (epoll, mut client) = sent(b"hello");
    let first = told(stop_at_short_read_if_open(&epoll, &mut client, A_WHILE));
    must("sent 5 bytes", "read 5 bytes, and waited for more", &first);
    client.close();
    let then = told(stop_at_short_read_if_open(&epoll, &mut client, A_WHILE));
    must("closed when the 5 bytes were read", "read 0 bytes and the close", &then);
}

#[test]
fn what_fills_the_buffer_may_be_all_there_is() {
    // Whatever the size of the buffer, some of these fill it to the brim.
    for bytes in (0..=14).map(|power| 1 << power) {
        let told = read(sent(&vec![7; bytes]));
        let right = format!("read {bytes} bytes, and waited for more");
        must(&format!("sent {bytes} bytes"), &right, &told);
    }
}

#[test]
fn a_signal_in_a_short_read_loses_nothing() {
    for interrupted in [&[0][..], &[1], &[0, 1, 2]] {
        let (epoll, mut client) = sent(b"hello");
        client.close();
        client.interrupted = interrupted;
        let told = read((epoll, client));
        let sent = "sent 5 bytes and closed; a signal interrupted a read";
        must(sent, "read 5 bytes and the close", &told);
    }
}

#[test]
fn a_broken_connection_is_no_close() {
    let (mut client, server) = pair().unwrap();
    let epoll = Epoll::watching(&client, EDGE_AND_CLOSE).unwrap();
    // Who closes with bytes unread resets the connection (tcp(7)).
    client.write_all(b"unread").unwrap();
    server.peek(&mut [0; 8]).unwrap();
    drop(server);
    let told = told(stop_at_short_read_if_open(&epoll, &mut client, A_WHILE));
    must("the peer reset the connection", "the error ConnectionReset", &told);
}

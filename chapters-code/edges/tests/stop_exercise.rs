//! What `stop_at_short_read` owes its caller. Each message says what was sent and what had to come.

mod client;

use std::io::Write;

use client::{Client, must, told};
use edges::{EDGE, Epoll, pair, stop_at_short_read};

/// Milliseconds that a reader waits for an event that will not come: everything that could cause one has
/// already happened.
const A_WHILE: i32 = 50;

/// How the reader ended, in words.
fn stopped((epoll, mut client): (Epoll, Client)) -> String {
    told(stop_at_short_read(&epoll, &mut client, A_WHILE))
}

#[test]
fn a_full_buffer_is_followed_by_one_more_read() {
    // Whatever the size of the buffer, some of these fill it to the brim.
    for bytes in (0..=14).map(|power| 1 << power) {
        let told = stopped(Client::sent(EDGE, &vec![7; bytes]));
        let right = format!("read {bytes} bytes, and waited for more");
        must(&format!("sent {bytes} bytes at once"), &right, &told);
    }
}

#[test]
fn a_short_read_is_the_last_of_its_event_though_a_close_may_follow() {
    let (epoll, mut client) = Client::sent(EDGE, b"hello");
    client.close();
    let told = told(stop_at_short_read(&epoll, &mut client, A_WHILE));
    let sent = "sent 5 bytes and closed, which is one event";
    must(sent, "read 5 bytes, and waited for more", &told);
    let reads = client.reads;
    assert!(reads == 1, "{sent}: expected 1 read, which is short; got {reads}");
}

#[test]
fn a_short_read_ends_its_event_and_not_the_reader() {
    let (epoll, mut client) = Client::sent(EDGE, b"hello");
    client.after_short.extend([&b"again"[..], b"and again"]);
    let told = stopped((epoll, client));
    let sent = "sent 5 bytes, 5 when these were read, then 9: three events";
    must(sent, "read 19 bytes, and waited for more", &told);
}

#[test]
fn a_read_that_a_signal_interrupts_was_not_short() {
    for interrupted in [&[0][..], &[0, 1, 2]] {
        let (epoll, mut client) = Client::sent(EDGE, b"hello");
        client.interrupted = interrupted;
        let told = stopped((epoll, client));
        let sent = "sent 5 bytes; a signal interrupted the first read";
        must(sent, "read 5 bytes, and waited for more", &told);
    }
}

#[test]
fn a_close_that_is_all_there_is_is_seen() {
    let (epoll, mut client) = Client::sent(EDGE, b"");
    client.close();
    must("closed, and sent nothing", "read 0 bytes and the close", &stopped((epoll, client)));
}

#[test]
fn a_connection_that_breaks_is_an_error() {
    let (mut client, server) = pair().unwrap();
    let epoll = Epoll::watching(&client, EDGE).unwrap();
    // Who closes with bytes unread resets the connection (tcp(7)).
    client.write_all(b"unread").unwrap();
    server.peek(&mut [0; 8]).unwrap();
    drop(server);
    let told = told(stop_at_short_read(&epoll, &mut client, A_WHILE));
    must("the peer reset the connection", "the error ConnectionReset", &told);
}

//! What the notes on edges claim.

use std::io::{ErrorKind, Read, Write};
use std::sync::mpsc;
use std::thread;

use edges::{
    EDGE, Ended, Epoll, FOREVER, LEVEL, NOTHING, drain_per_event, hello_and_close,
    one_read_per_event, pair,
};

/// Milliseconds that a reader waits for an event which the law says will not come. Everything
/// that could cause one has already happened, so 0 would do.
const A_WHILE: i32 = 50;

#[test]
fn one_read_per_event_finishes_on_levels_and_never_sees_the_close_on_edges() {
    for (interest, expected) in
        [(LEVEL, Ended::Closed { bytes: 5 }), (EDGE, Ended::StillWaiting { bytes: 5 })]
    {
        let (mut client, server) = pair().unwrap();
        let epoll = Epoll::watching(&client, interest).unwrap();
        hello_and_close(server).unwrap();

        let ended = one_read_per_event(&epoll, &mut client, A_WHILE).unwrap();

        assert_eq!(ended, expected);
        assert_eq!(client.read(&mut [0; 64]).unwrap(), 0, "the close has been in the socket");
    }
}

#[test]
fn draining_sees_the_close_in_the_same_event() {
    let (mut client, server) = pair().unwrap();
    let epoll = Epoll::watching(&client, EDGE).unwrap();
    hello_and_close(server).unwrap();

    let ended = drain_per_event(&epoll, &mut client, FOREVER).unwrap();

    assert_eq!(ended, Ended::Closed { bytes: 5 });
    assert_eq!(
        epoll.wait(A_WHILE).unwrap(),
        NOTHING,
        "one event stood for the bytes and the close"
    );
}

#[test]
fn a_close_after_the_first_event_makes_a_second_event() {
    let (mut client, mut server) = pair().unwrap();
    let epoll = Epoll::watching(&client, EDGE).unwrap();
    server.write_all(b"hello").unwrap();
    assert_ne!(epoll.wait(FOREVER).unwrap(), NOTHING, "the first event, for the bytes");

    drop(server);

    assert_eq!(client.read(&mut [0; 64]).unwrap(), 5);
    assert_ne!(epoll.wait(FOREVER).unwrap(), NOTHING, "the second event, for the close");
    assert_eq!(client.read(&mut [0; 64]).unwrap(), 0);
}

#[test]
fn registering_again_reports_a_close_that_was_left_behind() {
    let (mut client, server) = pair().unwrap();
    let epoll = Epoll::watching(&client, EDGE).unwrap();
    hello_and_close(server).unwrap();
    let ended = one_read_per_event(&epoll, &mut client, A_WHILE).unwrap();
    assert_eq!(ended, Ended::StillWaiting { bytes: 5 });

    epoll.rearm(&client, EDGE).unwrap();

    assert_ne!(epoll.wait(FOREVER).unwrap(), NOTHING);
    assert_eq!(client.read(&mut [0; 64]).unwrap(), 0);
}

#[test]
fn new_bytes_report_the_bytes_that_were_left_behind() {
    let (mut client, mut server) = pair().unwrap();
    let epoll = Epoll::watching(&client, EDGE).unwrap();
    server.write_all(b"hello").unwrap();
    assert_ne!(epoll.wait(FOREVER).unwrap(), NOTHING);
    assert_eq!(
        epoll.wait(A_WHILE).unwrap(),
        NOTHING,
        "five bytes are unread, and no edge tells of them"
    );

    server.write_all(b"!").unwrap();

    assert_ne!(epoll.wait(FOREVER).unwrap(), NOTHING);
    let mut buffer = [0; 64];
    assert_eq!(client.read(&mut buffer).unwrap(), 6);
    assert_eq!(client.read(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn bytes_that_arrive_between_two_waits_make_one_event() {
    let (client, mut server) = pair().unwrap();
    server.set_nodelay(true).unwrap();
    let epoll = Epoll::watching(&client, EDGE).unwrap();
    let (sent, all_sent) = mpsc::channel();
    thread::spawn(move || {
        for byte in b"hello" {
            server.write_all(&[*byte]).unwrap();
        }
        sent.send(server).unwrap();
    });
    let _open = all_sent.recv().unwrap();
    assert_eq!(client.peek(&mut [0; 64]).unwrap(), 5);
    assert_ne!(epoll.wait(FOREVER).unwrap(), NOTHING, "five arrivals, one event");
    assert_eq!(epoll.wait(A_WHILE).unwrap(), NOTHING);
}

#[test]
fn who_asks_for_the_close_is_told_of_it_in_the_event_for_the_bytes() {
    let (client, server) = pair().unwrap();
    let told_of_close = libc::EPOLLRDHUP as u32;
    let epoll = Epoll::watching(&client, EDGE | told_of_close).unwrap();
    hello_and_close(server).unwrap();
    assert_ne!(epoll.wait(FOREVER).unwrap() & told_of_close, 0);
    assert_eq!(epoll.wait(A_WHILE).unwrap(), NOTHING);
}

#[test]
fn room_to_write_is_no_event_until_a_write_has_been_refused() {
    let (mut client, mut server) = pair().unwrap();
    let epoll = Epoll::watching(&client, (libc::EPOLLOUT | libc::EPOLLET) as u32).unwrap();
    assert_ne!(epoll.wait(FOREVER).unwrap(), NOTHING, "there is room");
    client.write_all(b"hello").unwrap();
    server.read_exact(&mut [0; 5]).unwrap();
    assert_eq!(epoll.wait(A_WHILE).unwrap(), NOTHING, "there has been room all along");
}

//! What the note *A server that accepts* claims of the kernel, and of the door.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::Duration;

use lab::crowd;
use lab::doomed::{self, Ending};
use my_mio::net::TcpListener;
use my_mio::{Events, Interest, Poll, Token};
use server::Door;

/// A listener that a poll watches, and three clients who are there before the first poll.
fn three_at_the_door() -> (Poll, TcpListener, Vec<TcpStream>) {
    let poll = Poll::new().unwrap();
    let mut listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    poll.registry().register(&mut listener, Token(0), Interest::READABLE).unwrap();
    let address = listener.local_addr().unwrap();
    let clients = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
    (poll, listener, clients)
}

/// How many events there are now.
fn events(poll: &mut Poll) -> usize {
    let mut events = Events::with_capacity(8);
    poll.poll(&mut events, Some(Duration::from_millis(50))).unwrap();
    events.iter().count()
}

#[test]
fn one_event_stands_for_all_who_wait_and_one_accept_leaves_the_rest() {
    let (mut poll, listener, _clients) = three_at_the_door();
    assert_eq!(events(&mut poll), 1);
    listener.accept().unwrap();
    assert_eq!(events(&mut poll), 0, "two wait, and no event tells");
    for _ in 0..2 {
        listener.accept().unwrap();
    }
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn another_client_makes_an_event_for_those_who_were_left() {
    let (mut poll, listener, _clients) = three_at_the_door();
    assert_eq!(events(&mut poll), 1);
    listener.accept().unwrap();
    let _fourth = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    assert_eq!(events(&mut poll), 1);
    let waiting = std::iter::from_fn(|| listener.accept().ok());
    assert_eq!(waiting.count(), 3);
}

#[test]
fn accept_all_accepts_everybody_who_waits() {
    let (_poll, listener, _clients) = three_at_the_door();
    let (mut door, mut welcomed) = (Door::new(listener), Vec::new());
    door.accept_all(|stream| welcomed.push(stream)).unwrap();
    assert_eq!(welcomed.len(), 3);
    assert!(!door.somebody_waits);
}

#[test]
fn a_client_that_is_gone_before_accept_is_accepted_on_linux_and_its_reads_end_in_an_error() {
    for part in [&b""[..], b"hel"] {
        let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        crowd::gone(listener.local_addr().unwrap(), part, true).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let error = stream.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}

#[test]
fn out_of_descriptors_the_door_remembers_and_accepts_when_some_are_free() {
    let name = "out_of_descriptors_the_door_remembers_and_accepts_when_some_are_free";
    let ended = doomed::child(name, || {
        let (mut poll, listener, clients) = three_at_the_door();
        assert_eq!(events(&mut poll), 1);
        crowd::leave_descriptors(1).unwrap();
        let (mut door, mut welcomed) = (Door::new(listener), Vec::new());
        door.accept_all(|stream| welcomed.push(stream)).unwrap();
        let told = (welcomed.len(), door.somebody_waits);
        assert!(
            told == (1, true),
            "3 wait, one descriptor: expected 1 accepted, and that somebody may wait; got {told:?}"
        );
        // The edge is spent: nobody tells of the two, free descriptors or not.
        drop(clients);
        assert_eq!(events(&mut poll), 0);
        door.accept_all(|stream| welcomed.push(stream)).unwrap();
        let told = (welcomed.len(), door.somebody_waits);
        assert!(
            told == (3, false),
            "then there are descriptors: expected 3 accepted, and that nobody waits; got {told:?}"
        );
    });
    // Of the child's panic it is the words that matter.
    let said = ended.stderr.split_once("panicked at ").map_or("", |(_, said)| said);
    let words = said.lines().nth(1).unwrap_or(&ended.stderr);
    assert!(matches!(ended.how, Ending::Passed), "{words}");
}

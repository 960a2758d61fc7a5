//! What `flush`, `interest` and those that use them owe their callers. Each message says what the socket
//! did and what had to come.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};

use edges::{Outgoing, WRITE};

/// More writes than any test here needs.
const MANY: usize = 1_000;

/// What a socket answers to one write.
#[derive(Clone, Copy)]
enum Answer {
    Takes(usize),
    Fails(ErrorKind),
}

use Answer::{Fails, Takes};

/// A socket that answers as it is told, then takes everything; what it has taken.
struct Socket {
    answers: VecDeque<Answer>,
    taken: Vec<u8>,
    writes: usize,
}

impl Socket {
    fn that(answers: &[Answer]) -> Socket {
        Socket { answers: answers.iter().copied().collect(), taken: Vec::new(), writes: 0 }
    }

    fn taken(&self) -> String {
        String::from_utf8_lossy(&self.taken).into_owned()
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes += 1;
        assert!(
            self.writes < MANY,
            "{MANY} writes for a few bytes: a socket that is full needs time, not writes"
        );
        match self.answers.front() {
            Some(Takes(n)) => {
                let n = bytes.len().min(*n);
                self.answers.pop_front();
                self.taken.extend(&bytes[..n]);
                Ok(n)
            }
            // A full socket stays full, until the test gives it room.
            Some(Fails(ErrorKind::WouldBlock)) => Err(ErrorKind::WouldBlock.into()),
            Some(Fails(kind)) => {
                let kind = *kind;
                self.answers.pop_front();
                Err(kind.into())
            }
            None => {
                self.taken.extend(bytes);
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How a flush of `0123456789` ended, what the socket has, and what is unsent.
fn flushed(answers: &[Answer]) -> (String, Socket, Outgoing) {
    let mut out = Outgoing::new(b"0123456789".to_vec());
    let mut socket = Socket::that(answers);
    let ended = told(out.flush(&mut socket));
    (ended, socket, out)
}

fn told(ended: io::Result<()>) -> String {
    ended.map_or_else(|error| format!("{:?}", error.kind()), |()| "ended well".to_owned())
}

#[track_caller]
fn must(what: &str, right: &str, got: &str) {
    assert!(got == right, "{what}: expected {right}; got {got}");
}

#[test]
fn a_socket_that_takes_parts_gets_everything_once_and_in_order() {
    let (ended, socket, _) = flushed(&[Takes(3), Takes(1), Takes(4)]);
    must("the socket takes 3 bytes, 1, 4, then all", "ended well", &ended);
    must("the socket takes 3 bytes, 1, 4, then all", "0123456789", &socket.taken());
}

#[test]
fn a_full_socket_ends_a_flush_well_and_keeps_its_place() {
    let (ended, mut socket, mut out) = flushed(&[Takes(3), Fails(ErrorKind::WouldBlock)]);
    must("the socket takes 3 bytes and is full", "ended well", &ended);
    must("unsent in a full socket", "3456789", &String::from_utf8_lossy(out.unsent()));
    socket.answers.clear();
    must("flushed again, with room", "ended well", &told(out.flush(&mut socket)));
    must("sent in all", "0123456789", &socket.taken());
}

#[test]
fn a_signal_in_the_midst_of_a_write_loses_nothing() {
    let (ended, socket, _) = flushed(&[Takes(3), Fails(ErrorKind::Interrupted)]);
    must("the socket takes 3 bytes; a signal interrupts a write", "ended well", &ended);
    must("the socket takes 3 bytes; a signal interrupts a write", "0123456789", &socket.taken());
}

#[test]
fn a_write_that_takes_nothing_is_an_error() {
    let (ended, ..) = flushed(&[Takes(3), Takes(0)]);
    must("the socket takes 3 bytes, then 0", "WriteZero", &ended);
}

#[test]
fn the_caller_hears_that_nobody_will_read() {
    let (ended, ..) = flushed(&[Takes(3), Fails(ErrorKind::BrokenPipe)]);
    must("the peer has gone", "BrokenPipe", &ended);
}

#[test]
fn where_nothing_is_unsent_nothing_is_written() {
    let (mut out, mut socket) = (Outgoing::new(Vec::new()), Socket::that(&[]));
    must("nothing is unsent", "ended well", &told(out.flush(&mut socket)));
    assert!(socket.writes == 0, "nothing is unsent: expected no write; got {}", socket.writes);
}

#[test]
fn room_is_asked_for_while_something_is_unsent() {
    let (_, mut socket, mut out) = flushed(&[Takes(3), Fails(ErrorKind::WouldBlock)]);
    let asks = out.interest();
    assert!(asks == WRITE, "7 bytes are unsent: expected WRITE, which is {WRITE}; got {asks}");
    socket.answers.clear();
    let _ = out.flush(&mut socket);
    let asks = out.interest();
    assert!(
        asks == 0,
        "nothing is unsent: expected 0, as a socket has room nearly always; got {asks}"
    );
}

//! What `flush` and `interest` owe their callers. Each message says what the socket did and what had to
//! come.

mod words;

use std::io::{self, ErrorKind, Write};

use edges::Outgoing;
use words::interest;

/// More writes than any test here needs.
const MANY: usize = 1_000;

/// A socket that takes what it is told to: so many bytes a write, or an error.
struct Takes {
    answers: Vec<Result<usize, ErrorKind>>,
    /// What it has taken.
    taken: Vec<u8>,
    writes: usize,
}

impl Takes {
    /// Answers the writes so, one after the other, and goes on with the last answer.
    fn in_turn(answers: &[Result<usize, ErrorKind>]) -> Takes {
        Takes { answers: answers.into(), taken: Vec::new(), writes: 0 }
    }
}

impl Write for Takes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        assert!(self.writes < MANY, "{MANY} writes of 10 bytes: expected an end");
        let answer = self.answers[self.writes.min(self.answers.len() - 1)];
        self.writes += 1;
        let n = answer?.min(bytes.len());
        self.taken.extend_from_slice(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Flushes `0123456789` into a socket; what that said, what was taken, and what is unsent.
fn flushed(out: &mut Outgoing, socket: &mut Takes) -> String {
    let said = match out.flush(socket) {
        Ok(()) => "fine".to_owned(),
        Err(error) => format!("{:?}", error.kind()),
    };
    let [taken, unsent] = [&socket.taken, out.unsent()].map(String::from_utf8_lossy);
    format!("{said}, taken {taken:?}, unsent {unsent:?}")
}

fn digits() -> Outgoing {
    Outgoing::new(b"0123456789".into())
}

#[track_caller]
fn must(did: &str, right: &str, got: &str) {
    assert!(got == right, "{did}: expected {right}; got {got}");
}

#[test]
fn a_flush_goes_on_after_a_part_that_was_taken() {
    let mut socket = Takes::in_turn(&[Ok(3)]);
    let got = flushed(&mut digits(), &mut socket);
    must("each write takes 3 of 10 bytes", "fine, taken \"0123456789\", unsent \"\"", &got);
}

#[test]
fn a_full_socket_ends_a_flush_which_keeps_its_place() {
    let (mut out, full) = (digits(), Err(ErrorKind::WouldBlock));
    let got = flushed(&mut out, &mut Takes::in_turn(&[Ok(3), Ok(1), full]));
    must("3 bytes and 1 are taken, then none", "fine, taken \"0123\", unsent \"456789\"", &got);
    let got = flushed(&mut out, &mut Takes::in_turn(&[Ok(10)]));
    must("4 bytes were taken, then all", "fine, taken \"456789\", unsent \"\"", &got);
}

#[test]
fn a_signal_is_no_end_of_a_flush() {
    let mut socket = Takes::in_turn(&[Ok(3), Err(ErrorKind::Interrupted), Ok(10)]);
    let got = flushed(&mut digits(), &mut socket);
    let right = "fine, taken \"0123456789\", unsent \"\"";
    must("a signal interrupts the second write", right, &got);
}

#[test]
fn a_flush_says_that_a_connection_is_broken() {
    let mut socket = Takes::in_turn(&[Ok(3), Err(ErrorKind::BrokenPipe)]);
    let got = flushed(&mut digits(), &mut socket);
    let right = "BrokenPipe, taken \"012\", unsent \"3456789\"";
    must("the second write says BrokenPipe", right, &got);
}

#[test]
fn a_write_that_takes_nothing_is_an_error() {
    let got = flushed(&mut digits(), &mut Takes::in_turn(&[Ok(0)]));
    must("each write takes 0 bytes", "WriteZero, taken \"\", unsent \"0123456789\"", &got);
}

#[test]
fn room_is_asked_for_while_something_is_unsent() {
    let (mut out, full) = (digits(), Err(ErrorKind::WouldBlock));
    let mut asked = vec![interest(out.interest())];
    for answers in [&[full][..], &[Ok(3), full], &[Ok(10)]] {
        flushed(&mut out, &mut Takes::in_turn(answers));
        asked.push(interest(out.interest()));
    }
    asked.push(interest(Outgoing::new(Vec::new()).interest()));
    let did = "asked before a flush, when nothing is taken, a part, the rest, and of no bytes";
    must(did, "room, room, room, nothing, nothing", &asked.join(", "));
}

#[test]
fn where_nothing_is_unsent_nothing_is_written() {
    let mut out = Outgoing::new(Vec::new());
    let mut socket = Takes::in_turn(&[Ok(10)]);
    let got = flushed(&mut out, &mut socket);
    must("a flush of no bytes", "fine, taken \"\", unsent \"\"", &got);
    let writes = socket.writes;
    assert!(writes == 0, "a flush of no bytes: expected no write; got {writes}");
}

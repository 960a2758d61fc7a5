//! What `flush`, `interest`, `send_all` and `echo` owe their callers. Each message says what the socket
//! did and what had to come.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use edges::{BOUND, Epoll, Incoming, LEVEL, Outgoing, WRITE, echo, send_all, unix_pair};
use lab::timeline::cpu_time;

/// More writes than any test here needs.
const MANY: usize = 1_000;

/// More than two sockets have room for.
const MUCH: usize = 2 << 20;

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
fn a_flush_goes_on_behind_a_part_that_was_taken() {
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
    let mut asked = vec![out.interest()];
    out.flush(&mut Takes::in_turn(&[Ok(3), full])).unwrap();
    asked.push(out.interest());
    out.flush(&mut Takes::in_turn(&[Ok(10)])).unwrap();
    asked.push(out.interest());
    assert!(
        asked == [WRITE, WRITE, 0],
        "nothing sent, a part sent, all sent: expected {WRITE}, {WRITE} and 0; got {asked:?}"
    );
}

/// Bytes of which each can be told from those around it.
fn message(bytes: usize) -> Vec<u8> {
    let mut message = vec![0; bytes];
    for (n, four) in message.chunks_exact_mut(4).enumerate() {
        four.copy_from_slice(&(n as u32).to_le_bytes());
    }
    message
}

/// Sends a message with `send_all` to a peer, which is a thread with the other end.
fn sends<T: Send + 'static>(
    bytes: usize,
    peer: impl FnOnce(UnixStream) -> T + Send + 'static,
) -> (Epoll, UnixStream, Incoming, T) {
    let (mut client, server) = unix_pair().unwrap();
    let epoll = Epoll::watching(&client, LEVEL).unwrap();
    let (mut out, mut inbox) = (Outgoing::new(message(bytes)), Incoming::default());
    let peer = thread::spawn(move || peer(server));
    send_all(&epoll, &mut client, &mut out, &mut inbox).unwrap();
    let unsent = out.unsent().len();
    assert!(unsent == 0, "a message of {bytes} bytes: expected that all is sent; {unsent} are not");
    (epoll, client, inbox, peer.join().unwrap())
}

#[test]
fn a_message_larger_than_all_buffers_arrives_whole() {
    let received = sends(MUCH, |mut peer| {
        let mut received = vec![0; MUCH];
        peer.read_exact(&mut received).unwrap();
        received
    });
    assert!(received.3 == message(MUCH), "sent 2 MiB: expected the same bytes; got others");
}

#[test]
fn a_peer_that_sends_before_it_reads_is_read() {
    let (_, _, inbox, received) = sends(MUCH, |mut peer| {
        peer.write_all(&message(MUCH)).unwrap();
        let mut received = vec![0; MUCH];
        peer.read_exact(&mut received).unwrap();
        received
    });
    assert!(
        received == message(MUCH),
        "both send 2 MiB first: expected the same bytes; got others"
    );
    let same = message(MUCH).starts_with(&inbox.bytes) && !inbox.bytes.is_empty();
    assert!(same, "both send 2 MiB first: expected the peer's bytes in the inbox; got others");
}

/// What the socket reports after `send_all`, while the peer has sent nothing and has room.
#[test]
fn behind_a_message_nothing_is_reported_until_an_answer_comes() {
    for bytes in [8, MUCH] {
        let (epoll, _client, _, mut peer) = sends(bytes, move |mut peer| {
            peer.read_exact(&mut vec![0; bytes]).unwrap();
            peer
        });
        let reported = epoll.wait(50).unwrap();
        assert!(
            reported == 0,
            "sent {bytes} bytes, no answer yet: expected no event; got {reported}"
        );
        peer.write_all(b"thanks").unwrap();
        let reported = epoll.wait(50).unwrap();
        assert!(
            reported == LEVEL,
            "sent {bytes} bytes, an answer came: expected {LEVEL}; got {reported}"
        );
    }
}

#[test]
fn a_message_of_no_bytes_is_sent_at_once() {
    drop(sends(0, |peer| peer));
}

/// A socket that takes at most 1,000 bytes a write, and refuses every other write.
struct Slow {
    socket: UnixStream,
    writes: usize,
}

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.read(buffer)
    }
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes += 1;
        match self.writes % 2 {
            0 => self.socket.write(&bytes[..bytes.len().min(1_000)]),
            _ => Err(ErrorKind::WouldBlock.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Slow {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[test]
fn an_echo_sends_the_rest_when_its_peer_has_ended() {
    for bytes in [0, 4_000, 60_000] {
        let (socket, mut client) = unix_pair().unwrap();
        let epoll = Epoll::watching(&socket, LEVEL).unwrap();
        client.write_all(&message(bytes)).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let received = thread::spawn(move || {
            let mut received = Vec::new();
            client.read_to_end(&mut received).map(|_| received)
        });
        let mut socket = Slow { socket, writes: 0 };
        echo(&epoll, &mut socket).unwrap();
        drop(socket);
        let received = received.join().unwrap().unwrap();
        let (same, n) = (received == message(bytes), received.len());
        assert!(same, "sent {bytes} bytes and ended: expected them back; got {n}, or others");
    }
}

#[test]
fn an_echo_stops_reading_at_its_bound() {
    let (mut server, client) = unix_pair().unwrap();
    let epoll = Epoll::watching(&server, LEVEL).unwrap();
    let echo = thread::spawn(move || echo(&epoll, &mut server).unwrap());
    let mut writer = client.try_clone().unwrap();
    let sent = thread::spawn(move || {
        let _ = writer.write_all(&message(MUCH));
        let _ = writer.shutdown(Shutdown::Write);
    });
    // So long that the echo has read all that it wants to read before it can send.
    thread::sleep(Duration::from_millis(200));
    let _ = (&client).read_to_end(&mut Vec::new());
    sent.join().unwrap();
    let (most, bound) = (echo.join().unwrap(), BOUND + 4_096);
    assert!(most <= bound, "2 MiB, and nobody reads: expected at most {bound} unsent; got {most}");
}

#[test]
fn an_echo_with_nothing_to_do_sleeps() {
    let (mut server, client) = unix_pair().unwrap();
    let epoll = Epoll::watching(&server, LEVEL).unwrap();
    let used = thread::spawn(move || {
        let before = cpu_time();
        echo(&epoll, &mut server).unwrap();
        cpu_time() - before
    });
    thread::sleep(Duration::from_millis(300));
    client.shutdown(Shutdown::Write).unwrap();
    let slept = used.join().unwrap() < Duration::from_millis(10);
    assert!(slept, "a peer that says nothing for 300 ms: expected sleep; the echo computed");
}

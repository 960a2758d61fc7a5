//! What `send_all` owes its callers. Each message says what the peer did and what had to come.

mod words;

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use edges::{Epoll, Incoming, LEVEL, Outgoing, WRITE, send_all, unix_pair};
use lab::timeline::cpu_time;
use words::interest;

/// More than two sockets have room for.
const MUCH: usize = 2 << 20;

/// More tries in vain than any sender needs that sleeps.
const MANY: usize = 1_000;

/// How long a peer lets a sender wait.
const A_WHILE: Duration = Duration::from_millis(300);

/// Bytes of which each can be told from those around it.
fn message(bytes: usize) -> Vec<u8> {
    let mut message = vec![0; bytes];
    for (n, four) in message.chunks_exact_mut(4).enumerate() {
        four.copy_from_slice(&(n as u32).to_le_bytes());
    }
    message
}

/// A socket that counts what is tried in vain, and may have more to read than it has been sent.
struct Socket {
    socket: UnixStream,
    /// Writes that found no room.
    refused: usize,
    /// What each read brings, which is not from the peer, and who hears of the first.
    chatter: Option<(&'static [u8], Sender<()>)>,
    /// Reads since the last write.
    reads: usize,
    /// Takes everything, whatever room there is.
    is_large: bool,
}

impl Socket {
    fn new(socket: UnixStream) -> Socket {
        Socket { socket, refused: 0, chatter: None, reads: 0, is_large: false }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        assert!(
            self.reads < MANY,
            "the peer sends without a pause: expected a write after each read; got {MANY} reads and no write"
        );
        let Some((brings, hears)) = &self.chatter else { return self.socket.read(buffer) };
        let _ = hears.send(());
        let n = brings.len().min(buffer.len());
        buffer[..n].copy_from_slice(&brings[..n]);
        Ok(n)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.reads = 0;
        if self.is_large {
            return Ok(bytes.len());
        }
        let result = self.socket.write(bytes);
        if result.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
            self.refused += 1;
        }
        result
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// What is left when a message is sent.
struct Sent<T> {
    epoll: Epoll,
    _socket: Socket,
    inbox: Incoming,
    peer: T,
    /// Whether the sender slept while it had to wait.
    slept: bool,
}

/// Sends a message with `send_all` to a peer, which is a thread with the other end. The socket was
/// registered for all there is, as that of a loop may be which has sent something before.
fn sends<T: Send + 'static>(
    bytes: usize,
    prepare: impl FnOnce(&mut Socket),
    peer: impl FnOnce(UnixStream) -> T + Send + 'static,
) -> Sent<T> {
    let (client, server) = unix_pair().unwrap();
    let mut socket = Socket::new(client);
    prepare(&mut socket);
    let epoll = Epoll::watching(&socket, LEVEL | WRITE).unwrap();
    let (mut out, mut inbox) = (Outgoing::new(message(bytes)), Incoming::default());
    let peer = thread::spawn(move || peer(server));
    let before = cpu_time();
    let said = send_all(&epoll, &mut socket, &mut out, &mut inbox).map_err(|error| error.kind());
    let slept = socket.refused < MANY && cpu_time() - before < A_WHILE / 10;
    assert!(said.is_ok(), "a message of {bytes} bytes: expected that it is sent; got {said:?}");
    let unsent = out.unsent().len();
    assert!(unsent == 0, "a message of {bytes} bytes: expected that all is sent; {unsent} are not");
    Sent { epoll, _socket: socket, inbox, peer: peer.join().unwrap(), slept }
}

/// What so many bytes are that the peer got.
fn received(mut peer: &UnixStream, bytes: usize) -> Vec<u8> {
    let mut received = vec![0; bytes];
    peer.read_exact(&mut received).unwrap();
    received
}

#[test]
fn a_message_larger_than_all_buffers_arrives_whole() {
    let sent = sends(MUCH, |_| (), |peer| received(&peer, MUCH));
    assert!(sent.peer == message(MUCH), "sent 2 MiB: expected the same bytes; got others");
}

#[test]
fn a_peer_that_sends_before_it_reads_is_read() {
    let sent = sends(
        MUCH,
        |_| (),
        |mut peer| {
            peer.write_all(&message(MUCH)).unwrap();
            received(&peer, MUCH)
        },
    );
    assert!(
        sent.peer == message(MUCH),
        "both send 2 MiB first: expected the same bytes; got others"
    );
    let inbox = &sent.inbox.bytes;
    let same = message(MUCH).starts_with(inbox) && !inbox.is_empty();
    assert!(same, "both send 2 MiB first: expected the peer's bytes in the inbox; got others");
}

#[test]
fn a_peer_that_sends_without_a_pause_gets_the_message_too() {
    let (hears, heard) = mpsc::channel();
    let prepare = |socket: &mut Socket| socket.chatter = Some((b"!", hears));
    let sent = sends(MUCH, prepare, move |mut peer| {
        // There is always something to read, and the peer reads nothing before it has been read.
        peer.write_all(b"!").unwrap();
        heard.recv().unwrap();
        received(&peer, MUCH)
    });
    assert!(
        sent.peer == message(MUCH),
        "the peer sends without a pause: expected the same bytes; got others"
    );
}

#[test]
fn a_sender_sleeps_while_the_socket_is_full() {
    let sent = sends(
        MUCH,
        |_| (),
        |peer| {
            thread::sleep(A_WHILE);
            received(&peer, MUCH)
        },
    );
    assert!(sent.peer == message(MUCH), "sent 2 MiB: expected the same bytes; got others");
    assert!(
        sent.slept,
        "the peer read after {A_WHILE:?}: expected sleep until there was room; the sender computed"
    );
}

#[test]
fn a_peer_that_has_ended_gets_the_rest_and_is_asked_for_nothing() {
    let did = "the peer shut down its sending, and read after 300 ms";
    let sent = sends(
        MUCH,
        |_| (),
        |peer| {
            peer.shutdown(Shutdown::Write).unwrap();
            thread::sleep(A_WHILE);
            // Our end is still there when all of it has come.
            (received(&peer, MUCH), peer)
        },
    );
    assert!(sent.peer.0 == message(MUCH), "{did}: expected the same bytes; got others");
    assert!(sent.inbox.ended, "{did}: expected that the inbox has ended; it has not");
    assert!(sent.slept, "{did}: expected sleep until there was room; the sender computed");
    let reported = interest(sent.epoll.wait(50).unwrap());
    assert!(
        reported == "nothing",
        "{did}, all is sent: expected that nothing is reported any more; got {reported}"
    );
}

/// What the socket reports after `send_all`, while the peer has sent nothing and has room.
#[test]
fn after_a_message_nothing_is_reported_until_an_answer_comes() {
    for bytes in [8, MUCH] {
        let mut sent = sends(
            bytes,
            |_| (),
            move |peer| {
                received(&peer, bytes);
                peer
            },
        );
        let reported = interest(sent.epoll.wait(50).unwrap());
        assert!(
            reported == "nothing",
            "sent {bytes} bytes, no answer yet: expected that nothing is reported; got {reported}"
        );
        sent.peer.write_all(b"thanks").unwrap();
        let reported = interest(sent.epoll.wait(50).unwrap());
        assert!(
            reported == "bytes",
            "sent {bytes} bytes, an answer came: expected that bytes are reported; got {reported}"
        );
    }
}

#[test]
fn a_message_of_no_bytes_is_sent_at_once() {
    drop(sends(0, |_| (), |peer| peer));
}

#[test]
fn a_message_that_fits_waits_for_nothing() {
    let prepare = |socket: &mut Socket| {
        // Its epoll never reports room, as there is none; but a write finds some.
        while socket.socket.write(&[7; 4096]).is_ok() {}
        socket.is_large = true;
    };
    drop(sends(8, prepare, |peer| peer));
}

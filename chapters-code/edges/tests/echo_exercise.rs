//! What `echo` owes its callers. Each message says what the peer did and what had to come.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use edges::{BOUND, Epoll, LEVEL, echo, unix_pair};
use lab::timeline::cpu_time;

/// Bytes of which each can be told from those around it.
fn message(bytes: usize) -> Vec<u8> {
    (0..bytes / 4).flat_map(|n| (n as u32).to_le_bytes()).collect()
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

/// A peer that sends without a pause, and takes nothing for a long time, then all. epoll says that
/// there is something to read and room all along, so that the echo alone decides what it does.
struct Stubborn {
    socket: UnixStream,
    /// What it will send yet.
    left: usize,
    /// The writes that it will refuse.
    refuses: usize,
    /// What the echo has read and not sent, now and at the most.
    unsent: usize,
    most: usize,
}

impl Read for Stubborn {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.left.min(buffer.len());
        buffer[..n].fill(7);
        self.left -= n;
        self.unsent += n;
        self.most = self.most.max(self.unsent);
        Ok(n)
    }
}

impl Write for Stubborn {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.refuses > 0 {
            self.refuses -= 1;
            return Err(ErrorKind::WouldBlock.into());
        }
        self.unsent = self.unsent.saturating_sub(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Stubborn {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// What an echo says of how much was unsent, and how much was.
fn echoed() -> (usize, usize) {
    let (socket, mut peer) = unix_pair().unwrap();
    peer.write_all(b"!").unwrap();
    let epoll = Epoll::watching(&socket, LEVEL).unwrap();
    let mut socket = Stubborn { socket, left: 1 << 20, refuses: 300, unsent: 0, most: 0 };
    let said = echo(&epoll, &mut socket).unwrap();
    (said, socket.most)
}

/// What one read brings at the most.
const READ: usize = 4_096;

#[test]
fn an_echo_stops_reading_at_its_bound() {
    let (_, most) = echoed();
    let did = "the peer sends 1 MiB, and reads nothing meanwhile";
    assert!(
        most >= BOUND,
        "{did}: expected reads until {BOUND} bytes are unsent; the last was made before, at {most}"
    );
    // Each read brings a part of the bound, so that it is met exactly.
    assert!(
        most != BOUND + READ,
        "{did}: expected no read while exactly {BOUND} bytes are unsent; there was one"
    );
    assert!(
        most < BOUND + READ,
        "{did}: expected no read while {BOUND} bytes or more are unsent; in the end {most} were"
    );
}

#[test]
fn an_echo_says_how_much_was_unsent_at_the_most() {
    let (said, most) = echoed();
    assert!(
        said.abs_diff(most) <= READ,
        "{most} bytes were unsent at the most: expected that the echo says so; it said {said}"
    );
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

//! Readers that take a short read for the end of what there is.

use std::io::{self, ErrorKind, Read};

use crate::{EDGE, Ended, Epoll, NOTHING};

// ANCHOR: interest
/// What an event says when the peer will send nothing more, to those who asked for it.
pub const CLOSE: u32 = libc::EPOLLRDHUP as u32;

/// Interest in bytes to read and in the peer's close, edge-triggered.
pub const EDGE_AND_CLOSE: u32 = EDGE | CLOSE;
// ANCHOR_END: interest

// ANCHOR: short
/// For every event reads until a read leaves room in the buffer or says that there is no more,
/// until the peer closes.
pub fn stop_at_short_read(
    epoll: &Epoll,
    socket: &mut impl Read,
    patience: i32,
) -> io::Result<Ended> {
    // FORK short-read: for every event, read until a read leaves room in the buffer, or says WouldBlock
    let (mut buffer, mut bytes) = ([0; 64], 0);
    while epoll.wait(patience)? != NOTHING {
        loop {
            let n = match socket.read(&mut buffer) {
                Ok(0) => return Ok(Ended::Closed { bytes }),
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            bytes += n;
            if n < buffer.len() {
                break;
            }
        }
    }
    Ok(Ended::StillWaiting { bytes })
}
// ANCHOR_END: short

/// The same, but after an event that tells of a [`CLOSE`] it reads on until it has seen that close: a
/// read that returned 0. No bytes before it are lost, and no read is made where the event says that the
/// stream is open and a read was short.
pub fn stop_at_short_read_if_open(
    epoll: &Epoll,
    socket: &mut impl Read,
    patience: i32,
) -> io::Result<Ended> {
    // FORK short-read: the same, but after an event that tells of the close read on until you see it
    // HINT: A read returns bytes or the close, and never both. Which flag of an event says that the close
    //   may stand behind the bytes? epoll_ctl(2).
    // HINT: A short read leaves no byte. If the event says nothing of a close, and one comes right after
    //   it, what will tell you?
    // HINT: The loops of the other reader, which keep what `wait` returned. A short read ends the inner one
    //   only if there was no close in that.
    let (mut buffer, mut bytes) = ([0; 64], 0);
    // ANCHOR: if_open
    loop {
        let told = epoll.wait(patience)?;
        if told == NOTHING {
            return Ok(Ended::StillWaiting { bytes });
        }
        loop {
            let n = match socket.read(&mut buffer) {
                Ok(0) => return Ok(Ended::Closed { bytes }),
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            bytes += n;
            let open = told & CLOSE == 0;
            if n < buffer.len() && open {
                break;
            }
        }
    }
    // ANCHOR_END: if_open
}

/// Counts the reads.
#[derive(Debug)]
pub struct Counted<R> {
    /// What is read from.
    pub socket: R,
    /// How often `read` was called.
    pub reads: usize,
}

impl<R: Read> Counted<R> {
    /// No read so far.
    pub fn new(socket: R) -> Counted<R> {
        Counted { socket, reads: 0 }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        self.socket.read(buffer)
    }
}

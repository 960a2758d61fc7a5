//! One socket, one epoll, and readers with different habits: what an edge reports and what it
//! leaves for the reader to find out.
//!
//! ```
//! use edges::{EDGE, Ended, Epoll, drain_per_event, hello_and_close, pair};
//!
//! let (mut client, server) = pair()?;
//! let epoll = Epoll::watching(&client, EDGE)?;
//! hello_and_close(server)?;
//! assert_eq!(drain_per_event(&epoll, &mut client, FOREVER)?, Ended::Closed { bytes: 5 });
//! # use edges::FOREVER;
//! # Ok::<(), std::io::Error>(())
//! ```

mod short;
mod write;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

pub use short::{CLOSE, Counted, EDGE_AND_CLOSE, stop_at_short_read, stop_at_short_read_if_open};
pub use write::{
    BOUND, Incoming, Outgoing, SendQueue, WRITE, echo, limit_unsent, narrow_pair,
    pair_with_buffers, receive_queue, send_all, send_queue, unacknowledged, unread,
};

// ANCHOR: interest
/// Interest in bytes to read, reported as long as there are some: level-triggered.
pub const LEVEL: u32 = libc::EPOLLIN as u32;

/// Interest in bytes to read, reported when something arrives: edge-triggered.
pub const EDGE: u32 = (libc::EPOLLIN | libc::EPOLLET) as u32;
// ANCHOR_END: interest

/// What [`Epoll::wait`] returns when its patience ends.
pub const NOTHING: u32 = 0;

/// The timeout of `epoll_wait(2)` that never ends.
pub const FOREVER: i32 = -1;

/// An epoll instance that watches one socket.
#[derive(Debug)]
pub struct Epoll {
    fd: OwnedFd,
}

impl Epoll {
    // ANCHOR: watching
    /// A new instance with one registration: `socket`, for `interest`.
    pub fn watching(socket: &impl AsFd, interest: u32) -> io::Result<Epoll> {
        // SAFETY: epoll_create1 takes no pointer.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the call has just returned `fd`, so it is open and nobody else owns it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let epoll = Epoll { fd };
        epoll.control(libc::EPOLL_CTL_ADD, socket, interest)?;
        Ok(epoll)
    }
    // ANCHOR_END: watching

    /// Registers the socket afresh: `EPOLL_CTL_MOD` looks at its state, as `EPOLL_CTL_ADD` does.
    pub fn rearm(&self, socket: &impl AsFd, interest: u32) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, socket, interest)
    }

    // ANCHOR: wait
    /// Waits for an event, at most `patience` milliseconds, which a signal makes begin anew; what it
    /// reports, or [`NOTHING`].
    pub fn wait(&self, patience: i32) -> io::Result<u32> {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        loop {
            // SAFETY: the kernel writes at most the one event that `event` has room for.
            let n = unsafe { libc::epoll_wait(self.fd.as_raw_fd(), &mut event, 1, patience) };
            match check(n) {
                Ok(_) => return Ok(event.events),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
        }
    }
    // ANCHOR_END: wait

    fn control(&self, op: i32, socket: &impl AsFd, interest: u32) -> io::Result<()> {
        let mut event = libc::epoll_event { events: interest, u64: 0 };
        let (epoll, fd) = (self.fd.as_raw_fd(), socket.as_fd().as_raw_fd());
        // SAFETY: the kernel reads `event` during the call, and both descriptors are open.
        check(unsafe { libc::epoll_ctl(epoll, op, fd, &mut event) })?;
        Ok(())
    }
}

/// How a reader ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It saw the close, after so many bytes.
    Closed {
        /// Bytes read before.
        bytes: usize,
    },
    /// Its patience ended while it waited for an event.
    StillWaiting {
        /// Bytes read before.
        bytes: usize,
    },
}

// ANCHOR: one_read
/// Reads once for every event, until the peer closes.
pub fn one_read_per_event(
    epoll: &Epoll,
    socket: &mut impl Read,
    patience: i32,
) -> io::Result<Ended> {
    let (mut buffer, mut bytes) = ([0; 64], 0);
    while epoll.wait(patience)? != NOTHING {
        match socket.read(&mut buffer)? {
            0 => return Ok(Ended::Closed { bytes }),
            n => bytes += n,
        }
    }
    Ok(Ended::StillWaiting { bytes })
}
// ANCHOR_END: one_read

// ANCHOR: drain
/// For every event reads until the socket has no more to say, until the peer closes.
pub fn drain_per_event(epoll: &Epoll, socket: &mut impl Read, patience: i32) -> io::Result<Ended> {
    // FORK edges: for every event, read until the socket has no more to say, and only then wait again
    // HINT: One event may stand for a hundred bytes and for the close. What tells a reader that nothing
    //   of that is left? read(2), under ERRORS.
    // HINT: A read has five endings: bytes, 0, WouldBlock, Interrupted, and all other errors. For each:
    //   read again, wait again, or return?
    // HINT: A loop that waits, and in it a loop that reads. Of the five endings two keep the inner loop
    //   going, one leaves it, and two leave the function.
    let (mut buffer, mut bytes) = ([0; 64], 0);
    while epoll.wait(patience)? != NOTHING {
        loop {
            match socket.read(&mut buffer) {
                Ok(0) => return Ok(Ended::Closed { bytes }),
                Ok(n) => bytes += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(Ended::StillWaiting { bytes })
}
// ANCHOR_END: drain

// ANCHOR: unix_pair
/// Two connected Unix sockets: the client's end, which does not block, and the server's.
pub fn unix_pair() -> io::Result<(UnixStream, UnixStream)> {
    let (client, server) = UnixStream::pair()?;
    client.set_nonblocking(true)?;
    Ok((client, server))
}
// ANCHOR_END: unix_pair

/// A connection over loopback: the client's end, which does not block, and the server's.
pub fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    client.set_nonblocking(true)?;
    Ok((client, server))
}

// ANCHOR: cork
/// Sends five bytes and the close in one segment: `TCP_CORK` holds back what is less than a full
/// segment until the close, for 200 ms at most. On loopback both are in the other socket when this
/// returns, unless the system steers packets to another processor (RPS).
pub fn hello_and_close(mut server: TcpStream) -> io::Result<()> {
    let (on, size) = (1_i32, size_of::<i32>() as libc::socklen_t);
    // SAFETY: the option's value is an int, which lives through the call, and `size` is its size.
    check(unsafe {
        let (fd, value) = (server.as_raw_fd(), (&raw const on).cast());
        libc::setsockopt(fd, libc::IPPROTO_TCP, libc::TCP_CORK, value, size)
    })?;
    server.write_all(b"hello")
}
// ANCHOR_END: cork

/// Turns libc's -1 into the error that `errno` holds.
fn check(result: i32) -> io::Result<i32> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

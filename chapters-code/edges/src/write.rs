//! A writer that stops in the middle and goes on when there is room.

use std::io::{self, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};

use crate::{Epoll, FOREVER, check};

/// Interest in room to write into, reported as long as there is some: level-triggered.
pub const WRITE: u32 = libc::EPOLLOUT as u32;

// ANCHOR: outgoing
/// Bytes on their way into a socket, and how many of them are in it.
#[derive(Debug)]
pub struct Outgoing {
    bytes: Vec<u8>,
    sent: usize,
}

impl Outgoing {
    /// Writes until everything is in the socket or the socket is full.
    pub fn flush(&mut self, socket: &mut impl Write) -> io::Result<()> {
        while !self.unsent().is_empty() {
            match socket.write(self.unsent()) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => self.sent += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
// ANCHOR_END: outgoing

impl Outgoing {
    /// All of `bytes`, of which none is sent.
    pub fn new(bytes: Vec<u8>) -> Outgoing {
        Outgoing { bytes, sent: 0 }
    }

    /// What the socket has not taken yet.
    pub fn unsent(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    // ANCHOR: interest
    /// What a level-triggered loop asks for on behalf of these bytes.
    pub fn interest(&self) -> u32 {
        if self.unsent().is_empty() { 0 } else { WRITE }
    }
    // ANCHOR_END: interest
}

// ANCHOR: send_all
/// Sends everything, and sleeps while the socket is full.
pub fn send_all(epoll: &Epoll, mut socket: &TcpStream, out: &mut Outgoing) -> io::Result<()> {
    loop {
        out.flush(&mut socket)?;
        epoll.rearm(socket, out.interest())?;
        if out.unsent().is_empty() {
            return Ok(());
        }
        epoll.wait(FOREVER)?;
    }
}
// ANCHOR_END: send_all

/// A connection over loopback as of [`pair`](crate::pair), which holds about as many bytes in each
/// of its two buffers, so that it is soon full. The kernel doubles the number, see `socket(7)`.
pub fn narrow_pair(bytes: i32) -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    // The accepted socket has the listener's size from its first segment on.
    set_size(&listener, libc::SO_RCVBUF, bytes)?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    set_size(&client, libc::SO_SNDBUF, bytes)?;
    client.set_nonblocking(true)?;
    Ok((client, server))
}

fn set_size(socket: &impl AsFd, option: i32, bytes: i32) -> io::Result<()> {
    let (fd, size) = (socket.as_fd().as_raw_fd(), size_of::<i32>() as libc::socklen_t);
    // SAFETY: the option's value is an int, which lives through the call, and `size` is its size.
    check(unsafe {
        libc::setsockopt(fd, libc::SOL_SOCKET, option, (&raw const bytes).cast(), size)
    })?;
    Ok(())
}

/// How full a socket's send buffer is, in the kernel's accounting, overhead included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendQueue {
    /// What is in it.
    pub queued: u32,
    /// How large it is.
    pub size: u32,
}

impl SendQueue {
    // ANCHOR: a_third
    /// Whether epoll reports the socket as writable: what is free is at least half of what is queued,
    /// and so at least a third of the whole.
    pub fn writable(self) -> bool {
        let free = self.size.saturating_sub(self.queued);
        free >= self.queued / 2
    }
    // ANCHOR_END: a_third
}

/// Asks the kernel (`SO_MEMINFO`, Linux 4.12).
pub fn send_queue(socket: &TcpStream) -> io::Result<SendQueue> {
    // Of the nine numbers these two are needed: see linux/sock_diag.h.
    const SNDBUF: usize = 3;
    const WMEM_QUEUED: usize = 5;
    let mut memory = [0_u32; 9];
    let mut size = size_of_val(&memory) as libc::socklen_t;
    let fd = socket.as_raw_fd();
    // SAFETY: the kernel writes at most `size` bytes, which is what `memory` has, and the length
    // into `size`; both live through the call.
    check(unsafe {
        let value = (&raw mut memory).cast();
        libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_MEMINFO, value, &mut size)
    })?;
    Ok(SendQueue { queued: memory[WMEM_QUEUED], size: memory[SNDBUF] })
}

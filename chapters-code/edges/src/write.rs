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
    set(&listener, libc::SOL_SOCKET, libc::SO_RCVBUF, bytes)?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    set(&client, libc::SOL_SOCKET, libc::SO_SNDBUF, bytes)?;
    client.set_nonblocking(true)?;
    Ok((client, server))
}

/// Allows the socket so many bytes that are not sent yet, `-1` for any number, whatever the system
/// sets as the default (`TCP_NOTSENT_LOWAT` in `tcp(7)`).
pub fn limit_unsent(socket: &TcpStream, bytes: i32) -> io::Result<()> {
    set(socket, libc::IPPROTO_TCP, libc::TCP_NOTSENT_LOWAT, bytes)
}

fn set(socket: &impl AsFd, level: i32, option: i32, value: i32) -> io::Result<()> {
    let (fd, size) = (socket.as_fd().as_raw_fd(), size_of::<i32>() as libc::socklen_t);
    // SAFETY: the option's value is an int, which lives through the call, and `size` is its size.
    check(unsafe { libc::setsockopt(fd, level, option, (&raw const value).cast(), size) })?;
    Ok(())
}

/// How full a socket's send buffer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendQueue {
    /// What is in it, in the kernel's accounting, overhead included.
    pub queued: u32,
    /// How large it is.
    pub size: u32,
    /// How many of the bytes in it have not been sent yet.
    pub unsent: u32,
    /// What [`limit_unsent`] allows of those.
    pub unsent_limit: u32,
}

impl SendQueue {
    // ANCHOR: a_third
    /// Whether epoll reports the socket as writable: what is free is at least half of what is queued,
    /// and so at least a third of the whole; and what is unsent is less than half of its limit.
    pub fn writable(self) -> bool {
        let free = self.size.saturating_sub(self.queued);
        free >= self.queued / 2 && 2 * u64::from(self.unsent) < self.unsent_limit.into()
    }
    // ANCHOR_END: a_third
}

/// Asks the kernel (`SO_MEMINFO`, Linux 4.12). The socket has had a limit set by [`limit_unsent`].
pub fn send_queue(socket: &TcpStream) -> io::Result<SendQueue> {
    // Of the nine numbers these two are needed: see linux/sock_diag.h.
    const SNDBUF: usize = 3;
    const WMEM_QUEUED: usize = 5;
    let memory: [u32; 9] = option(socket, libc::SOL_SOCKET, libc::SO_MEMINFO)?;
    let [unsent_limit] = option(socket, libc::IPPROTO_TCP, libc::TCP_NOTSENT_LOWAT)?;
    let (queued, size, unsent) = (memory[WMEM_QUEUED], memory[SNDBUF], unsent(socket)?);
    Ok(SendQueue { queued, size, unsent, unsent_limit })
}

/// The value of a socket option that is one integer or several.
fn option<const N: usize>(socket: &TcpStream, level: i32, option: i32) -> io::Result<[u32; N]> {
    let (fd, mut value) = (socket.as_raw_fd(), [0; N]);
    let mut size = size_of_val(&value) as libc::socklen_t;
    // SAFETY: the kernel writes at most `size` bytes, which is what `value` has, and the length
    // into `size`; both live through the call.
    check(unsafe { libc::getsockopt(fd, level, option, (&raw mut value).cast(), &mut size) })?;
    Ok(value)
}

/// How many bytes have been written and not been sent, see linux/sockios.h.
fn unsent(socket: &TcpStream) -> io::Result<u32> {
    const SIOCOUTQNSD: libc::Ioctl = 0x894B;
    let mut bytes: libc::c_int = 0;
    // SAFETY: the kernel writes one int, which is what `bytes` is, and it lives through the call.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), SIOCOUTQNSD, &mut bytes) })?;
    Ok(bytes as u32)
}

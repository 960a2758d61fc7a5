//! A writer that stops in the middle and goes on when there is room.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};

use crate::{Epoll, FOREVER, LEVEL, check};

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
    /// Writes until everything is in the socket or the socket is full, which is no error. A write
    /// that a signal interrupted is made again; one that takes no byte is [`ErrorKind::WriteZero`].
    pub fn flush(&mut self, socket: &mut impl Write) -> io::Result<()> {
        // FORK write-side: write what is unsent until all of it is sent, or the socket is full
        // HINT: What does a write say that took a part, and what does the next one begin with?
        // HINT: A write has five endings: some bytes, 0, WouldBlock, Interrupted, and all other errors.
        //   After which do you write again?
        // HINT: A loop while something is unsent. What a write has taken is added to `sent`; WouldBlock
        //   ends the loop without an error.
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

    /// Puts more bytes after those that are not sent yet.
    pub fn push(&mut self, more: &[u8]) {
        self.bytes.drain(..self.sent);
        self.sent = 0;
        self.bytes.extend_from_slice(more);
    }

    /// What the socket has not taken yet.
    pub fn unsent(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    // ANCHOR: interest
    /// What a level-triggered loop asks for on behalf of these bytes: room while some are unsent, and
    /// else nothing.
    pub fn interest(&self) -> u32 {
        // FORK write-side: ask for room for as long as there is something to put into it
        // HINT: How often does a level-triggered loop hear of room that it asked for and does not use? The
        //   first row of the example `idle_writer`.
        if self.unsent().is_empty() { 0 } else { WRITE }
    }
    // ANCHOR_END: interest
}

/// What has come from the peer.
#[derive(Debug, Default)]
pub struct Incoming {
    /// The bytes so far.
    pub bytes: Vec<u8>,
    /// Whether the peer will send no more: a read has returned 0.
    pub ended: bool,
}

impl Incoming {
    // ANCHOR: incoming
    /// Takes what one read brings.
    pub fn take(&mut self, socket: &mut impl Read) -> io::Result<()> {
        let mut buffer = [0; 4096];
        match socket.read(&mut buffer) {
            Ok(0) => self.ended = true,
            Ok(n) => self.bytes.extend_from_slice(&buffer[..n]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// What a level-triggered loop asks for: the end would be reported for ever.
    pub fn interest(&self) -> u32 {
        if self.ended { 0 } else { LEVEL }
    }
    // ANCHOR_END: incoming
}

// ANCHOR: send_all
/// Sends everything, sleeps while the socket is full, and takes what comes meanwhile. It writes
/// first, as most messages fit. Afterwards the socket is registered for what `inbox` is
/// interested in, and no more for room, whatever it was registered for before.
pub fn send_all<S: Read + Write + AsFd>(
    epoll: &Epoll,
    socket: &mut S,
    out: &mut Outgoing,
    inbox: &mut Incoming,
) -> io::Result<()> {
    // FORK write-side: send it all, and read meanwhile, so that the peer can send too
    // HINT: `rearm` replaces what the socket is registered for. What is lost if you ask for room alone?
    // HINT: Both sides have a long message for each other, and nobody reads before all is sent. Who sleeps
    //   where?
    // HINT: In each round: flush; register for what both sides of the connection need; leave if all is
    //   sent; else wait, and take what has come if the event says that something has.
    loop {
        out.flush(socket)?;
        epoll.rearm(socket, inbox.interest() | out.interest())?;
        if out.unsent().is_empty() {
            return Ok(());
        }
        if epoll.wait(FOREVER)? & LEVEL != 0 {
            inbox.take(socket)?;
        }
    }
}
// ANCHOR_END: send_all

/// How many unsent bytes [`echo`] holds before it stops reading.
pub const BOUND: usize = 64 * 1024;

// ANCHOR: echo
/// Sends back what comes until the peer ends, and then the rest. It reads while fewer than
/// [`BOUND`] bytes are unsent, and while as many or more are it reads nothing. Returns how many
/// bytes were unsent at the most, after a flush.
pub fn echo<S: Read + Write + AsFd>(epoll: &Epoll, socket: &mut S) -> io::Result<usize> {
    // FORK write-side: send back what comes, and stop reading while too much of it is unsent
    // HINT: What comes and what goes out end at different times. When is the echo done with both?
    // HINT: Before each wait it decides what to ask for. When are the bytes of the peer not among that, and
    //   who asks for room?
    // HINT: In each round: register for what `inbox` wants, if fewer than `BOUND` bytes are unsent, and for
    //   what `out` wants; wait; take what came, push it and clear the inbox; flush; see how much is unsent.
    let (mut out, mut inbox, mut most) = (Outgoing::new(Vec::new()), Incoming::default(), 0);
    while !(inbox.ended && out.unsent().is_empty()) {
        let read = if out.unsent().len() < BOUND { inbox.interest() } else { 0 };
        epoll.rearm(socket, read | out.interest())?;
        if epoll.wait(FOREVER)? & read != 0 {
            inbox.take(socket)?;
            out.push(&inbox.bytes);
            inbox.bytes.clear();
        }
        out.flush(socket)?;
        most = most.max(out.unsent().len());
    }
    Ok(most)
}
// ANCHOR_END: echo

/// A connection over loopback as of [`pair`](crate::pair), which holds about as many bytes in each
/// of its two buffers, so that it is soon full. The kernel doubles the number, see `socket(7)`.
pub fn narrow_pair(bytes: i32) -> io::Result<(TcpStream, TcpStream)> {
    pair_with_buffers(bytes, bytes)
}

/// The same, with one size for the client's send buffer and one for the server's receive buffer.
pub fn pair_with_buffers(send: i32, receive: i32) -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    // The accepted socket has the listener's size from its first segment on.
    set(&listener, libc::SOL_SOCKET, libc::SO_RCVBUF, receive)?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    set(&client, libc::SOL_SOCKET, libc::SO_SNDBUF, send)?;
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

/// How much of a socket's receive buffer is used, and how large it is, in the kernel's accounting
/// (`SO_MEMINFO`, Linux 4.12), overhead included.
pub fn receive_queue(socket: &TcpStream) -> io::Result<(u32, u32)> {
    const RMEM_ALLOC: usize = 0;
    const RCVBUF: usize = 1;
    let memory: [u32; 9] = option(socket, libc::SOL_SOCKET, libc::SO_MEMINFO)?;
    Ok((memory[RMEM_ALLOC], memory[RCVBUF]))
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
    queue(socket, SIOCOUTQNSD)
}

/// How many bytes have been written and the peer's kernel has not acknowledged (`SIOCOUTQ` in
/// `tcp(7)`): they are still in this socket's send buffer.
pub fn unacknowledged(socket: &TcpStream) -> io::Result<u32> {
    queue(socket, libc::TIOCOUTQ)
}

/// How many bytes have arrived and have not been read (`SIOCINQ` in `tcp(7)`).
pub fn unread(socket: &TcpStream) -> io::Result<u32> {
    queue(socket, libc::FIONREAD)
}

fn queue(socket: &TcpStream, which: libc::Ioctl) -> io::Result<u32> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the kernel writes one int, which is what `bytes` is, and it lives through the call.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), which, &mut bytes) })?;
    Ok(bytes as u32)
}

//! A small mio: [`Poll`], [`Registry`], [`Events`], [`Event`], [`Interest`] and [`Token`] over
//! epoll(7), edge-triggered, for Linux. And a [`client`] that uses it.
//!
//! ```
//! use epoll::{Events, Interest, Poll, Token};
//! use std::{io::Write, os::unix::net::UnixStream, time::Duration};
//!
//! let mut poll = Poll::new()?;
//! let mut events = Events::with_capacity(8);
//! let (mut ours, theirs) = UnixStream::pair()?;
//! poll.registry().register(&theirs, Token(7), Interest::READABLE)?;
//!
//! ours.write_all(b"hello")?;
//! poll.poll(&mut events, Some(Duration::from_secs(1)))?;
//! let event = events.iter().next().expect("the bytes have arrived");
//! assert!(event.is_readable() && event.token() == Token(7));
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod client;

use std::io;
use std::mem::offset_of;
use std::ops::BitOr;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

// ANCHOR: event
/// What happened to a registered descriptor: `struct epoll_event`, as the kernel writes it.
///
/// x86-64 alone packs it, to 12 bytes, so that its 32-bit programs see the same layout
/// (`EPOLL_PACKED` in the kernel's `eventpoll.h`).
#[derive(Clone, Copy)]
#[repr(C)]
#[cfg_attr(target_arch = "x86_64", repr(packed))]
pub struct Event {
    flags: u32,
    token: u64,
}

const _: () = assert!(
    size_of::<Event>() == size_of::<libc::epoll_event>()
        && offset_of!(Event, token) == offset_of!(libc::epoll_event, u64)
);
// ANCHOR_END: event

// ANCHOR: accessors
impl Event {
    /// The token with which the descriptor was registered.
    pub fn token(&self) -> Token {
        Token(self.token)
    }

    /// A read is worth trying: there were bytes, the end of the stream, or an error to fetch.
    pub fn is_readable(&self) -> bool {
        self.has(libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR)
    }

    /// A write is worth trying: there was room, or an error to fetch.
    pub fn is_writable(&self) -> bool {
        self.has(libc::EPOLLOUT | libc::EPOLLHUP | libc::EPOLLERR)
    }

    fn has(&self, flags: i32) -> bool {
        self.flags & flags as u32 != 0
    }
}
// ANCHOR_END: accessors

impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A field of a packed struct can't be borrowed, so both are copied out.
        let (flags, token) = (self.flags, self.token);
        write!(f, "Event {{ token: {token}, flags: {flags:#x} }}")
    }
}

// ANCHOR: events
/// Room for the events of one [`Poll::poll`].
#[derive(Debug)]
pub struct Events {
    room: Box<[Event]>,
    len: usize,
}

impl Events {
    /// Room for `capacity` events, at least 1, at most what epoll_wait(2) takes.
    pub fn with_capacity(capacity: usize) -> Events {
        const MOST: usize = i32::MAX as usize / size_of::<Event>();
        let none = Event { flags: 0, token: 0 };
        Events { room: vec![none; capacity.clamp(1, MOST)].into(), len: 0 }
    }

    // ANCHOR_END: events

    // ANCHOR: events_read
    /// The events of the last poll.
    pub fn iter(&self) -> impl Iterator<Item = &Event> {
        self.room[..self.len].iter()
    }

    /// Whether the last poll ended by its timeout.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
// ANCHOR_END: events_read

// ANCHOR: token
/// Names a registration; it comes back with each of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub u64);
// ANCHOR_END: token

// ANCHOR: interest
/// What to be told of. Errors and hang-ups are always reported: epoll_ctl(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest(u32);

impl Interest {
    /// Bytes to read, or the end of the stream.
    pub const READABLE: Interest = Interest((libc::EPOLLIN | libc::EPOLLRDHUP) as u32);
    /// Room to write.
    pub const WRITABLE: Interest = Interest(libc::EPOLLOUT as u32);
}

impl BitOr for Interest {
    type Output = Interest;
    fn bitor(self, other: Interest) -> Interest {
        Interest(self.0 | other.0)
    }
}
// ANCHOR_END: interest

// ANCHOR: poll
/// An epoll instance: the list of what is watched, and the wait.
#[derive(Debug)]
pub struct Poll {
    registry: Registry,
}

impl Poll {
    /// A new instance, which no program started by execve(2) inherits: epoll_create1(2).
    pub fn new() -> io::Result<Poll> {
        // SAFETY: epoll_create1 takes no pointer.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the call has just returned `fd`, so it is open and nobody else owns it.
        let epoll = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Poll { registry: Registry { epoll } })
    }

    /// Where descriptors are registered.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }
    // ANCHOR_END: poll

    // ANCHOR: deadline
    /// Waits for events, at most for `timeout`, for ever if `None`. Never returns early without
    /// events: a signal that interrupts the wait takes nothing from the time and adds nothing to it.
    /// Any other error is returned. What `events` had before is gone in any case.
    pub fn poll(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        // FORK wrapper: wait until there are events or the time is over, however often the wait ends before
        // HINT: A call that comes back early with nothing, and one that a signal has interrupted, are made
        //   again. With how much time, so that a signal every 15 ms does not make the wait endless?
        // HINT: What is computed once, before the first call, and what before each? And when is a
        //   deadline none: the doc of `Instant::checked_add`.
        // HINT: Forget the old events. Then a loop: what is left until the deadline, one `wait`, and four
        //   outcomes, of which two go round again.
        events.len = 0;
        // A deadline beyond what the clock can tell is no deadline.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            match self.wait(events, left) {
                Ok(0) if deadline.is_some_and(|deadline| Instant::now() < deadline) => continue,
                Ok(len) => events.len = len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            return Ok(());
        }
    }
    // ANCHOR_END: deadline

    // ANCHOR: wait
    /// One epoll_wait(2), of at most `left`: how many events it has written, of at most as many as
    /// there is room for. An interruption is an error.
    fn wait(&self, events: &mut Events, left: Option<Duration>) -> io::Result<usize> {
        // FORK wrapper: call epoll_wait(2) once, with all the room that there is
        // HINT: The kernel wants an address and a number. Is the number that of the events of the last
        //   poll, of the events that fit, or of bytes? epoll_wait(2), on `maxevents`.
        // HINT: One function of this file makes the timeout, and another the error of a -1.
        let room = events.room.as_mut_ptr().cast::<libc::epoll_event>();
        let (epoll, most) = (self.registry.epoll.as_raw_fd(), events.room.len() as i32);
        // SAFETY: the kernel writes at most `most` events to `room`, which has space for as many, in
        // the layout that is asserted above; any bytes make a valid `Event`. `with_capacity` keeps
        // the number in an i32.
        let len = unsafe { libc::epoll_wait(epoll, room, most, millis(left)) };
        Ok(check(len)? as usize)
    }
    // ANCHOR_END: wait
}

// ANCHOR: millis
/// The longest timeout of one call. Tests wait in pieces, as nobody waits for 25 days.
const LONGEST: i32 = if cfg!(test) { 5 } else { i32::MAX };

/// The timeout for epoll_wait(2): whole milliseconds, rounded up, at most [`LONGEST`], -1 for ever.
fn millis(left: Option<Duration>) -> i32 {
    // FORK wrapper: turn what is left of the time into what the kernel takes
    // HINT: How often does a loop go round in its last half millisecond, if that is rounded to 0?
    // HINT: `Duration::MAX` in milliseconds does not fit an i32, and not a u64. Which integer of
    //   `Duration` holds it, and what does an `as` do to what does not fit?
    let rounded_up = |left: Duration| left.as_nanos().div_ceil(1_000_000);
    left.map_or(-1, |left| rounded_up(left).min(LONGEST as u128) as i32)
}
// ANCHOR_END: millis

// ANCHOR: registry
/// Registers descriptors with the instance of a [`Poll`].
#[derive(Debug)]
pub struct Registry {
    epoll: OwnedFd,
}

impl Registry {
    /// Reports what happens to `source` from now on, and what is the case already.
    pub fn register(&self, source: &impl AsFd, token: Token, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, source, token, interest)
    }

    /// Changes token and interest, and reports again what is the case.
    pub fn reregister(
        &self,
        source: &impl AsFd,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, source, token, interest)
    }

    // ANCHOR_END: registry

    // ANCHOR: deregister
    /// Reports nothing more. To be called before `source` is closed.
    pub fn deregister(&self, source: &impl AsFd) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, source, Token(0), Interest(0))
    }
    // ANCHOR_END: deregister

    /// One epoll_ctl(2): `op` for `source`. It is reported as an edge, with all bits of `token`.
    // ANCHOR: control
    fn control(
        &self,
        op: i32,
        source: &impl AsFd,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        // FORK wrapper: tell the kernel what to report of a descriptor, and under which token
        // HINT: What comes back with an event is what went in here. Which field of `epoll_event` is it?
        // HINT: One flag beside the interest makes it an edge: epoll_ctl(2). And who hears of it if the
        //   kernel refuses?
        let (epoll, source) = (self.epoll.as_raw_fd(), source.as_fd().as_raw_fd());
        let flags = interest.0 | libc::EPOLLET as u32;
        let mut event = libc::epoll_event { events: flags, u64: token.0 };
        // SAFETY: both descriptors are open, as they are borrowed from owners, and the kernel only
        // reads `event`, during the call.
        check(unsafe { libc::epoll_ctl(epoll, op, source, &mut event) })?;
        Ok(())
    }
}

/// Turns libc's -1 into the error that `errno` holds.
fn check(result: i32) -> io::Result<i32> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
// ANCHOR_END: control

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_rounded_up_to_whole_milliseconds() {
        let millis = |nanos| millis(Some(Duration::from_nanos(nanos)));
        assert_eq!([0, 1, 999_999, 1_000_000, 1_000_001].map(millis), [0, 1, 1, 1, 2]);
        assert_eq!(super::millis(None), -1);
        assert_eq!(super::millis(Some(Duration::MAX)), LONGEST);
    }

    #[test]
    fn a_wait_longer_than_one_call_goes_on() {
        let timeout = Duration::from_millis(10 * LONGEST as u64);
        let started = Instant::now();
        let mut events = Events::with_capacity(1);
        Poll::new().unwrap().poll(&mut events, Some(timeout)).unwrap();
        assert!(started.elapsed() >= timeout, "it ended with the first piece");
    }
}

//! What happened, and to which source; and [`Source`], which is what can be registered.
//!
//! # An event is a hint
//!
//! It says that a call is worth making, not how the call will end: somebody else may have taken the
//! bytes meanwhile. What a read or a write returns is what counts, and
//! [`WouldBlock`](std::io::ErrorKind::WouldBlock) is no failure. One event may say several things,
//! and an error or an end usually sets *readable* and *writable* too, so a program that only reads
//! and writes learns of both.
//!
//! # The end of writing is a hint too
//!
//! A full pipe that has lost its reader reports an error and nothing else, so
//! [`is_write_closed`](Event::is_write_closed) takes an error alone for the end of writing. For a
//! pipe it is. A socket reports the same when it has an error to fetch: a connected UDP socket one
//! of whose datagrams was refused, or one with a message in its error queue. It can still send.

use std::fmt;
use std::slice;

use crate::Token;
pub use crate::source::Source;

/// What happened to a registered source. What it says is a [hint](self#an-event-is-a-hint).
// ANCHOR: event
/// It is a `struct epoll_event`, as the kernel wrote it.
#[derive(Clone)]
#[repr(transparent)]
pub struct Event(libc::epoll_event);

impl Event {
    /// The token that the source was registered with.
    pub fn token(&self) -> Token {
        Token(self.0.u64 as usize)
    }

    fn has(&self, flags: i32) -> bool {
        self.0.events & flags as u32 != 0
    }
}
// ANCHOR_END: event

// ANCHOR: predicates
impl Event {
    /// A read is worth making: there are bytes, or the end, or a connection to accept.
    pub fn is_readable(&self) -> bool {
        self.has(libc::EPOLLIN | libc::EPOLLPRI)
    }

    /// A write is worth making: there is room, or a connect has ended.
    pub fn is_writable(&self) -> bool {
        self.has(libc::EPOLLOUT)
    }

    /// There is an error to fetch, by `take_error` or by the next call, or a message in the
    /// socket's error queue. Or a pipe has lost its reader.
    pub fn is_error(&self) -> bool {
        self.has(libc::EPOLLERR)
    }

    /// There is something out of the ordinary, such as urgent data.
    pub fn is_priority(&self) -> bool {
        self.has(libc::EPOLLPRI)
    }
}
// ANCHOR_END: predicates

// ANCHOR: closed
impl Event {
    /// Nothing will follow what is there to read: both directions are closed, or the peer's sending
    /// half is, and the reader asked for bytes.
    pub fn is_read_closed(&self) -> bool {
        self.has(libc::EPOLLHUP) || (self.has(libc::EPOLLIN) && self.has(libc::EPOLLRDHUP))
    }

    /// Both directions are closed, or a write would meet an error. It need not be the end: a UDP
    /// socket that was refused says so and [can still send](self#the-end-of-writing-is-a-hint-too).
    pub fn is_write_closed(&self) -> bool {
        self.has(libc::EPOLLHUP)
            || (self.has(libc::EPOLLOUT) && self.has(libc::EPOLLERR))
            || self.0.events == libc::EPOLLERR as u32
    }

    /// Always `false`: FreeBSD and macOS have such events, and Linux has not.
    pub fn is_aio(&self) -> bool {
        false
    }

    /// Always `false`: FreeBSD has such events, and Linux has not.
    pub fn is_lio(&self) -> bool {
        false
    }
}
// ANCHOR_END: closed

// ANCHOR: event_debug
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let details = f.alternate();
        let mut event = f.debug_struct("Event");
        event.field("token", &self.token());
        event.field("readable", &self.is_readable());
        event.field("writable", &self.is_writable());
        event.field("error", &self.is_error());
        event.field("read_closed", &self.is_read_closed());
        event.field("write_closed", &self.is_write_closed());
        event.field("priority", &self.is_priority());
        event.field("aio", &self.is_aio()).field("lio", &self.is_lio());
        if details {
            event.field("details", &format_args!("{:#x}", { self.0.events }));
        }
        event.finish()
    }
}
// ANCHOR_END: event_debug

/// Room for the events of one [`Poll::poll`](crate::Poll::poll), and the events of the last one. It
/// is made once and used for every poll. If more sources have news than there is room, the rest
/// comes with the next polls: nothing is lost.
// ANCHOR: events
/// What a poll brings goes here.
pub struct Events(Vec<Event>);

impl Events {
    /// Makes room for `capacity` events. A poll with room for none is an error.
    pub fn with_capacity(capacity: usize) -> Events {
        Events(Vec::with_capacity(capacity))
    }

    /// The buffer for epoll_wait(2): its address, and for how many events there is room. The kernel
    /// counts in an int, and takes at most as many bytes as fit into one.
    pub(crate) fn room(&mut self) -> (*mut libc::epoll_event, i32) {
        // FORK herds: say where the kernel may write events, and how many
        // HINT: Is it the events that are there, or those that fit? And how many fit into an int, in bytes?
        const MOST: usize = i32::MAX as usize / size_of::<Event>();
        (self.0.as_mut_ptr().cast(), self.0.capacity().min(MOST) as i32)
    }

    // ANCHOR_END: events

    // ANCHOR: filled
    /// # Safety
    /// `len` is at most what [`room`](Events::room) said, and the kernel has written as many there.
    pub(crate) unsafe fn filled(&mut self, len: usize) {
        // SAFETY: the caller vouches that the first `len` are written, and room is never more than
        // the capacity. What it writes is an `Event`: `repr(transparent)`, and made of integers.
        unsafe { self.0.set_len(len) }
    }
}
// ANCHOR_END: filled

// ANCHOR: events_read
impl Events {
    /// The number of events that there is room for.
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// Whether the last poll brought no events.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Goes through the events of the last poll, in the order in which the kernel wrote them.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.0.iter())
    }

    /// Forgets the events of the last poll, and keeps the room. Each poll begins with this.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
// ANCHOR_END: events_read

// ANCHOR: iter
/// Goes through the events of the last poll: what [`Events::iter`] returns.
#[derive(Clone, Debug)]
pub struct Iter<'a>(slice::Iter<'a, Event>);

impl<'a> Iterator for Iter<'a> {
    type Item = &'a Event;

    fn next(&mut self) -> Option<&'a Event> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}
// ANCHOR_END: iter

// ANCHOR: into_iter
impl<'a> IntoIterator for &'a Events {
    type Item = &'a Event;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}
// ANCHOR_END: into_iter

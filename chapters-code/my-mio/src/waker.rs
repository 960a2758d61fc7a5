//! An event that a program causes itself.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd};

use crate::sys::check;
use crate::{Interest, Registry, Token};

/// Ends the wait of a [`Poll`](crate::Poll) from any thread. Threads share it by reference or in an
/// `Arc`. It is to live as long as its events are wanted, and a poll has [one](crate#one-waker).
///
/// ```
/// use std::thread;
/// use my_mio::{Events, Poll, Token, Waker};
///
/// let mut poll = Poll::new()?;
/// let waker = Waker::new(poll.registry(), Token(9))?;
/// let mut events = Events::with_capacity(8);
/// thread::scope(|scope| {
///     scope.spawn(|| waker.wake());
///     poll.poll(&mut events, None)
/// })?;
/// assert!(events.iter().all(|event| event.token() == Token(9) && event.is_readable()));
/// # assert_eq!(events.iter().count(), 1);
/// # Ok::<(), std::io::Error>(())
/// ```
// ANCHOR: waker
/// It is an eventfd(2), registered like a socket.
#[derive(Debug)]
pub struct Waker {
    eventfd: File,
}

impl Waker {
    /// Makes the waker of a poll. Its events are readable and carry `token`.
    ///
    /// # Panics
    /// In debug builds, when the poll has had a waker before, even one that was dropped.
    pub fn new(registry: &Registry, token: Token) -> io::Result<Waker> {
        // SAFETY: eventfd takes no pointer.
        let fd = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        // SAFETY: the call has just returned `fd`, so it is open and nobody else owns it.
        let eventfd = unsafe { File::from_raw_fd(fd) };
        registry.add(eventfd.as_raw_fd(), token, Interest::READABLE)?;
        registry.claim_waker();
        Ok(Waker { eventfd })
    }
    // ANCHOR_END: waker

    // ANCHOR: wake
    /// Makes the poll that waits return, or the next one if none does. Several wakes between two
    /// polls are one event. Who is woken has nothing to read or to reset.
    pub fn wake(&self) -> io::Result<()> {
        // FORK waking: add one to the counter, also when it is full
        // HINT: eventfd(2), under *write*: how many bytes are written, and what if the counter has no room?
        // HINT: A counter that is full can be emptied. Has the sleeper been woken then?
        // Adds one to the kernel's counter. The change is the edge, so nobody has to read it, ...
        match (&self.eventfd).write(&1_u64.to_ne_bytes()) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                // ... until 2^64 - 2 wakes have filled it.
                self.reset()?;
                self.wake()
            }
            result => result.map(drop),
        }
    }

    /// Empties the counter. That another thread has just done so is fine.
    fn reset(&self) -> io::Result<()> {
        // FORK waking: empty the counter, unless somebody else was faster
        // HINT: Two threads find the counter full, and one of them empties it. What does the read of the
        //   other say?
        match (&self.eventfd).read(&mut [0; 8]) {
            // Another thread was faster.
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            result => result.map(drop),
        }
    }
}
// ANCHOR_END: wake

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Poll;

    #[test]
    fn a_counter_that_somebody_else_has_emptied_is_empty() {
        let poll = Poll::new().unwrap();
        let waker = Waker::new(poll.registry(), Token(0)).unwrap();
        waker.reset().expect("nothing is left to empty, and that is no failure");
        waker.wake().unwrap();
        waker.reset().unwrap();
        let left = (&waker.eventfd).read(&mut [0; 8]).unwrap_err();
        assert_eq!(left.kind(), ErrorKind::WouldBlock, "one wake was in it, and is out");
    }
}

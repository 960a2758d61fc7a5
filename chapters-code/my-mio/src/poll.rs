//! The wait.

use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use crate::sys::check;
use crate::{Events, Registry};

/// An epoll instance: the list of what is registered, and the wait for news of it. Sources are
/// registered through its [`registry`](Poll::registry). One thread at a time waits, by
/// [`poll`](Poll::poll), while others may register and [wake](crate::Waker) it.
///
/// Registrations are edge-triggered: [the crate's page](crate#an-event-is-an-edge) says what that
/// asks of a program. Dropping the poll ends all registrations, unless a clone of its registry is
/// alive. The sources stay open and usable.
// ANCHOR: poll
/// It is one descriptor, closed when the last clone of its registry is dropped.
pub struct Poll {
    registry: Registry,
}

impl Poll {
    /// Makes a new instance, which no program started by execve(2) inherits.
    pub fn new() -> io::Result<Poll> {
        Ok(Poll { registry: Registry::new()? })
    }

    /// The list of this instance, where sources are registered.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    // ANCHOR_END: poll

    // ANCHOR: wait
    /// Forgets what is in `events`, waits until something has happened, and puts there what has. It
    /// waits at most for `timeout`, rounded up to a millisecond, and without end if that is `None`.
    ///
    /// # Errors
    /// [`Interrupted`](io::ErrorKind::Interrupted) when a signal came: call it again with what is
    /// left of the time. [`InvalidInput`](io::ErrorKind::InvalidInput) when `events` has no room.
    /// Either way there are no events then.
    pub fn poll(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        // FORK tokio: wait once, and leave in the list what this wait has brought and nothing else
        // HINT: `Events` has three methods for it. Which must come first, so that an error leaves nothing?
        // HINT: A signal ends the wait: is that hidden here, or told? The doc of this function.
        events.clear();
        let (room, most) = events.room();
        let epoll = self.as_raw_fd();
        // SAFETY: the kernel writes at most `most` events to `room`, which has space for as many,
        // and which nobody else touches as `events` is borrowed.
        let len = check(unsafe { libc::epoll_wait(epoll, room, most, millis(timeout)) })?;
        // SAFETY: 0 <= len <= most <= capacity, and the kernel has written the first `len`.
        unsafe { events.filled(len as usize) };
        Ok(())
    }
}
// ANCHOR_END: wait

// ANCHOR: millis
/// The timeout for epoll_wait(2): whole milliseconds, rounded up so that no wait is too short and
/// none of less than one becomes a busy loop. -1 is for ever, and the longest are cut to 24.8 days.
fn millis(timeout: Option<Duration>) -> i32 {
    // FORK tokio: turn a timeout into what the kernel takes
    // HINT: Which integer holds `Duration::MAX` in nanoseconds, and what does `as` do with a number that
    //   does not fit?
    let rounded_up = |timeout: Duration| timeout.as_nanos().div_ceil(1_000_000);
    timeout.map_or(-1, |timeout| rounded_up(timeout).try_into().unwrap_or(i32::MAX))
}
// ANCHOR_END: millis

// ANCHOR: poll_traits
impl AsRawFd for Poll {
    fn as_raw_fd(&self) -> RawFd {
        self.registry.as_raw_fd()
    }
}

impl fmt::Debug for Poll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poll").finish()
    }
}
// ANCHOR_END: poll_traits

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_rounded_up_and_never_wraps() {
        let millis = |nanos| millis(Some(Duration::from_nanos(nanos)));
        assert_eq!([0, 1, 999_999, 1_000_000, 1_000_001].map(millis), [0, 1, 1, 1, 2]);
        assert_eq!(super::millis(None), -1);
        let days = |days: u64| super::millis(Some(Duration::from_secs(days * 86_400)));
        assert_eq!(days(24), 24 * 86_400_000);
        assert_eq!((days(25), days(50)), (i32::MAX, i32::MAX));
        assert_eq!(super::millis(Some(Duration::MAX)), i32::MAX);
    }
}

//! The wait.

use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use crate::sys::check;
use crate::{Events, Registry};

// ANCHOR: poll
/// An epoll instance: what is registered with it, and the wait for it.
pub struct Poll {
    registry: Registry,
}

impl Poll {
    /// A new instance, which no program started by execve(2) inherits.
    pub fn new() -> io::Result<Poll> {
        Ok(Poll { registry: Registry::new()? })
    }

    /// Where sources are registered.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    // ANCHOR_END: poll

    // ANCHOR: wait
    /// Waits until something has happened, at most for `timeout`, for ever if `None`. May return
    /// without events before the time is over.
    ///
    /// # Errors
    /// Those of epoll_wait(2): [`Interrupted`](io::ErrorKind::Interrupted) when a signal arrived, and
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) when `events` has no room. Then there are no events.
    pub fn poll(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        let (room, most) = events.room();
        let epoll = self.as_raw_fd();
        // SAFETY: the kernel writes at most `most` events to `room`, which has space for as many, and
        // which nobody else touches as `events` is borrowed.
        let len = check(unsafe { libc::epoll_wait(epoll, room, most, millis(timeout)) })?;
        // SAFETY: so many it has written.
        unsafe { events.filled(len as usize) };
        Ok(())
    }
}
// ANCHOR_END: wait

// ANCHOR: millis
/// The timeout for epoll_wait(2): whole milliseconds, rounded up so that no wait is too short and
/// none of less than one becomes a busy loop. -1 is for ever, and the longest are cut to 24.8 days.
fn millis(timeout: Option<Duration>) -> i32 {
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

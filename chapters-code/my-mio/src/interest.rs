//! What to be told of.

use std::fmt;
use std::num::NonZeroU8;
use std::ops::{BitOr, BitOrAssign};

/// What a registration asks to be told of: one or several of [`READABLE`](Interest::READABLE),
/// [`WRITABLE`](Interest::WRITABLE) and [`PRIORITY`](Interest::PRIORITY), joined by `|`. It is
/// never nothing: to hear nothing, deregister. Errors and hang-ups are reported whatever it is.
///
/// ```
/// use my_mio::Interest;
///
/// let both = Interest::READABLE | Interest::WRITABLE;
/// assert!(both.is_readable() && both.is_writable());
/// assert_eq!(both.remove(Interest::WRITABLE), Some(Interest::READABLE));
/// assert_eq!(Interest::READABLE.remove(Interest::READABLE), None);
/// ```
// ANCHOR: interest
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interest(NonZeroU8);

impl Interest {
    /// Bytes to read, a connection to accept, or the other side has stopped sending.
    pub const READABLE: Interest = Interest(NonZeroU8::new(0b0_0001).unwrap());
    /// Room for bytes, or a connection that was begun is made.
    pub const WRITABLE: Interest = Interest(NonZeroU8::new(0b0_0010).unwrap());
    /// Something out of the ordinary, such as urgent data in TCP.
    pub const PRIORITY: Interest = Interest(NonZeroU8::new(0b1_0000).unwrap());

    /// The bits of `EPOLLIN` and the like. All are edge-triggered.
    pub(crate) fn flags(self) -> u32 {
        // FORK tokio: translate an interest into the bits of epoll
        // HINT: Who asks to read wants to hear of the end of the stream too. Which flag is it?
        // HINT: Which flag makes all of it edges? epoll_ctl(2).
        let read = if self.is_readable() { libc::EPOLLIN | libc::EPOLLRDHUP } else { 0 };
        let write = if self.is_writable() { libc::EPOLLOUT } else { 0 };
        let priority = if self.is_priority() { libc::EPOLLPRI } else { 0 };
        (libc::EPOLLET | read | write | priority) as u32
    }
}
// ANCHOR_END: interest

// ANCHOR: sets
impl Interest {
    /// The interests of both together, like `self | other`, and usable in constants.
    #[allow(clippy::should_implement_trait)] // mio's name.
    #[must_use = "the interest is not changed in place"]
    pub const fn add(self, other: Interest) -> Interest {
        // An or with something that is not zero.
        Interest(NonZeroU8::new(self.0.get() | other.0.get()).unwrap())
    }

    /// This interest without `other`; `None` if nothing is left.
    #[must_use = "the interest is not changed in place"]
    pub fn remove(self, other: Interest) -> Option<Interest> {
        NonZeroU8::new(self.0.get() & !other.0.get()).map(Interest)
    }

    /// Whether [`READABLE`](Interest::READABLE) is part of this interest.
    #[must_use]
    pub const fn is_readable(self) -> bool {
        self.has(Interest::READABLE)
    }
    // ANCHOR_END: sets

    // ANCHOR: more_sets
    /// Whether [`WRITABLE`](Interest::WRITABLE) is part of this interest.
    #[must_use]
    pub const fn is_writable(self) -> bool {
        self.has(Interest::WRITABLE)
    }

    /// Whether [`PRIORITY`](Interest::PRIORITY) is part of this interest.
    #[must_use]
    pub const fn is_priority(self) -> bool {
        self.has(Interest::PRIORITY)
    }

    /// Always `false`: FreeBSD and macOS have such an interest, and Linux has not.
    #[must_use]
    pub const fn is_aio(self) -> bool {
        false
    }

    /// Always `false`: FreeBSD has such an interest, and Linux has not.
    #[must_use]
    pub const fn is_lio(self) -> bool {
        false
    }

    const fn has(self, other: Interest) -> bool {
        self.0.get() & other.0.get() != 0
    }
}
// ANCHOR_END: more_sets

// ANCHOR: operators
impl BitOr for Interest {
    type Output = Interest;

    fn bitor(self, other: Interest) -> Interest {
        self.add(other)
    }
}

impl BitOrAssign for Interest {
    fn bitor_assign(&mut self, other: Interest) {
        *self = self.add(other);
    }
}
// ANCHOR_END: operators

// ANCHOR: debug
impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (self.is_readable(), "READABLE"),
            (self.is_writable(), "WRITABLE"),
            (self.is_priority(), "PRIORITY"),
        ];
        let names: Vec<_> = names.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect();
        f.write_str(&names.join(" | "))
    }
}
// ANCHOR_END: debug

//! What to be told of.

use std::fmt;
use std::num::NonZeroU8;
use std::ops::{BitOr, BitOrAssign};

// ANCHOR: interest
/// What to be told of: never nothing. Errors and hang-ups are reported to everyone, see
/// epoll_ctl(2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interest(NonZeroU8);

impl Interest {
    /// There are bytes, or a connection to accept, or the other side has stopped sending.
    pub const READABLE: Interest = Interest(NonZeroU8::new(0b0_0001).unwrap());
    /// There is room for bytes, or a connection has been made.
    pub const WRITABLE: Interest = Interest(NonZeroU8::new(0b0_0010).unwrap());
    /// There is something out of the ordinary, such as urgent data in TCP.
    pub const PRIORITY: Interest = Interest(NonZeroU8::new(0b1_0000).unwrap());

    /// The bits of `EPOLLIN` and the like. All are edge-triggered.
    pub(crate) fn flags(self) -> u32 {
        let read = if self.is_readable() { libc::EPOLLIN | libc::EPOLLRDHUP } else { 0 };
        let write = if self.is_writable() { libc::EPOLLOUT } else { 0 };
        let priority = if self.is_priority() { libc::EPOLLPRI } else { 0 };
        (libc::EPOLLET | read | write | priority) as u32
    }
}
// ANCHOR_END: interest

// ANCHOR: sets
impl Interest {
    /// Both.
    #[allow(clippy::should_implement_trait)] // mio's name.
    #[must_use = "the interest is not changed in place"]
    pub const fn add(self, other: Interest) -> Interest {
        // An or with something that is not zero.
        Interest(NonZeroU8::new(self.0.get() | other.0.get()).unwrap())
    }

    /// What is left without `other`, if anything is.
    #[must_use = "the interest is not changed in place"]
    pub fn remove(self, other: Interest) -> Option<Interest> {
        NonZeroU8::new(self.0.get() & !other.0.get()).map(Interest)
    }

    /// Whether [`READABLE`](Interest::READABLE) is in it.
    #[must_use]
    pub const fn is_readable(self) -> bool {
        self.has(Interest::READABLE)
    }
    // ANCHOR_END: sets

    // ANCHOR: more_sets
    /// Whether [`WRITABLE`](Interest::WRITABLE) is in it.
    #[must_use]
    pub const fn is_writable(self) -> bool {
        self.has(Interest::WRITABLE)
    }

    /// Whether [`PRIORITY`](Interest::PRIORITY) is in it.
    #[must_use]
    pub const fn is_priority(self) -> bool {
        self.has(Interest::PRIORITY)
    }

    /// Never: FreeBSD and macOS have it.
    #[must_use]
    pub const fn is_aio(self) -> bool {
        false
    }

    /// Never: FreeBSD has it.
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

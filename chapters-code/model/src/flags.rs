//! The flags of epoll, with the kernel's own numbers.

use std::fmt;
use std::ops::{BitAnd, BitOr, BitOrAssign, Not};

/// A set of flags: what an entry asks for, what a descriptor's poll says, what a wait reports.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flags(pub u32);

impl Flags {
    /// No flag. As the key of a wake: a change of state, which wakes every entry.
    pub const NONE: Flags = Flags(0);
    /// There is something to read.
    pub const IN: Flags = Flags(1 << 0);
    /// There is something urgent to read. No step makes it true.
    pub const PRI: Flags = Flags(1 << 1);
    /// There is room to write.
    pub const OUT: Flags = Flags(1 << 2);
    /// An error is pending. Always asked for.
    pub const ERR: Flags = Flags(1 << 3);
    /// Both directions are over. Always asked for.
    pub const HUP: Flags = Flags(1 << 4);
    /// `poll(2)` alone says it: the descriptor is not open.
    pub const NVAL: Flags = Flags(1 << 5);
    /// The peer will send no more.
    pub const RDHUP: Flags = Flags(1 << 13);
    /// Of several waiters, wake one. Only for `add`.
    pub const EXCLUSIVE: Flags = Flags(1 << 28);
    /// Keeps the machine from suspending while an event is handled.
    pub const WAKEUP: Flags = Flags(1 << 29);
    /// Disable the entry after one report.
    pub const ONESHOT: Flags = Flags(1 << 30);
    /// Edge-triggered.
    pub const ET: Flags = Flags(1 << 31);

    /// The flags that say how to report, and not what: the kernel's `EP_PRIVATE_BITS`.
    pub const HOW: Flags = Flags(0xf << 28);

    /// All flags that a script can name, in the order in which they are printed.
    pub const NAMES: [(Flags, &str); 11] = [
        (Flags::IN, "IN"),
        (Flags::PRI, "PRI"),
        (Flags::OUT, "OUT"),
        (Flags::RDHUP, "RDHUP"),
        (Flags::ERR, "ERR"),
        (Flags::HUP, "HUP"),
        (Flags::NVAL, "NVAL"),
        (Flags::EXCLUSIVE, "EXCLUSIVE"),
        (Flags::WAKEUP, "WAKEUP"),
        (Flags::ONESHOT, "ONESHOT"),
        (Flags::ET, "ET"),
    ];

    /// Whether the two sets meet.
    pub fn meets(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for Flags {
    type Output = Flags;
    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Flags) {
        self.0 |= other.0;
    }
}

impl BitAnd for Flags {
    type Output = Flags;
    fn bitand(self, other: Flags) -> Flags {
        Flags(self.0 & other.0)
    }
}

impl Not for Flags {
    type Output = Flags;
    fn not(self) -> Flags {
        Flags(!self.0)
    }
}

/// As a script writes it: `IN|RDHUP`, and `0` for none.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Flags::NAMES.iter().filter(|(flag, _)| self.meets(*flag));
        let names: Vec<&str> = names.map(|(_, name)| *name).collect();
        f.write_str(if names.is_empty() { "0" } else { "" })?;
        f.write_str(&names.join("|"))
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

//! An epoll that you can predict.

pub mod draw;
mod epoll;
mod file;
mod flags;
pub mod generate;
pub mod kernel;
mod parse;
mod paste;
pub mod picture;
pub mod script;
pub mod trial;

pub use epoll::{Epoll, Turn};
pub use flags::Flags;
pub use parse::{HELP, Wrong};
pub use paste::program;
pub use script::Script;

/// A descriptor and what is reported of it.
pub type Event = (usize, Flags);

/// What is seen of a step: what the model predicts of it and what the kernel says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What a wait returned.
    pub events: Option<Vec<Event>>,
    /// What `poll(2)` returned.
    pub polled: Option<Flags>,
    /// The error of a call that changes a list or a descriptor; 0 for none.
    pub errno: Option<i32>,
    /// What the waiter got that was asleep.
    pub asleep: Option<Vec<Event>>,
}

/// What the model is told of a call: it predicts events, and not buffers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// How many bytes it moved; of datagrams and clients that it drained, how many there were.
    pub moved: u64,
    /// How often it was refused some or all of what it was asked to do: short, or `EAGAIN`. Twice,
    /// if room came back before a `fill` was done.
    pub refused: u64,
    /// The error, if it is another one than `EAGAIN`.
    pub errno: i32,
    /// What the peer has written and what has not arrived, for want of room.
    pub late: u64,
    /// How full the watched side's send buffer is, and how large, in the kernel's accounting.
    pub used: u64,
    /// See `used`. Without a kernel there is room without end.
    pub size: u64,
}

impl Told {
    /// A call that moved all that it was asked to, where buffers have no end.
    pub fn moved(bytes: u64) -> Told {
        Told { moved: bytes, ..Told::default() }
    }

    /// Whether the call failed with more than *not now*.
    pub fn failed(&self) -> bool {
        self.errno != 0
    }
}

/// The errors that the model predicts, by their numbers, which Linux has on all architectures.
pub mod errno {
    #![expect(missing_docs, reason = "they are errno(3)'s")]
    pub const ENOENT: i32 = 2;
    pub const EBADF: i32 = 9;
    pub const EAGAIN: i32 = 11;
    pub const EEXIST: i32 = 17;
    pub const EINVAL: i32 = 22;
}

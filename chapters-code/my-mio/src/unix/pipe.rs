//! Pipes, within this program or to and from a child: pipe(7). What is written to a [`Sender`]
//! comes out of its [`Receiver`]. Both are sources of events.

use std::fmt;
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::process::{ChildStderr, ChildStdin, ChildStdout};

use crate::handle::{handle, impl_read, impl_write, try_io};
use crate::source::IoSource;
use crate::{Interest, Registry, Token, event, sys};

// ANCHOR: pipe
/// Makes a pipe: what is written to the sender comes out of the receiver. Both ends are
/// non-blocking.
pub fn new() -> io::Result<(Sender, Receiver)> {
    let (reader, writer) = io::pipe()?;
    let (sender, receiver) =
        (Sender::from(OwnedFd::from(writer)), Receiver::from(OwnedFd::from(reader)));
    sender.set_nonblocking(true)?;
    receiver.set_nonblocking(true)?;
    Ok((sender, receiver))
}
// ANCHOR_END: pipe

// ANCHOR: sender
handle! {
    /// The end of a pipe that is written to.
    Sender(File)
}
impl_write!(Sender, &Sender);
try_io!(Sender);

impl Sender {
    /// Says whether a write into a full pipe returns [`WouldBlock`](io::ErrorKind::WouldBlock) or
    /// waits.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        sys::set_nonblocking(self, nonblocking)
    }
}
// ANCHOR_END: sender

// ANCHOR: receiver
handle! {
    /// The end of a pipe that is read from.
    Receiver(File)
}
impl_read!(Receiver, &Receiver);
try_io!(Receiver);

impl Receiver {
    /// Says whether a read from an empty pipe returns [`WouldBlock`](io::ErrorKind::WouldBlock) or
    /// waits.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        sys::set_nonblocking(self, nonblocking)
    }
}
// ANCHOR_END: receiver

// ANCHOR: children
/// Takes over the pipe to a child, which blocks until
/// [`set_nonblocking`](Sender::set_nonblocking).
impl From<ChildStdin> for Sender {
    fn from(pipe: ChildStdin) -> Sender {
        OwnedFd::from(pipe).into()
    }
}

/// Takes over a pipe from a child, which blocks until
/// [`set_nonblocking`](Receiver::set_nonblocking).
impl From<ChildStdout> for Receiver {
    fn from(pipe: ChildStdout) -> Receiver {
        OwnedFd::from(pipe).into()
    }
}

/// Takes over a pipe from a child, which blocks until
/// [`set_nonblocking`](Receiver::set_nonblocking).
impl From<ChildStderr> for Receiver {
    fn from(pipe: ChildStderr) -> Receiver {
        OwnedFd::from(pipe).into()
    }
}
// ANCHOR_END: children

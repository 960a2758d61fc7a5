//! An event that a program causes itself.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd};

use crate::sys::check;
use crate::{Interest, Registry, Token};

// ANCHOR: waker
/// Ends the wait of a [`Poll`](crate::Poll) from any thread: an eventfd(2), registered like a socket.
#[derive(Debug)]
pub struct Waker {
    eventfd: File,
}

impl Waker {
    /// Its events are readable and carry `token`. It has to live as long as they are wanted.
    ///
    /// # Panics
    /// In debug builds, when the poll has had one before.
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
    /// Makes the poll return, or the next one if there is none. Wakes between two polls make one
    /// event.
    pub fn wake(&self) -> io::Result<()> {
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

    fn reset(&self) -> io::Result<()> {
        match (&self.eventfd).read(&mut [0; 8]) {
            // Another thread was faster.
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            result => result.map(drop),
        }
    }
}
// ANCHOR_END: wake

//! A queue between threads that is registered like a socket.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

use my_mio::event::Source;
use my_mio::unix::SourceFd;
use my_mio::{Interest, Registry, Token};

// ANCHOR: mailbox
/// Where letters arrive, readable when there are some: a queue in memory, and a bell beside it.
/// Deregister it before it is dropped: the bell lives as long as there is a slot.
pub struct Mailbox<T> {
    letters: Receiver<T>,
    /// An eventfd(2), which counts the letters that have come since it was read.
    bell: Arc<File>,
}

impl<T> Source for Mailbox<T> {
    fn register(&mut self, to: &Registry, token: Token, _: Interest) -> io::Result<()> {
        SourceFd(&self.bell.as_raw_fd()).register(to, token, Interest::READABLE)
    }

    fn reregister(&mut self, to: &Registry, token: Token, _: Interest) -> io::Result<()> {
        SourceFd(&self.bell.as_raw_fd()).reregister(to, token, Interest::READABLE)
    }

    fn deregister(&mut self, from: &Registry) -> io::Result<()> {
        SourceFd(&self.bell.as_raw_fd()).deregister(from)
    }
}
// ANCHOR_END: mailbox

impl<T> Mailbox<T> {
    /// An empty one, and the slot through which letters come.
    pub fn new() -> io::Result<(Slot<T>, Mailbox<T>)> {
        // SAFETY: eventfd takes no pointer.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd == -1 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call has just returned `fd`, so it is open and nobody else owns it.
        let bell = Arc::new(unsafe { File::from_raw_fd(fd) });
        let (sender, letters) = mpsc::channel();
        Ok((Slot { sender, bell: Arc::clone(&bell) }, Mailbox { letters, bell }))
    }

    // ANCHOR: letters
    /// All letters that have come. One event tells of all of them: drain it like a socket.
    pub fn letters(&self) -> io::Result<impl Iterator<Item = T>> {
        // The bell is reset first. A letter that comes after that rings it anew.
        match (&*self.bell).read(&mut [0; 8]) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
        Ok(self.letters.try_iter())
    }
    // ANCHOR_END: letters
}

/// Where letters are posted, from any thread.
#[derive(Clone)]
pub struct Slot<T> {
    sender: Sender<T>,
    bell: Arc<File>,
}

// ANCHOR: post
impl<T> Slot<T> {
    /// The letter first, then the bell: the thread that the bell wakes must find the letter.
    pub fn post(&self, letter: T) -> io::Result<()> {
        self.sender.send(letter).map_err(|_| ErrorKind::BrokenPipe)?;
        (&*self.bell).write_all(&1_u64.to_ne_bytes())
    }
}
// ANCHOR_END: post

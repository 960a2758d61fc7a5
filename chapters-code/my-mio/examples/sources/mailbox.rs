//! A queue between threads that is registered like a socket.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use my_mio::event::Source;
use my_mio::{Interest, Registry, Token, Waker};

// ANCHOR: mailbox
/// Where letters arrive, readable when there are some. It is a queue in memory; what rings is made
/// when it is registered.
pub struct Mailbox<T> {
    letters: Receiver<T>,
    bell: Arc<Bell>,
}

impl<T> Source for Mailbox<T> {
    fn register(&mut self, registry: &Registry, token: Token, _: Interest) -> io::Result<()> {
        // It rings at once, for the letters that have come already.
        self.bell.lock().insert(Waker::new(registry, token)?).wake()
    }

    fn reregister(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn deregister(&mut self, _: &Registry) -> io::Result<()> {
        self.bell.lock().take().map(drop).ok_or(io::ErrorKind::NotFound.into())
    }
}
// ANCHOR_END: mailbox

impl<T> Mailbox<T> {
    /// An empty one, and the slot through which letters come.
    pub fn new() -> (Slot<T>, Mailbox<T>) {
        let (sender, letters) = mpsc::channel();
        let bell = Arc::new(Bell::default());
        (Slot { sender, bell: Arc::clone(&bell) }, Mailbox { letters, bell })
    }

    /// All letters that have come. The bell has rung once for them: drain it like a socket.
    pub fn letters(&self) -> impl Iterator<Item = T> {
        self.letters.try_iter()
    }
}

/// Where letters are posted, from any thread.
#[derive(Clone)]
pub struct Slot<T> {
    sender: Sender<T>,
    bell: Arc<Bell>,
}

// ANCHOR: post
impl<T> Slot<T> {
    /// The letter first, then the bell: who is woken must find it.
    pub fn post(&self, letter: T) -> io::Result<()> {
        self.sender.send(letter).map_err(|_| io::ErrorKind::BrokenPipe)?;
        self.bell.lock().as_ref().map_or(Ok(()), Waker::wake)
    }
}
// ANCHOR_END: post

/// There is one while the mailbox is registered.
#[derive(Default)]
struct Bell(Mutex<Option<Waker>>);

impl Bell {
    fn lock(&self) -> MutexGuard<'_, Option<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

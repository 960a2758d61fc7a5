//! The list of what is watched.

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::event::Source;
use crate::sys::check;
use crate::{Interest, Token};

// ANCHOR: registry
/// Registers sources with the epoll instance of a [`Poll`](crate::Poll).
pub struct Registry {
    epoll: OwnedFd,
    /// The same in all clones: sources remember with which instance they are registered.
    pub(crate) id: NonZeroUsize,
    has_waker: Arc<AtomicBool>,
}

impl Registry {
    pub(crate) fn new() -> io::Result<Registry> {
        static NEXT_ID: AtomicUsize = AtomicUsize::new(1);
        // SAFETY: epoll_create1 takes no pointer.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the call has just returned `fd`, so it is open and nobody else owns it.
        let epoll = unsafe { OwnedFd::from_raw_fd(fd) };
        let id = NonZeroUsize::new(NEXT_ID.fetch_add(1, Ordering::Relaxed));
        Ok(Registry { epoll, id: id.expect("every id was used"), has_waker: Arc::default() })
    }

    // ANCHOR_END: registry

    // ANCHOR: try_clone
    /// Another number for the same epoll instance, so that other threads can register. The instance
    /// lives until the last number is closed.
    pub fn try_clone(&self) -> io::Result<Registry> {
        let epoll = self.epoll.try_clone()?;
        Ok(Registry { epoll, id: self.id, has_waker: Arc::clone(&self.has_waker) })
    }
    // ANCHOR_END: try_clone

    // ANCHOR: claim_waker
    /// # Panics
    /// In debug builds, as in mio, when there has been a waker before.
    pub(crate) fn claim_waker(&self) {
        let had_one = self.has_waker.swap(true, Ordering::AcqRel);
        if cfg!(debug_assertions) {
            assert!(!had_one, "Only a single `Waker` can be active per `Poll` instance");
        }
    }
    // ANCHOR_END: claim_waker
}

// ANCHOR: register
impl Registry {
    /// Reports what happens to `source` from now on, and what is the case already.
    ///
    /// # Errors
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists) when it is registered, here or elsewhere; those
    /// of epoll_ctl(2), `EPERM` for a file that can't be waited for and `ENOSPC` where there are too
    /// many registrations among them.
    pub fn register<S>(&self, source: &mut S, token: Token, interests: Interest) -> io::Result<()>
    where
        S: Source + ?Sized,
    {
        source.register(self, token, interests)
    }

    /// Changes token and interest, and reports again what is the case.
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound) when it is not registered,
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists) when it is elsewhere.
    pub fn reregister<S>(&self, source: &mut S, token: Token, interests: Interest) -> io::Result<()>
    where
        S: Source + ?Sized,
    {
        source.reregister(self, token, interests)
    }

    // ANCHOR_END: register

    // ANCHOR: deregister
    /// Reports nothing more. To be called before `source` is dropped: closing a descriptor ends its
    /// registration only when no duplicate of it is open, see epoll(7).
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound) when it is not registered.
    pub fn deregister<S>(&self, source: &mut S) -> io::Result<()>
    where
        S: Source + ?Sized,
    {
        source.deregister(self)
    }
}
// ANCHOR_END: deregister

// ANCHOR: control
impl Registry {
    pub(crate) fn add(&self, fd: RawFd, token: Token, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, token.0, interest.flags())
    }

    pub(crate) fn modify(&self, fd: RawFd, token: Token, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, token.0, interest.flags())
    }

    pub(crate) fn delete(&self, fd: RawFd) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, fd, 0, 0)
    }

    fn control(&self, op: i32, fd: RawFd, token: usize, flags: u32) -> io::Result<()> {
        let mut event = libc::epoll_event { events: flags, u64: token as u64 };
        // SAFETY: the kernel only reads `event`, during the call. A number that is not open, or not
        // the caller's, makes an error or a wrong registration, and touches no memory.
        check(unsafe { libc::epoll_ctl(self.as_raw_fd(), op, fd, &mut event) })?;
        Ok(())
    }
}
// ANCHOR_END: control

// ANCHOR: registry_traits
impl AsFd for Registry {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

impl AsRawFd for Registry {
    fn as_raw_fd(&self) -> RawFd {
        self.epoll.as_raw_fd()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").finish()
    }
}
// ANCHOR_END: registry_traits

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

/// The list of sources of a [`Poll`](crate::Poll). All its methods take `&self`, and any thread may
/// call them while another waits in [`Poll::poll`](crate::Poll::poll): for that, give it a
/// [clone](Registry::try_clone).
// ANCHOR: registry
/// A descriptor of the epoll instance.
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
    /// Makes another descriptor of the same epoll instance, so that another thread can register.
    /// The instance lives until the last of its descriptors is closed, even without its `Poll`.
    pub fn try_clone(&self) -> io::Result<Registry> {
        // FORK waking: make another descriptor of the same instance, which knows what this one knows
        // HINT: Sources remember with which registry they are registered, by a number. Which number must
        //   the clone have, so that it can deregister them?
        // HINT: Three fields: one is duplicated as descriptors are, one is copied, one is shared.
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
    /// From now on the poll reports what happens to `source`, each time with `token`. It begins
    /// with what is the case already: bytes that came before are an event.
    ///
    /// A source is registered with one poll, once. Debug builds see to it. In release builds the
    /// kernel alone does, which knows this list and no other.
    ///
    /// # Errors
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists) when it is registered, with this poll or
    /// another; those of epoll_ctl(2), among them `EPERM` for a file that can't be waited for and
    /// `ENOSPC` where there are too many registrations. A registration that is refused leaves no
    /// trace.
    pub fn register<S>(&self, source: &mut S, token: Token, interests: Interest) -> io::Result<()>
    where
        S: Source + ?Sized,
    {
        source.register(self, token, interests)
    }

    /// Replaces the token and the interest of a source that is registered. Nothing of the old
    /// interest stays. What is the case by the new one is reported again, also if it was before.
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound) when it is not registered, and in debug builds
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists) when it is registered with another poll.
    pub fn reregister<S>(&self, source: &mut S, token: Token, interests: Interest) -> io::Result<()>
    where
        S: Source + ?Sized,
    {
        source.reregister(self, token, interests)
    }

    // ANCHOR_END: register

    // ANCHOR: deregister
    /// Ends the registration. Call it before `source` is dropped: closing a descriptor ends its
    /// registration only when [no duplicate of it is open](crate#deregister-then-drop). Events that
    /// a poll has returned already are still in their [`Events`](crate::Events).
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound) when it is not registered, or with another poll.
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

    /// One epoll_ctl(2): `op` for `fd`. What is reported of it brings all bits of `token`.
    fn control(&self, op: i32, fd: RawFd, token: usize, flags: u32) -> io::Result<()> {
        // FORK tokens: tell the kernel what to report of a descriptor, and with which token
        // HINT: epoll_event(3type): which of its fields comes back as it went in, and how wide is it?
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

//! What can be registered, and what sources remember of it.

use std::fmt;
use std::io;
#[cfg(debug_assertions)]
use std::io::ErrorKind::{AlreadyExists, NotFound};
#[cfg(debug_assertions)]
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::os::fd::AsRawFd;

use crate::{Interest, Registry, Token};

/// Something that can be registered. Programs call the methods of [`Registry`], and those call
/// these. They are written for a type that has a source inside, or several, and pass the call on:
///
/// ```
/// use std::io;
/// use my_mio::{Interest, Registry, Token, event::Source, net::UdpSocket};
///
/// struct Resolver {
///     socket: UdpSocket,
/// }
///
/// impl Source for Resolver {
///     fn register(
///         &mut self,
///         registry: &Registry,
///         token: Token,
///         interests: Interest,
///     ) -> io::Result<()> {
///         self.socket.register(registry, token, interests)
///     }
///
///     fn reregister(
///         &mut self,
///         registry: &Registry,
///         token: Token,
///         interests: Interest,
///     ) -> io::Result<()> {
///         self.socket.reregister(registry, token, interests)
///     }
///
///     fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
///         self.socket.deregister(registry)
///     }
/// }
/// ```
// ANCHOR: source
/// The methods of [`Registry`] call these. A type made of several sources decides here what
/// registering it means.
pub trait Source {
    /// Begins a registration with `registry`; see [`Registry::register`].
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()>;

    /// Replaces token and interest; see [`Registry::reregister`].
    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()>;

    /// Ends the registration with `registry`; see [`Registry::deregister`].
    fn deregister(&mut self, registry: &Registry) -> io::Result<()>;
}
// ANCHOR_END: source

// ANCHOR: box
impl<T: Source + ?Sized> Source for Box<T> {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        (**self).register(registry, token, interests)
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        (**self).reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        (**self).deregister(registry)
    }
}
// ANCHOR_END: box

// ANCHOR: registered
/// A type of std that owns a descriptor, and in debug builds, as in mio, the registry with which it
/// is registered.
pub(crate) struct IoSource<T> {
    pub(crate) io: T,
    #[cfg(debug_assertions)]
    registry: Option<NonZeroUsize>,
}

impl<T> IoSource<T> {
    pub(crate) fn new(io: T) -> IoSource<T> {
        IoSource {
            io,
            #[cfg(debug_assertions)]
            registry: None,
        }
    }
}

impl<T> Deref for IoSource<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.io
    }
}
// ANCHOR_END: registered

// ANCHOR: words
/// mio's words: there are programs that look at them.
#[cfg(debug_assertions)]
const REGISTERED: &str = "I/O source already registered with a `Registry`";
#[cfg(debug_assertions)]
const ELSEWHERE: &str = "I/O source already registered with a different `Registry`";
#[cfg(debug_assertions)]
const NOT_REGISTERED: &str = "I/O source not registered with `Registry`";
// ANCHOR_END: words

// ANCHOR: rules
impl<T: AsRawFd> Source for IoSource<T> {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        #[cfg(debug_assertions)]
        if self.registry.is_some() {
            return Err(io::Error::new(AlreadyExists, REGISTERED));
        }
        registry.add(self.io.as_raw_fd(), token, interests)?;
        #[cfg(debug_assertions)]
        {
            self.registry = Some(registry.id);
        }
        Ok(())
    }
    // ANCHOR_END: rules

    // ANCHOR: change
    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        #[cfg(debug_assertions)]
        match self.registry {
            None => return Err(io::Error::new(NotFound, NOT_REGISTERED)),
            Some(id) if id != registry.id => return Err(io::Error::new(AlreadyExists, ELSEWHERE)),
            Some(_) => {}
        }
        registry.modify(self.io.as_raw_fd(), token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        #[cfg(debug_assertions)]
        {
            if self.registry != Some(registry.id) {
                return Err(io::Error::new(NotFound, NOT_REGISTERED));
            }
            self.registry = None;
        }
        registry.delete(self.io.as_raw_fd())
    }
}

impl<T: fmt::Debug> fmt::Debug for IoSource<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.fmt(f)
    }
}
// ANCHOR_END: change

//! What all sockets and pipes have in common.

// ANCHOR: handle
/// A type that is a source, around the type of std that owns the descriptor.
macro_rules! handle {
    ($(#[$doc:meta])* $name:ident($std:ty)) => {
        $(#[$doc])*
        pub struct $name(IoSource<$std>);

        impl event::Source for $name {
            fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
                self.0.register(registry, token, interests)
            }

            fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
                self.0.reregister(registry, token, interests)
            }

            fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
                self.0.deregister(registry)
            }
        }

        impl AsFd for $name {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.0.as_fd()
            }
        }

        impl AsRawFd for $name {
            fn as_raw_fd(&self) -> RawFd {
                self.0.as_raw_fd()
            }
        }

        impl IntoRawFd for $name {
            fn into_raw_fd(self) -> RawFd {
                self.0.io.into_raw_fd()
            }
        }

        impl FromRawFd for $name {
            unsafe fn from_raw_fd(fd: RawFd) -> $name {
                // SAFETY: the caller hands over a descriptor of this kind, as the trait demands.
                $name(IoSource::new(unsafe { <$std>::from_raw_fd(fd) }))
            }
        }

        impl From<$name> for OwnedFd {
            fn from(handle: $name) -> OwnedFd {
                handle.0.io.into()
            }
        }

        impl From<OwnedFd> for $name {
            fn from(fd: OwnedFd) -> $name {
                $name(IoSource::new(fd.into()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}
// ANCHOR_END: handle

// ANCHOR: more
/// To and from the type of std.
macro_rules! standard {
    ($name:ident($std:ty)) => {
        impl $name {
            /// Takes over a socket that std has made. Make it non-blocking before: this leaves it
            /// as it is, and calls on a blocking one wait.
            pub fn from_std(std: $std) -> $name {
                $name(IoSource::new(std))
            }
        }

        impl From<$name> for $std {
            /// Gives the socket to std. It stays non-blocking, and registered if it was.
            fn from(handle: $name) -> $std {
                handle.0.io
            }
        }
    };
}

/// For calls that this crate does not have.
macro_rules! try_io {
    ($name:ident) => {
        impl $name {
            /// Calls `f`, once, and returns what it returns. It is for calls on this descriptor
            /// that this crate does not have, which are to be repeated until they give
            /// [`WouldBlock`](io::ErrorKind::WouldBlock). On other systems mio registers the
            /// descriptor anew at that; epoll needs nothing of the kind.
            pub fn try_io<F, T>(&self, f: F) -> io::Result<T>
            where
                F: FnOnce() -> io::Result<T>,
            {
                f()
            }
        }
    };
}
// ANCHOR_END: more

// ANCHOR: forward
/// Methods that std has and that need no more than to be passed on.
macro_rules! forward {
    ($name:ident: $($(#[$doc:meta])* fn $method:ident($($arg:ident: $ty:ty),*) -> $out:ty;)*) => {
        impl $name {$(
            $(#[$doc])*
            pub fn $method(&self, $($arg: $ty),*) -> io::Result<$out> {
                self.0.$method($($arg),*)
            }
        )*}
    };
}
// ANCHOR_END: forward

// ANCHOR: read_write
/// `Read` for a handle and for a reference to one: a descriptor can be read through either.
macro_rules! impl_read {
    ($($name:ty),*) => {$(
        impl Read for $name {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                (&self.0.io).read(buf)
            }

            fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                (&self.0.io).read_vectored(bufs)
            }
        }
    )*};
}

/// `Write` for a handle and for a reference to one.
macro_rules! impl_write {
    ($($name:ty),*) => {$(
        impl Write for $name {
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                (&self.0.io).write(buf)
            }

            fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
                (&self.0.io).write_vectored(bufs)
            }

            fn flush(&mut self) -> io::Result<()> {
                (&self.0.io).flush()
            }
        }
    )*};
}
// ANCHOR_END: read_write

pub(crate) use {forward, handle, impl_read, impl_write, standard, try_io};

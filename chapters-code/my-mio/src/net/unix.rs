//! Sockets that have a path or a name on this machine: unix(7).

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::net::{self, SocketAddr};
use std::path::Path;

use crate::handle::{forward, handle, impl_read, impl_write, standard, try_io};
use crate::source::IoSource;
use crate::{Interest, Registry, Token, event, sys};

// ANCHOR: unix_stream
handle! {
    /// A non-blocking connection between two programs of this machine.
    UnixStream(net::UnixStream)
}
standard!(UnixStream(net::UnixStream));
impl_read!(UnixStream, &UnixStream);
impl_write!(UnixStream, &UnixStream);
try_io!(UnixStream);

impl UnixStream {
    /// Connects to a listener by its path, and has connected or failed when it returns.
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) says that the listener has no room. It is a
    /// failure: no event follows, so try again later.
    pub fn connect<P: AsRef<Path>>(path: P) -> io::Result<UnixStream> {
        UnixStream::connect_addr(&SocketAddr::from_pathname(path)?)
    }

    /// Connects to a listener by its address, which may be an abstract name. Like
    /// [`connect`](UnixStream::connect) it is done or has failed when it returns.
    pub fn connect_addr(address: &SocketAddr) -> io::Result<UnixStream> {
        Ok(sys::connect(&address.into())?.into())
    }
    // ANCHOR_END: unix_stream

    // ANCHOR: unix_rest
    /// Makes two sockets that are connected to each other, both non-blocking.
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (one, other) = net::UnixStream::pair()?;
        one.set_nonblocking(true)?;
        other.set_nonblocking(true)?;
        Ok((UnixStream::from_std(one), UnixStream::from_std(other)))
    }
}

forward! { UnixStream:
    /// The address of this end.
    fn local_addr() -> SocketAddr;
    /// The address of the other end, which is unnamed if that end was never bound.
    fn peer_addr() -> SocketAddr;
    /// Fetches the pending error of the socket and clears it: a second call returns `None`.
    fn take_error() -> Option<io::Error>;
    /// Closes one direction or both, for all duplicates of the descriptor: shutdown(2).
    fn shutdown(how: Shutdown) -> ();
}

handle! {
    /// A non-blocking socket that listens for connections from this machine.
    UnixListener(net::UnixListener)
}
standard!(UnixListener(net::UnixListener));

impl UnixListener {
    /// Makes a socket file at this path, which must not exist, and listens there. The file outlives
    /// the listener.
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixListener> {
        UnixListener::bind_addr(&SocketAddr::from_pathname(path)?)
    }

    /// Listens on an address, which is a path that does not exist or an abstract name.
    pub fn bind_addr(address: &SocketAddr) -> io::Result<UnixListener> {
        let listener = net::UnixListener::bind_addr(address)?;
        listener.set_nonblocking(true)?;
        Ok(UnixListener::from_std(listener))
    }

    /// Takes a connection that waits, as a non-blocking stream, and the address of its other end,
    /// which has none unless it was bound.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when none waits. Accept until then: one event
    /// stands for all that have come.
    pub fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let (stream, address) = self.0.accept()?;
        stream.set_nonblocking(true)?;
        Ok((UnixStream::from_std(stream), address))
    }
}

forward! { UnixListener:
    /// The address on which it listens.
    fn local_addr() -> SocketAddr;
    /// Fetches the pending error of the socket and clears it: a second call returns `None`.
    fn take_error() -> Option<io::Error>;
}

handle! {
    /// A non-blocking socket for datagrams between programs of this machine.
    UnixDatagram(net::UnixDatagram)
}
standard!(UnixDatagram(net::UnixDatagram));
try_io!(UnixDatagram);

impl UnixDatagram {
    /// Makes a socket whose address is this path, which must not exist. The file there outlives the
    /// socket.
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixDatagram> {
        UnixDatagram::bind_addr(&SocketAddr::from_pathname(path)?)
    }

    /// Makes a socket with this address, which is a path that does not exist or an abstract name.
    pub fn bind_addr(address: &SocketAddr) -> io::Result<UnixDatagram> {
        UnixDatagram::nonblocking(net::UnixDatagram::bind_addr(address)?)
    }

    /// Makes a socket without an address. It can send, and nobody can answer.
    pub fn unbound() -> io::Result<UnixDatagram> {
        UnixDatagram::nonblocking(net::UnixDatagram::unbound()?)
    }

    /// Makes two sockets that are connected to each other, both non-blocking.
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let (one, other) = net::UnixDatagram::pair()?;
        Ok((UnixDatagram::nonblocking(one)?, UnixDatagram::nonblocking(other)?))
    }

    fn nonblocking(socket: net::UnixDatagram) -> io::Result<UnixDatagram> {
        socket.set_nonblocking(true)?;
        Ok(UnixDatagram::from_std(socket))
    }

    /// From now on this socket sends to and receives from the socket at `path` alone.
    pub fn connect<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        self.0.connect(path)
    }

    /// Sends one datagram to the socket at `path`, all of it or none.
    pub fn send_to<P: AsRef<Path>>(&self, buf: &[u8], path: P) -> io::Result<usize> {
        self.0.send_to(buf, path)
    }
}

forward! { UnixDatagram:
    /// The address of this end.
    fn local_addr() -> SocketAddr;
    /// The address that it is connected to; an error if there is none.
    fn peer_addr() -> SocketAddr;
    /// Receives one datagram, cut to the buffer, and returns its length and its sender.
    fn recv_from(buf: &mut [u8]) -> (usize, SocketAddr);
    /// Receives one datagram, cut to the buffer, and returns its length.
    fn recv(buf: &mut [u8]) -> usize;
    /// Sends one datagram to the address that it is connected to.
    fn send(buf: &[u8]) -> usize;
    /// Fetches the pending error of the socket and clears it: a second call returns `None`.
    fn take_error() -> Option<io::Error>;
    /// Closes one direction or both, for all duplicates of the descriptor: shutdown(2).
    fn shutdown(how: Shutdown) -> ();
}
// ANCHOR_END: unix_rest

//! Sockets that have a path or a name on this machine: unix(7).

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::net::{self, SocketAddr};
use std::path::Path;

use crate::handle::{forward, handle, read, standard, try_io, write};
use crate::source::IoSource;
use crate::{Interest, Registry, Token, event, sys};

// ANCHOR: unix_stream
handle! {
    /// A connection on this machine.
    UnixStream(net::UnixStream)
}
standard!(UnixStream(net::UnixStream));
read!(UnixStream, &UnixStream);
write!(UnixStream, &UnixStream);
try_io!(UnixStream);

impl UnixStream {
    /// Connects to a path. [`WouldBlock`](io::ErrorKind::WouldBlock) is an error here: the listener
    /// has no room, and there will be no event.
    pub fn connect<P: AsRef<Path>>(path: P) -> io::Result<UnixStream> {
        UnixStream::connect_addr(&SocketAddr::from_pathname(path)?)
    }

    /// Connects to an address, which may be an abstract name.
    pub fn connect_addr(address: &SocketAddr) -> io::Result<UnixStream> {
        Ok(sys::connect(&address.into())?.into())
    }
    // ANCHOR_END: unix_stream

    // ANCHOR: unix_rest
    /// Two that are connected to each other.
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (one, other) = net::UnixStream::pair()?;
        one.set_nonblocking(true)?;
        other.set_nonblocking(true)?;
        Ok((UnixStream::from_std(one), UnixStream::from_std(other)))
    }
}

forward! { UnixStream:
    /// This end.
    fn local_addr() -> SocketAddr;
    /// The other end.
    fn peer_addr() -> SocketAddr;
    /// The error that is waiting, once.
    fn take_error() -> Option<io::Error>;
    /// Closes one direction or both, in all duplicates.
    fn shutdown(how: Shutdown) -> ();
}

handle! {
    /// A socket that accepts connections on this machine.
    UnixListener(net::UnixListener)
}
standard!(UnixListener(net::UnixListener));

impl UnixListener {
    /// Listens on a path, which must not exist.
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixListener> {
        UnixListener::bind_addr(&SocketAddr::from_pathname(path)?)
    }

    /// Listens on an address, which may be an abstract name.
    pub fn bind_addr(address: &SocketAddr) -> io::Result<UnixListener> {
        let listener = net::UnixListener::bind_addr(address)?;
        listener.set_nonblocking(true)?;
        Ok(UnixListener::from_std(listener))
    }

    /// The next connection, non-blocking, and who is at its other end.
    pub fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let (stream, address) = self.0.accept()?;
        stream.set_nonblocking(true)?;
        Ok((UnixStream::from_std(stream), address))
    }
}

forward! { UnixListener:
    /// Where it listens.
    fn local_addr() -> SocketAddr;
    /// The error that is waiting, once.
    fn take_error() -> Option<io::Error>;
}

handle! {
    /// A socket for datagrams on this machine.
    UnixDatagram(net::UnixDatagram)
}
standard!(UnixDatagram(net::UnixDatagram));
try_io!(UnixDatagram);

impl UnixDatagram {
    /// Takes a path, which must not exist.
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixDatagram> {
        UnixDatagram::bind_addr(&SocketAddr::from_pathname(path)?)
    }

    /// Takes an address, which may be an abstract name.
    pub fn bind_addr(address: &SocketAddr) -> io::Result<UnixDatagram> {
        UnixDatagram::nonblocking(net::UnixDatagram::bind_addr(address)?)
    }

    /// Has no address.
    pub fn unbound() -> io::Result<UnixDatagram> {
        UnixDatagram::nonblocking(net::UnixDatagram::unbound()?)
    }

    /// Two that are connected to each other.
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let (one, other) = net::UnixDatagram::pair()?;
        Ok((UnixDatagram::nonblocking(one)?, UnixDatagram::nonblocking(other)?))
    }

    fn nonblocking(socket: net::UnixDatagram) -> io::Result<UnixDatagram> {
        socket.set_nonblocking(true)?;
        Ok(UnixDatagram::from_std(socket))
    }

    /// From now on sends to and receives from `path` alone.
    pub fn connect<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        self.0.connect(path)
    }

    /// Sends one datagram: all of it or an error.
    pub fn send_to<P: AsRef<Path>>(&self, buf: &[u8], path: P) -> io::Result<usize> {
        self.0.send_to(buf, path)
    }
}

forward! { UnixDatagram:
    /// This end.
    fn local_addr() -> SocketAddr;
    /// The other end, if it is connected.
    fn peer_addr() -> SocketAddr;
    /// Receives one datagram, cut to the buffer, and who sent it.
    fn recv_from(buf: &mut [u8]) -> (usize, SocketAddr);
    /// Receives one datagram, cut to the buffer.
    fn recv(buf: &mut [u8]) -> usize;
    /// Sends to the address that it is connected to.
    fn send(buf: &[u8]) -> usize;
    /// The error that is waiting, once.
    fn take_error() -> Option<io::Error>;
    /// Closes one direction or both, in all duplicates.
    fn shutdown(how: Shutdown) -> ();
}
// ANCHOR_END: unix_rest

//! TCP.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{self, Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use crate::handle::{forward, handle, read, standard, try_io, write};
use crate::source::IoSource;
use crate::{Interest, Registry, Token, event, sys};

// ANCHOR: stream
handle! {
    /// A TCP connection.
    TcpStream(net::TcpStream)
}
standard!(TcpStream(net::TcpStream));
read!(TcpStream, &TcpStream);
write!(TcpStream, &TcpStream);
try_io!(TcpStream);

impl TcpStream {
    /// Begins to connect, and does not wait for it. Once it is reported as writable,
    /// [`take_error`](TcpStream::take_error) says whether it failed, and
    /// [`peer_addr`](TcpStream::peer_addr) whether it is made: a report can come too early.
    pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        Ok(sys::connect(&address.into())?.into())
    }
}
// ANCHOR_END: stream

// ANCHOR: tcp_rest
forward! { TcpStream:
    /// The other end, once there is one.
    fn peer_addr() -> SocketAddr;
    /// This end.
    fn local_addr() -> SocketAddr;
    /// Closes one direction or both, in all duplicates.
    fn shutdown(how: Shutdown) -> ();
    /// Whether small segments go out at once, `TCP_NODELAY`.
    fn set_nodelay(nodelay: bool) -> ();
    /// Whether small segments go out at once.
    fn nodelay() -> bool;
    /// The number of hops that a packet may make, `IP_TTL`.
    fn set_ttl(ttl: u32) -> ();
    /// The number of hops that a packet may make.
    fn ttl() -> u32;
    /// The error that is waiting, once: `SO_ERROR`.
    fn take_error() -> Option<io::Error>;
    /// Reads, and leaves the bytes there.
    fn peek(buf: &mut [u8]) -> usize;
}

handle! {
    /// A TCP socket that accepts connections.
    TcpListener(net::TcpListener)
}
standard!(TcpListener(net::TcpListener));

impl TcpListener {
    /// Listens on `address`, with `SO_REUSEADDR` and the backlog that std takes.
    pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
        let listener = net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(TcpListener::from_std(listener))
    }

    /// The next connection, non-blocking, and who is at its other end.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (socket, address) = sys::accept(self.as_raw_fd())?;
        Ok((socket.into(), address.try_into()?))
    }
}

forward! { TcpListener:
    /// Where it listens.
    fn local_addr() -> SocketAddr;
    /// The number of hops that a packet may make, `IP_TTL`.
    fn set_ttl(ttl: u32) -> ();
    /// The number of hops that a packet may make.
    fn ttl() -> u32;
    /// The error that is waiting, once.
    fn take_error() -> Option<io::Error>;
}
// ANCHOR_END: tcp_rest

//! TCP: tcp(7).

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{self, Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use crate::handle::{forward, handle, impl_read, impl_write, standard, try_io};
use crate::source::IoSource;
use crate::{Interest, Registry, Token, event, sys};

// ANCHOR: stream
handle! {
    /// A non-blocking TCP connection.
    TcpStream(net::TcpStream)
}
standard!(TcpStream(net::TcpStream));
impl_read!(TcpStream, &TcpStream);
impl_write!(TcpStream, &TcpStream);
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
    /// The address of the other end; an error as long as there is no connection.
    fn peer_addr() -> SocketAddr;
    /// The address of this end.
    fn local_addr() -> SocketAddr;
    /// Closes one direction or both, for all duplicates of the descriptor: shutdown(2).
    fn shutdown(how: Shutdown) -> ();
    /// Says whether small segments go out at once: `TCP_NODELAY`, tcp(7).
    fn set_nodelay(nodelay: bool) -> ();
    /// Whether small segments go out at once: `TCP_NODELAY`, tcp(7).
    fn nodelay() -> bool;
    /// Sets the number of hops that a packet may make: `IP_TTL`, ip(7).
    fn set_ttl(ttl: u32) -> ();
    /// The number of hops that a packet may make: `IP_TTL`, ip(7).
    fn ttl() -> u32;
    /// Fetches the pending error, `SO_ERROR`, and clears it: a second call returns `None`.
    fn take_error() -> Option<io::Error>;
    /// Reads bytes and leaves them in the socket: the next read returns them again.
    fn peek(buf: &mut [u8]) -> usize;
}

handle! {
    /// A non-blocking TCP socket that listens for connections.
    TcpListener(net::TcpListener)
}
standard!(TcpListener(net::TcpListener));

impl TcpListener {
    /// Listens on `address`, with `SO_REUSEADDR` and the backlog that std takes. For port 0 the
    /// kernel chooses a free one.
    pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
        let listener = net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(TcpListener::from_std(listener))
    }

    /// Takes a connection that waits, as a non-blocking stream, and the address of its other end.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when none waits. Accept until then: one event
    /// stands for all that have come. Other errors, those of accept(2), leave the rest waiting
    /// without an event: accept again when the reason is gone.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (socket, address) = sys::accept(self.as_raw_fd())?;
        Ok((socket.into(), address.try_into()?))
    }
}

forward! { TcpListener:
    /// The address on which it listens.
    fn local_addr() -> SocketAddr;
    /// Sets the number of hops that a packet may make: `IP_TTL`, ip(7).
    fn set_ttl(ttl: u32) -> ();
    /// The number of hops that a packet may make: `IP_TTL`, ip(7).
    fn ttl() -> u32;
    /// Fetches the pending error of the socket and clears it: a second call returns `None`.
    fn take_error() -> Option<io::Error>;
}
// ANCHOR_END: tcp_rest

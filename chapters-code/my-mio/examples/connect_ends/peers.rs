//! Those whom a connect may meet, and sockets that have not connected yet.

use std::io;
use std::net::{self, SocketAddr, SocketAddrV4};
use std::os::fd::{AsRawFd, FromRawFd};

use my_mio::net::{TcpListener, TcpStream};
use my_mio::{Events, Interest, Poll, Token};

/// Some free port of this machine.
pub fn any() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// An address at which nobody listens while the rest lives: two ends of a connection whose listener is
/// closed. A port that is merely free could be the one that the connecting socket gets.
pub fn refusing() -> io::Result<(SocketAddr, impl Sized)> {
    let listener = net::TcpListener::bind(any())?;
    let address = listener.local_addr()?;
    Ok((address, (net::TcpStream::connect(address)?, listener.accept()?)))
}

/// A listener with room for one connection, which has one. It ignores who knocks now.
pub fn full() -> io::Result<(TcpListener, impl Sized)> {
    let mut listener = TcpListener::bind(any())?;
    shrink(&listener)?;
    let first = net::TcpStream::connect(listener.local_addr()?)?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, Token(0), Interest::READABLE)?;
    poll.poll(&mut Events::with_capacity(1), None)?;
    poll.registry().deregister(&mut listener)?;
    Ok((listener, first))
}

/// Leaves a listener room for one connection, TCP or Unix: a queue is full when it has more than its
/// backlog.
pub fn shrink(listener: &impl AsRawFd) -> io::Result<()> {
    // SAFETY: listen takes no pointer.
    check(unsafe { libc::listen(listener.as_raw_fd(), 0) })
}

/// A socket for IPv4 that is not connecting.
pub fn idle() -> io::Result<TcpStream> {
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: socket takes no pointer.
    let socket = unsafe { libc::socket(libc::AF_INET, kind, 0) };
    check(socket)?;
    // SAFETY: the call has just returned it, so it is open and nobody else owns it.
    Ok(unsafe { TcpStream::from_raw_fd(socket) })
}

/// Asks for a connect that waits for the first write, so that its bytes go with the SYN: tcp(7). No
/// cookie is needed, which spares the listener all settings.
pub fn fast_open(socket: &TcpStream) -> io::Result<()> {
    const TCP_FASTOPEN_NO_COOKIE: i32 = 34;
    for option in [libc::TCP_FASTOPEN_CONNECT, TCP_FASTOPEN_NO_COOKIE] {
        let (fd, on, len) = (socket.as_raw_fd(), 1_i32, size_of::<i32>() as libc::socklen_t);
        let on = (&raw const on).cast();
        // SAFETY: the value is an int, which lives through the call, and `len` its size.
        check(unsafe { libc::setsockopt(fd, libc::IPPROTO_TCP, option, on, len) })?;
    }
    Ok(())
}

/// Begins to connect an idle socket; what connect(2) says.
pub fn begin(socket: &TcpStream, address: SocketAddrV4) -> io::Result<()> {
    let address = libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: address.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.ip().octets()) },
        sin_zero: [0; 8],
    };
    let len = size_of_val(&address) as libc::socklen_t;
    // SAFETY: `address` is as long as `len` says, and lives through the call.
    check(unsafe { libc::connect(socket.as_raw_fd(), (&raw const address).cast(), len) })
}

fn check(result: i32) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

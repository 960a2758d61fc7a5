//! Non-blocking sockets. Each is a socket of std that was made or accepted non-blocking, so no call
//! on it waits: what cannot be done now fails with [`WouldBlock`](std::io::ErrorKind::WouldBlock).
//! Each is a [`Source`](crate::event::Source), to be registered with a [`Poll`](crate::Poll).
//! Dropping one closes its descriptor; deregister it before.
//!
//! The sockets named *Unix* are those of unix(7), which have a path or a name on this machine.

mod tcp;
mod udp;
mod unix;

pub use tcp::{TcpListener, TcpStream};
pub use udp::UdpSocket;
pub use unix::{UnixDatagram, UnixListener, UnixStream};

//! What only Unix has: any descriptor as a source of events, and [pipes](pipe).

use std::io;
use std::os::fd::RawFd;

use crate::event::Source;
use crate::{Interest, Registry, Token};

pub mod pipe;

// ANCHOR: source_fd
/// Any descriptor that epoll accepts, by its number, as a source: a timerfd(2), a socket of another
/// crate. It lends the number for one call and keeps no record, so the kernel alone says whether it
/// is registered: registering twice is `EEXIST`, and deregistering what is not registered `ENOENT`.
///
/// The owner of the descriptor makes it non-blocking, and deregisters before it closes it.
///
/// ```
/// use std::{net::UdpSocket, os::fd::AsRawFd};
/// use my_mio::{Interest, Poll, Token, unix::SourceFd};
///
/// let poll = Poll::new()?;
/// let socket = UdpSocket::bind("127.0.0.1:0")?;
/// socket.set_nonblocking(true)?;
/// poll.registry().register(&mut SourceFd(&socket.as_raw_fd()), Token(1), Interest::READABLE)?;
/// poll.registry().deregister(&mut SourceFd(&socket.as_raw_fd()))?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct SourceFd<'a>(pub &'a RawFd);

impl Source for SourceFd<'_> {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        registry.add(*self.0, token, interests)
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        registry.modify(*self.0, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        registry.delete(*self.0)
    }
}
// ANCHOR_END: source_fd

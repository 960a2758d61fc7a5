//! epoll(7), Linux.

use std::io;
use std::net::TcpStream;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::Readiness;
use crate::{check, uninterrupted};

/// An epoll instance.
#[derive(Debug)]
pub struct Epoll(OwnedFd);

impl Readiness for Epoll {
    fn new() -> io::Result<Epoll> {
        // SAFETY: epoll_create1 takes no pointer.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the call has just returned `fd`, so it is open and nobody else owns it.
        Ok(Epoll(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    // ANCHOR: queue
    fn watch(&mut self, token: usize, socket: &TcpStream) -> io::Result<()> {
        let (epoll, socket) = (self.0.as_raw_fd(), socket.as_raw_fd());
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: token as u64 };
        // SAFETY: both descriptors are open, and the kernel only reads `event`, during the call.
        check(unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, socket, &mut event) })?;
        Ok(())
    }

    fn wait(&mut self) -> io::Result<usize> {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        uninterrupted(|| {
            // SAFETY: the kernel writes at most one event, to `event`, during the call.
            check(unsafe { libc::epoll_wait(self.0.as_raw_fd(), &mut event, 1, -1) })
        })?;
        Ok(event.u64 as usize)
    }
    // ANCHOR_END: queue
}

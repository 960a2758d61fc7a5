//! kqueue(2), macOS and FreeBSD.

use std::io;
use std::net::TcpStream;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::{null, null_mut, without_provenance_mut};

use super::Readiness;
use crate::{check, uninterrupted};

/// A kernel event queue.
#[derive(Debug)]
pub struct Kqueue(OwnedFd);

impl Readiness for Kqueue {
    fn new() -> io::Result<Kqueue> {
        // SAFETY: kqueue takes nothing.
        let fd = check(unsafe { libc::kqueue() })?;
        // SAFETY: the call has just returned `fd`, so it is open and nobody else owns it.
        Ok(Kqueue(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    // ANCHOR: queue
    fn watch(&mut self, token: usize, socket: &TcpStream) -> io::Result<()> {
        let mut change = no_event();
        change.ident = socket.as_raw_fd() as libc::uintptr_t;
        change.filter = libc::EVFILT_READ;
        change.flags = libc::EV_ADD;
        change.udata = without_provenance_mut(token);
        let kqueue = self.0.as_raw_fd();
        // SAFETY: the kernel reads one change, during the call, and has room for no event.
        check(unsafe { libc::kevent(kqueue, &change, 1, null_mut(), 0, null()) })?;
        Ok(())
    }

    fn wait(&mut self) -> io::Result<usize> {
        let mut event = no_event();
        uninterrupted(|| {
            let kqueue = self.0.as_raw_fd();
            // SAFETY: the kernel reads no change, and writes at most one event, during the call.
            check(unsafe { libc::kevent(kqueue, null(), 0, &mut event, 1, null()) })
        })?;
        Ok(event.udata.addr())
    }
    // ANCHOR_END: queue
}

fn no_event() -> libc::kevent {
    // SAFETY: it consists of integers and a pointer, and to each of them zeros are a value.
    unsafe { std::mem::zeroed() }
}

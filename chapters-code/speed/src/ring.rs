//! An end that gives its calls to the kernel through a ring: io_uring(7).

use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::os::fd::AsRawFd;

use io_uring::squeue::{Entry, Flags};
use io_uring::{IoUring, opcode, types::Fd};

use crate::end::{End, SIZE, the_only};

/// An end with one connection that sends and receives in one system call.
pub struct Ring {
    ring: IoUring,
    stream: TcpStream,
    /// It lives for ever: a receive that is still in flight when its ring is dropped writes into
    /// nothing else.
    buffer: *mut [u8; SIZE],
    /// Whether a request is in the buffer that has not been answered.
    owes: bool,
}

impl Ring {
    /// Why the kernel has no ring for this process, if so.
    pub fn refused() -> Option<String> {
        let error = ring().err()?;
        Some(format!("the kernel refuses io_uring: {error}"))
    }

    fn receive(&self) -> Entry {
        opcode::Recv::new(Fd(self.stream.as_raw_fd()), self.buffer.cast(), SIZE as u32).build()
    }

    fn send(&self) -> Entry {
        opcode::Send::new(Fd(self.stream.as_raw_fd()), self.buffer.cast(), SIZE as u32).build()
    }

    // ANCHOR: ring
    /// Sends, then receives: one system call, which sleeps until both are done. How many bytes came.
    fn send_and_receive(&mut self) -> io::Result<usize> {
        // A linked entry starts when the one before it has been done in full.
        self.finish(&[self.send().flags(Flags::IO_LINK), self.receive()])
    }

    /// Has the entries done, and returns the result of the last.
    fn finish(&mut self, entries: &[Entry]) -> io::Result<usize> {
        // SAFETY: the entries point to the stream, which is open, and to the buffer, which lives for
        // ever, has SIZE bytes, and is not looked at while they are in flight.
        unsafe { self.ring.submission().push_multiple(entries) }.map_err(io::Error::other)?;
        let (mut last, mut left) = (0, entries.len());
        while left > 0 {
            match self.ring.submit_and_wait(left) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for done in self.ring.completion() {
                (last, left) = (done.result(), left - 1);
            }
        }
        if last < 0 { Err(io::Error::from_raw_os_error(-last)) } else { Ok(last as usize) }
    }
    // ANCHOR_END: ring
}

impl End for Ring {
    fn new(streams: Vec<TcpStream>) -> io::Result<Self> {
        let stream = the_only(streams)?;
        // The ring waits, so the socket may: a send or a receive that finds nothing is kept.
        stream.set_nonblocking(false)?;
        let buffer = Box::leak(Box::new([b'x'; SIZE]));
        Ok(Ring { ring: ring()?, stream, buffer, owes: false })
    }

    fn answer(&mut self) -> io::Result<bool> {
        let received =
            if self.owes { self.send_and_receive()? } else { self.finish(&[self.receive()])? };
        self.owes = true;
        Ok(received > 0)
    }

    fn ask(&mut self, requests: usize) -> io::Result<()> {
        for _ in 0..requests {
            if self.send_and_receive()? != SIZE {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}

/// A ring for one thread, which does what is left to do of its own accord when it waits.
fn ring() -> io::Result<IoUring> {
    IoUring::builder().setup_single_issuer().setup_defer_taskrun().build(2)
}

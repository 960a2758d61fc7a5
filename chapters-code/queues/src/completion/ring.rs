//! io_uring(7), Linux.

use std::io;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::ptr::NonNull;

use io_uring::{IoUring, opcode::AsyncCancel, opcode::Recv, squeue, types::Fd};

use super::Completion;
use crate::uninterrupted;

/// What marks the completion of a cancellation, which nobody waits for.
const CANCELLATION: u64 = u64::MAX;

/// A submission queue and a completion queue, in memory that the kernel shares.
pub struct Ring(IoUring);

// SAFETY: `next` returns a token when the ring has the completion of its read. `IORING_OP_RECV` without
// `IORING_RECV_MULTISHOT` has one completion (no `IORING_CQE_F_MORE`), and the kernel is done with the
// buffer then.
unsafe impl Completion for Ring {
    fn new(sockets: &[TcpStream]) -> io::Result<Ring> {
        // Between two submissions a cancellation and a read of each token may be queued, and then
        // one more cancellation, which submits.
        Ok(Ring(IoUring::new(2 * sockets.len() as u32 + 1)?))
    }

    // ANCHOR: queue
    unsafe fn begin(
        &mut self,
        token: usize,
        from: &TcpStream,
        into: NonNull<[u8]>,
    ) -> io::Result<()> {
        let (fd, len) = (Fd(from.as_raw_fd()), into.len() as u32);
        let read = Recv::new(fd, into.cast().as_ptr(), len).build();
        // SAFETY: the caller sees to socket and buffer.
        unsafe { self.push(&read.user_data(token as u64)) }
    }

    fn next(&mut self) -> io::Result<(usize, io::Result<usize>)> {
        loop {
            while let Some(done) = self.0.completion().next() {
                if done.user_data() != CANCELLATION {
                    return Ok((done.user_data() as usize, bytes(done.result())));
                }
            }
            uninterrupted(|| self.0.submit_and_wait(1))?;
        }
    }
    // ANCHOR_END: queue

    fn cancel(&mut self, token: usize, _: &TcpStream) -> io::Result<()> {
        let cancel = AsyncCancel::new(token as u64).build();
        // SAFETY: it points to nothing.
        unsafe { self.push(&cancel.user_data(CANCELLATION)) }
    }
}

impl Ring {
    /// Queues an entry. The kernel sees it with the next submission.
    ///
    /// # Safety
    ///
    /// What the entry names and points to stays until its completion.
    unsafe fn push(&mut self, entry: &squeue::Entry) -> io::Result<()> {
        // SAFETY: the caller's promise.
        let pushed = unsafe { self.0.submission().push(entry) };
        pushed.map_err(|_| io::Error::other("the submission queue is full"))
    }
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ring").finish_non_exhaustive()
    }
}

/// The result of a completion: a number of bytes, or an error number below zero.
fn bytes(result: i32) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::from_raw_os_error(-result))
}

//! What a connection costs that is registered and idle.

use std::any::Any;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsRawFd;

use lab::measure::Memory;

use crate::allocated;
use crate::queue::Queue;

/// Descriptors on which nothing happens, to be registered with many queues.
pub struct Idle {
    /// Duplicates of one pipe: to epoll each number is something of its own.
    pipes: Vec<PipeReader>,
    _writer: PipeWriter,
}

impl Idle {
    /// So many descriptors.
    pub fn new(count: usize) -> io::Result<Idle> {
        let (pipe, _writer) = io::pipe()?;
        let pipes = (0..count).map(|_| pipe.try_clone()).collect::<io::Result<_>>()?;
        Ok(Idle { pipes, _writer })
    }
}

/// The bytes of one registration.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    /// What the program keeps: the type that stands for a connection.
    pub handle: u64,
    /// What the crate has allocated for it, rounded up; 0 where [`Counted`](crate::Counted) is not in use.
    pub heap: u64,
    /// What the kernel has allocated for it: the growth of `KernelStack` and `SUnreclaim`, which the
    /// whole machine shares. Only the median of many tells something.
    pub kernel: u64,
}

/// What keeps registrations alive. The kernel gives memory that has become free to the next who asks,
/// without a growth that could be seen.
pub type Kept = Box<dyn Any>;

/// Makes `count` registrations and tells what one of them costs.
pub fn registration<Q: Queue + 'static>(
    idle: &Idle,
    count: usize,
) -> io::Result<(Registration, Kept)> {
    let each = idle.pipes.len();
    let mut queues =
        (0..count.div_ceil(each)).map(|_| Q::new(1)).collect::<io::Result<Vec<_>>>()?;
    let (heap, kernel) = (allocated(), Memory::now()?);
    for (at, pipe) in idle.pipes.iter().cycle().take(count).enumerate() {
        queues[at / each].watch_fd(pipe.as_raw_fd(), at)?;
    }
    let one = Registration {
        handle: size_of::<Q::Stream>() as u64,
        heap: allocated().saturating_sub(heap).div_ceil(count as u64),
        kernel: Memory::now()?.each_since(&kernel, count).kernel,
    };
    Ok((one, Box::new(queues)))
}

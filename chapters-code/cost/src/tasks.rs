use std::hint;
use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::task;

use crate::{Crowd, KEPT};

// ANCHOR: task
/// What every task of the crowd does.
pub async fn wait_as_task(arrived: Arc<AtomicUsize>, word: Arc<Notify>) {
    let kept = [1_u8; KEPT];
    arrived.fetch_add(1, Ordering::Release);
    word.notified().await;
    hint::black_box(&kept);
}
// ANCHOR_END: task

// ANCHOR: with_buffer
/// Reads into a buffer, waits, and uses the first byte.
pub async fn with_buffer(word: &Notify, read: impl FnOnce(&mut [u8])) -> u8 {
    let mut buffer = [0; 16 << 10];
    read(&mut buffer);
    word.notified().await;
    buffer[0]
}
// ANCHOR_END: with_buffer

// ANCHOR: scoped
/// Reads into a buffer of 16 KiB, takes the first byte, waits, and uses that: one call of `read`,
/// one wait for the word after it, and no buffer while it waits, neither in the future nor on the
/// heap.
pub async fn scoped(word: &Notify, read: impl FnOnce(&mut [u8])) -> u8 {
    // FORK cost: read before you wait, and keep of the buffer only the byte that you return
    // HINT: Which variables does a future have room for? The sentence before the first `async fn` with a
    //   buffer in the note.
    // HINT: The buffer was borrowed by the read. Up to where does the compiler take such a variable to be
    //   alive: to its last use, to a `drop`, or to the end of its scope?
    // HINT: A block whose value is the first byte, and in it the buffer and the read. The await stands
    //   after the block.
    let first = {
        let mut buffer = [0; 16 << 10];
        read(&mut buffer);
        buffer[0]
    };
    word.notified().await;
    first
}
// ANCHOR_END: scoped

/// Stands for a read from a socket.
pub fn read(buffer: &mut [u8]) {
    hint::black_box(buffer).fill(1);
}

/// A task that waits for a socket instead of a word.
pub async fn wait_for_byte(arrived: Arc<AtomicUsize>, socket: UnixStream) {
    let kept = [1_u8; KEPT];
    arrived.fetch_add(1, Ordering::Release);
    let _ = socket.ready(Interest::READABLE).await;
    hint::black_box(&kept);
}

/// Tasks that wait, on a runtime of one thread, which is the caller's.
pub struct Tasks {
    runtime: Runtime,
    arrived: Arc<AtomicUsize>,
    word: Arc<Notify>,
    there: usize,
}

impl Tasks {
    /// None yet.
    pub fn new() -> io::Result<Tasks> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let (arrived, word) = Default::default();
        Ok(Tasks { runtime, arrived, word, there: 0 })
    }

    /// Spawns what `task` makes, `count` times, and returns when all have arrived.
    pub fn spawn<F>(
        &mut self,
        count: usize,
        mut task: impl FnMut(Arc<AtomicUsize>) -> F,
    ) -> Duration
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let start = Instant::now();
        self.there += count;
        self.runtime.block_on(async {
            for _ in 0..count {
                task::spawn(task(self.arrived.clone()));
            }
            while self.arrived.load(Ordering::Acquire) < self.there {
                task::yield_now().await;
            }
        });
        start.elapsed()
    }
}

impl Crowd for Tasks {
    fn name(&self) -> &'static str {
        "task"
    }

    fn pid(&self) -> u32 {
        process::id()
    }

    fn add(&mut self, count: usize) -> io::Result<Duration> {
        let word = self.word.clone();
        Ok(self.spawn(count, |arrived| wait_as_task(arrived, word.clone())))
    }

    fn pass(&mut self, round_trips: u32) -> io::Result<Duration> {
        let [ping, pong] = [Arc::new(Notify::new()), Arc::new(Notify::new())];
        let start = Instant::now();
        ping.notify_one();
        self.runtime.block_on(async {
            let other = task::spawn(pass(ping.clone(), pong.clone(), round_trips));
            let one = task::spawn(pass(pong, ping, round_trips));
            one.await?;
            other.await
        })?;
        Ok(start.elapsed() / (2 * round_trips))
    }

    fn pass_byte(&mut self, round_trips: u32) -> io::Result<Duration> {
        self.runtime.block_on(async {
            let (mut one, other) = UnixStream::pair()?;
            let start = Instant::now();
            one.write_all(&[1]).await?;
            let other = task::spawn(pass_byte(other, round_trips));
            let _one = task::spawn(pass_byte(one, round_trips)).await??;
            other.await??;
            Ok(start.elapsed() / (2 * round_trips))
        })
    }
}

/// Takes the token and gives it to the other.
async fn pass(mine: Arc<Notify>, other: Arc<Notify>, round_trips: u32) {
    for _ in 0..round_trips {
        mine.notified().await;
        other.notify_one();
    }
}

/// Takes the byte and gives it back. Returns the socket still open, since nobody takes the last byte
/// and its sender would otherwise be told of a broken pipe.
async fn pass_byte(mut socket: UnixStream, round_trips: u32) -> io::Result<UnixStream> {
    let mut buffer = [0; 64];
    for _ in 0..round_trips {
        let n = socket.read(&mut buffer).await?;
        socket.write_all(&buffer[..n]).await?;
    }
    Ok(socket)
}

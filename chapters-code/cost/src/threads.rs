use std::hint;
use std::io::{self, Read, Write};
use std::mem::{self, size_of};
use std::os::unix::net::UnixStream;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use crate::{Crowd, KEPT};

/// A word that is given once for each time it is taken: what `tokio::sync::Notify` is for tasks.
#[derive(Default)]
pub struct Word {
    given: Mutex<bool>,
    changed: Condvar,
}

impl Word {
    /// Gives the word to whoever waits for it.
    pub fn give(&self) {
        *self.given.lock().expect("nobody panics with the lock") = true;
        self.changed.notify_one();
    }

    /// Waits for the word.
    pub fn take(&self) {
        let mut given = self.given.lock().expect("nobody panics with the lock");
        while !mem::take(&mut *given) {
            given = self.changed.wait(given).expect("nobody panics with the lock");
        }
    }
}

// ANCHOR: thread
/// What every thread of the crowd does.
pub fn wait_as_thread(arrived: &AtomicUsize, word: &Word) {
    let kept = [1_u8; KEPT];
    arrived.fetch_add(1, Ordering::Release);
    word.take();
    hint::black_box(&kept);
}
// ANCHOR_END: thread

/// How much of its stack [`go_deep`] touches, in bytes.
pub const DEEP: usize = 256 << 10;

/// Uses a lot of stack and returns: one request that went deep, a while ago.
#[inline(never)]
pub fn go_deep() {
    hint::black_box(&mut [1_u8; DEEP]);
}

/// Threads that wait.
pub struct Threads {
    /// The size of their stacks in bytes; 2 MiB is what std takes when nothing is said.
    pub stack: usize,
    /// What each does before it waits.
    pub first: fn(),
    arrived: Arc<AtomicUsize>,
    word: Arc<Word>,
    there: usize,
}

// ANCHOR: threads
impl Threads {
    /// None yet: stacks of 2 MiB, and nothing to do before they wait.
    pub fn new() -> Threads {
        let (arrived, word) = Default::default();
        Threads { stack: 2 << 20, first: || {}, arrived, word, there: 0 }
    }

    /// Starts one more.
    fn start(&mut self) -> io::Result<()> {
        let (first, arrived, word) = (self.first, self.arrived.clone(), self.word.clone());
        Builder::new().stack_size(self.stack).spawn(move || {
            first();
            wait_as_thread(&arrived, &word);
        })?;
        self.there += 1;
        Ok(())
    }
}
// ANCHOR_END: threads

impl Default for Threads {
    fn default() -> Threads {
        Threads::new()
    }
}

impl Crowd for Threads {
    fn name(&self) -> &'static str {
        "thread"
    }

    fn pid(&self) -> u32 {
        process::id()
    }

    fn add(&mut self, count: usize) -> io::Result<Duration> {
        let start = Instant::now();
        for _ in 0..count {
            self.start()?;
        }
        while self.arrived.load(Ordering::Acquire) < self.there {
            thread::yield_now();
        }
        Ok(start.elapsed())
    }

    /// Both on one core, as the tasks and the goroutines are.
    fn pass(&mut self, round_trips: u32) -> io::Result<Duration> {
        let [ping, pong] = [Word::default(), Word::default()];
        let there_and_back = |mine: &Word, other: &Word| {
            on_one_core();
            for _ in 0..round_trips {
                mine.take();
                other.give();
            }
        };
        let start = Instant::now();
        ping.give();
        thread::scope(|scope| {
            scope.spawn(|| there_and_back(&ping, &pong));
            scope.spawn(|| there_and_back(&pong, &ping));
        });
        Ok(start.elapsed() / (2 * round_trips))
    }

    /// Both on one core too.
    fn pass_byte(&mut self, round_trips: u32) -> io::Result<Duration> {
        // Both ends stay open until both threads have ended, since nobody takes the last byte.
        let (one, other) = UnixStream::pair()?;
        let start = Instant::now();
        (&one).write_all(&[1])?;
        thread::scope(|scope| {
            let ends = [&one, &other].map(|end| scope.spawn(|| pass_byte(end, round_trips)));
            ends.into_iter().try_for_each(|end| end.join().expect("it returns its errors"))
        })?;
        Ok(start.elapsed() / (2 * round_trips))
    }
}

/// Takes the byte and gives it back.
fn pass_byte(mut socket: &UnixStream, round_trips: u32) -> io::Result<()> {
    on_one_core();
    let mut buffer = [0; 64];
    for _ in 0..round_trips {
        let n = socket.read(&mut buffer)?;
        socket.write_all(&buffer[..n])?;
    }
    Ok(())
}

/// Keeps the calling thread on the first core that it may use: sched_setaffinity(2).
fn on_one_core() {
    let size = size_of::<libc::cpu_set_t>();
    // SAFETY: a `cpu_set_t` is an array of integers, and all zeros is one of its values.
    let [mut allowed, mut one]: [libc::cpu_set_t; 2] = unsafe { mem::zeroed() };
    // SAFETY: the kernel writes at most `size` bytes, and `allowed` has that many.
    unsafe { libc::sched_getaffinity(0, size, &mut allowed) };
    // SAFETY: CPU_ISSET reads one bit of the set, which has eight for each byte of its size.
    let first = (0..8 * size).find(|&core| unsafe { libc::CPU_ISSET(core, &allowed) });
    // SAFETY: CPU_SET writes one bit of the set, a bit that a set of the same size has.
    unsafe { libc::CPU_SET(first.unwrap_or(0), &mut one) };
    // SAFETY: the kernel reads `size` bytes, and `one` has that many.
    unsafe { libc::sched_setaffinity(0, size, &one) };
}

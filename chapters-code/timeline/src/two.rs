//! Two tasks, and what they take: of the time on the wall, and of the processors.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use lab::timeline::{Parallel, process_cpu_time};
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;
use tokio::{join, spawn};

use crate::compute_for;

/// How long a task waits, or computes.
pub const SPAN: Duration = Duration::from_millis(100);

// ANCHOR: two
/// Waits 100 ms.
pub async fn wait() {
    sleep(SPAN).await;
}

/// Computes for 100 ms.
pub async fn compute() {
    compute_for(SPAN);
}
// ANCHOR_END: two

/// A way to have two tasks done.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// What the two do.
    pub tasks: &'static str,
    /// Who does it.
    pub how: &'static str,
    run: fn(&Runtime),
    threads: usize,
}

/// The five. A runtime runs a task to its end with `block_on`.
pub const WAYS: [Way; 5] = [
    Way { tasks: "wait", how: "one by one", threads: 1, run: |r| r.block_on(one_by_one(wait)) },
    Way { tasks: "wait", how: "join!", threads: 1, run: |r| r.block_on(joined(wait)) },
    Way {
        tasks: "compute",
        how: "one by one",
        threads: 1,
        run: |r| r.block_on(one_by_one(compute)),
    },
    Way { tasks: "compute", how: "join!", threads: 1, run: |r| r.block_on(joined(compute)) },
    Way { tasks: "compute", how: "spawn", threads: 2, run: |r| r.block_on(spawned(compute)) },
];

async fn one_by_one<F: Future>(task: fn() -> F) {
    task().await;
    task().await;
}

// ANCHOR: joined
async fn joined<F: Future>(task: fn() -> F) {
    join!(task(), task());
}

async fn spawned<F: Future<Output = ()> + Send + 'static>(task: fn() -> F) {
    let (one, other) = (spawn(task()), spawn(task()));
    one.await.expect("a task does not panic");
    other.await.expect("a task does not panic");
}
// ANCHOR_END: joined

impl Way {
    /// The way with these two words.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn named(tasks: &str, how: &str) -> Way {
        let way = WAYS.into_iter().find(|way| (way.tasks, way.how) == (tasks, how));
        way.unwrap_or_else(|| panic!("no two tasks {tasks} {how}"))
    }

    /// Goes this way once. The processor time is that of the whole process: for these two tasks
    /// alone where nothing else runs in it.
    pub fn took(&self) -> io::Result<Parallel> {
        let runtime = runtime(self.threads)?;
        let (start, cpu) = (Instant::now(), process_cpu_time());
        (self.run)(&runtime);
        Ok(Parallel { wall: start.elapsed(), cpu: process_cpu_time() - cpu })
    }
}

/// A tokio that runs tasks on one thread, the caller's, or on that many of its own.
pub fn runtime(threads: usize) -> io::Result<Runtime> {
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    builder.worker_threads(threads).enable_time().build()
}

/// What a guess is about.
#[derive(Debug, Clone, Copy)]
pub struct Guess {
    /// The code, in a line.
    pub code: &'static str,
    run: fn(&Runtime),
}

/// Four that can be guessed, all on one thread.
pub const GUESSES: [Guess; 4] = [
    Guess {
        code: "join!(wait_for(100), wait_for(200), wait_for(300))",
        run: |runtime| {
            runtime.block_on(async { _ = join!(wait_for(100), wait_for(200), wait_for(300)) })
        },
    },
    Guess {
        code: "let (a, b) = (wait(), wait()); a.await; b.await",
        run: |runtime| {
            runtime.block_on(async {
                let (a, b) = (wait(), wait());
                a.await;
                b.await
            })
        },
    },
    Guess {
        code: "let (a, b) = (spawn(wait()), spawn(wait())); a.await; b.await",
        run: |runtime| runtime.block_on(spawned(wait)),
    },
    Guess {
        code: "join!(sleep_in_std(), sleep_in_std())",
        run: |runtime| runtime.block_on(joined(sleep_in_std)),
    },
];

impl Guess {
    /// How long it takes.
    pub fn took(&self) -> io::Result<Duration> {
        let runtime = runtime(1)?;
        let start = Instant::now();
        (self.run)(&runtime);
        Ok(start.elapsed())
    }
}

async fn wait_for(ms: u64) {
    sleep(Duration::from_millis(ms)).await;
}

/// Stops the thread for 100 ms, with all its tasks.
async fn sleep_in_std() {
    thread::sleep(SPAN);
}

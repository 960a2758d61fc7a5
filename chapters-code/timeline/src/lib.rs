//! Concurrency is not parallelism: what two tasks that [wait](two::wait) and two that
//! [compute](two::compute) gain from either ([`two`]); and four programs, one for each combination,
//! with a fifth that looks parallel and is not.
//!
//! Concurrent: a worker starts one task before finishing another. Parallel: two workers run at one
//! instant. A worker is a thread here. The [`task`] is the same in the five programs, and only who
//! works on it changes; each returns the [`Timeline`] of what happened.
//!
//! |                | not parallel            | parallel         |
//! |----------------|-------------------------|------------------|
//! | not concurrent | [`one_after_the_other`] | [`side_by_side`] |
//! | concurrent     | [`taking_turns`]        | [`both`]         |
//!
//! [`on_one_core`] is the fifth: two threads whose tasks overlap in wall-clock time, on one core.
//! Keeping a thread on a core takes sched_setaffinity(2), so this crate is for Linux.

mod affinity;
pub mod two;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::hint;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use lab::timeline::{Timeline, cpu_time};

pub use affinity::{allowed_cores, stay_on_core};

// ANCHOR: task
/// How many steps a task has.
pub const STEPS: usize = 6;

/// The task that every worker is given: its steps, and an await between each two.
pub async fn task() {
    step();
    for _ in 1..STEPS {
        next_turn().await;
        step();
    }
}

fn step() {
    compute_for(Duration::from_micros(500));
}
// ANCHOR_END: task

// ANCHOR: compute_for
/// Computes until this thread has used that much processor time. That clock stands still while the
/// kernel runs another thread on the core: it is an amount of work, and no delay.
pub fn compute_for(time: Duration) {
    let start = cpu_time();
    while cpu_time() - start < time {
        for n in 0..1_000 {
            hint::black_box(n);
        }
    }
}
// ANCHOR_END: compute_for

// ANCHOR: one_after_the_other
/// One thread, which finishes A before it starts B.
pub fn one_after_the_other() -> Timeline {
    let timeline = Timeline::new();
    take_turns([timeline.traced("A", task())]);
    take_turns([timeline.traced("B", task())]);
    timeline
}
// ANCHOR_END: one_after_the_other

// ANCHOR: taking_turns
/// One thread, which starts B before it finishes A.
pub fn taking_turns() -> Timeline {
    let timeline = Timeline::new();
    take_turns([timeline.traced("A", task()), timeline.traced("B", task())]);
    timeline
}
// ANCHOR_END: taking_turns

// ANCHOR: side_by_side
/// Two threads, each on a core of its own with a task of its own.
pub fn side_by_side() -> Timeline {
    let timeline = Timeline::new();
    let traced = |name| timeline.traced(name, task());
    thread::scope(|scope| {
        scope.spawn(|| worker(0, [traced("A")]));
        scope.spawn(|| worker(1, [traced("B")]));
    });
    timeline
}
// ANCHOR_END: side_by_side

// ANCHOR: both
/// Two threads, each on a core of its own, and each takes turns between two tasks.
pub fn both() -> Timeline {
    let timeline = Timeline::new();
    let traced = |name| timeline.traced(name, task());
    thread::scope(|scope| {
        scope.spawn(|| worker(0, [traced("A"), traced("B")]));
        scope.spawn(|| worker(1, [traced("C"), traced("D")]));
    });
    timeline
}
// ANCHOR_END: both

// ANCHOR: on_one_core
/// Two threads, each with a task of its own, on one core. So that the tasks overlap in every run,
/// neither gets past its start before both have started; the thread that is first keeps the core
/// busy meanwhile, until the kernel takes it away and gives it to the other.
pub fn on_one_core() -> OneCore {
    let timeline = Timeline::new();
    let started = AtomicUsize::new(0);
    let meet = async || {
        started.fetch_add(1, Ordering::Relaxed);
        while started.load(Ordering::Relaxed) < 2 {
            hint::spin_loop();
        }
        task().await;
    };
    let allowed = thread::scope(|scope| {
        let a = scope.spawn(|| worker(0, [timeline.traced("A", meet())]));
        let b = scope.spawn(|| worker(0, [timeline.traced("B", meet())]));
        [a, b].map(|thread| thread.join().expect("a task does not panic"))
    });
    OneCore { timeline, allowed }
}
// ANCHOR_END: on_one_core

/// What [`on_one_core`] did.
#[derive(Debug)]
pub struct OneCore {
    /// What ran when.
    pub timeline: Timeline,
    /// The cores on which the kernel might run each thread, as it said when the tasks were finished.
    pub allowed: [Vec<usize>; 2],
}

// ANCHOR: executor
/// Stays on one core and runs the tasks there, in turns. The cores that were allowed meanwhile.
fn worker(core: usize, tasks: impl IntoIterator<Item = impl Future>) -> Vec<usize> {
    stay_on_core(core);
    take_turns(tasks);
    allowed_cores()
}

/// Runs the tasks on this thread: polls each once, in the order in which they come, then those that
/// are not finished once more, in the same order, and so on until all are finished. Without a task it
/// returns at once.
///
/// This is the least that can be called an executor. It listens to no waker: it polls a task again
/// because it is the task's turn, not because anybody said that polling would help. A task that
/// waits for a socket would be asked again without end, at the price of a whole core.
pub fn take_turns(tasks: impl IntoIterator<Item = impl Future>) {
    // FORK concurrency: poll each task in its turn, until all are finished
    // HINT: `poll` wants a `Pin` and a `Context`. `Box::pin` makes the one of each task, and
    //   `Context::from_waker(Waker::noop())` the other.
    // HINT: What does a poll of a task say that is not finished, and who has the thread then? The doc
    //   comment of `Future::poll`, under *Return value*.
    // HINT: A queue. Its first task is polled once. Is it pending, it goes to the end of the queue; is it
    //   ready, it is gone. An empty queue is the end.
    let mut queue: VecDeque<_> = tasks.into_iter().map(Box::pin).collect();
    let mut context = Context::from_waker(Waker::noop());
    while let Some(mut task) = queue.pop_front() {
        if task.as_mut().poll(&mut context).is_pending() {
            queue.push_back(task);
        }
    }
}
// ANCHOR_END: executor

// ANCHOR: next_turn
/// Gives the other tasks their turn: pending when it is first polled, ready after that. It wakes its
/// task at once, so that it also works on an executor that listens.
pub async fn next_turn() {
    // FORK concurrency: be pending once, and wake the task, so that somebody polls it again
    // HINT: `std::future::poll_fn` makes a future of a closure that is called at each poll, and gets the
    //   `Context`. Whose waker is in that?
    // HINT: The two polls get different answers. Where does a variable live that the closure still has
    //   at its second call?
    // HINT: A flag, set at the first call. Where it was not set: wake through the context, and say
    //   pending. Where it was: ready.
    let mut polled = false;
    poll_fn(|context| {
        if mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}
// ANCHOR_END: next_turn

/// How often [`until_parallel`] tries: about three seconds on two idle cores.
pub const TRIES: usize = 400;

/// Runs `program` until two of its threads have run at one instant, or [`TRIES`] times, and returns
/// the last timeline. That two workers *can* run at one instant is shown by a run in which they do;
/// while other programs keep the cores busy, some runs are not it.
pub fn until_parallel(program: fn() -> Timeline) -> Timeline {
    let mut runs = (1..TRIES).map(|_| program());
    runs.find(|timeline| timeline.parallel().proven()).unwrap_or_else(program)
}

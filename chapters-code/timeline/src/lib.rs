//! Concurrency is not parallelism: four programs, one for each combination, and one more that looks
//! parallel and is not.
//!
//! Concurrent: a worker starts one task before finishing another. Parallel: two workers run at one
//! instant. A worker is a thread here, and each program returns the [`Timeline`] of what it did.
//!
//! |                | not parallel              | parallel         |
//! |----------------|---------------------------|------------------|
//! | not concurrent | [`one_after_the_other`]   | [`side_by_side`] |
//! | concurrent     | [`taking_turns`]          | [`both`]         |
//!
//! [`on_one_core`] is [`side_by_side`] on a single core: in wall-clock time its tasks overlap all the
//! same. Pinning threads to a core is done with sched_setaffinity(2), so this crate is for Linux.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::hint;
use std::io;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use lab::timeline::{Timeline, cpu_time};

/// How many steps a task has.
pub const STEPS: usize = 6;

// ANCHOR: task
/// What every worker here works on: six steps, and between two steps an await.
async fn task() {
    step();
    for _ in 1..STEPS {
        next_turn().await;
        step();
    }
}
// ANCHOR_END: task

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
/// One thread, which starts B while A is not finished.
pub fn taking_turns() -> Timeline {
    let timeline = Timeline::new();
    take_turns([timeline.traced("A", task()), timeline.traced("B", task())]);
    timeline
}
// ANCHOR_END: taking_turns

// ANCHOR: side_by_side
/// Two threads, each with a task of its own.
pub fn side_by_side() -> Timeline {
    let timeline = Timeline::new();
    thread::scope(|scope| {
        scope.spawn(|| take_turns([timeline.traced("A", task())]));
        scope.spawn(|| take_turns([timeline.traced("B", task())]));
    });
    timeline
}
// ANCHOR_END: side_by_side

// ANCHOR: both
/// Two threads, each of which takes turns between two tasks.
pub fn both() -> Timeline {
    let timeline = Timeline::new();
    thread::scope(|scope| {
        scope.spawn(|| take_turns([timeline.traced("A", task()), timeline.traced("B", task())]));
        scope.spawn(|| take_turns([timeline.traced("C", task()), timeline.traced("D", task())]));
    });
    timeline
}
// ANCHOR_END: both

// ANCHOR: on_one_core
/// [`side_by_side`] on one core. Neither task is finished before the other has started: each waits
/// for the other to start, and does not give up the core; the kernel has to take it away.
pub fn on_one_core() -> Timeline {
    let timeline = Timeline::new();
    let started = AtomicUsize::new(0);
    let meet_and_work = async || {
        started.fetch_add(1, Ordering::Relaxed);
        while started.load(Ordering::Relaxed) < 2 {
            hint::spin_loop();
        }
        task().await;
    };
    thread::scope(|scope| {
        for name in ["A", "B"] {
            let (timeline, meet_and_work) = (&timeline, &meet_and_work);
            scope.spawn(move || {
                stay_on_one_core();
                take_turns([timeline.traced(name, meet_and_work())]);
            });
        }
    });
    timeline
}
// ANCHOR_END: on_one_core

// ANCHOR: executor
/// Runs the tasks on this thread, in turns: each is polled once, then each that is not finished once
/// more, until all are finished.
///
/// This is the least that deserves the name of an executor. It listens to no waker: it polls a task
/// again because it is the task's turn, not because somebody said that polling would help. Give it a
/// task that waits for a socket and it asks the socket without end, at the price of a whole core.
pub fn take_turns(tasks: impl IntoIterator<Item = impl Future>) {
    let mut queue: VecDeque<_> = tasks.into_iter().map(Box::pin).collect();
    let mut context = Context::from_waker(Waker::noop());
    while let Some(mut task) = queue.pop_front() {
        if task.as_mut().poll(&mut context).is_pending() {
            queue.push_back(task);
        }
    }
}

/// Not ready the first time, and ready the second: lets the other tasks have their turn. It wakes
/// its own task, so that it also works on executors that do listen.
pub async fn next_turn() {
    let mut asked = false;
    poll_fn(|context| {
        if mem::replace(&mut asked, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}
// ANCHOR_END: executor

// ANCHOR: step
/// Keeps the processor busy for a millisecond of the thread's own time. While the kernel runs another
/// thread on this core, that clock stands still: a step is an amount of work, not a delay.
fn step() {
    let start = cpu_time();
    while cpu_time() - start < Duration::from_millis(1) {
        hint::spin_loop();
    }
}
// ANCHOR_END: step

// ANCHOR: stay_on_one_core
/// Keeps the calling thread, and threads that it creates from now on, to the first of the cores that
/// it may use: sched_setaffinity(2).
///
/// # Panics
///
/// If the kernel refuses. It has no reason to, unless it counts more than 1,024 cores, which is the
/// size of a `cpu_set_t`.
pub fn stay_on_one_core() {
    // SAFETY: a `cpu_set_t` is an array of integers, for which zeros are a value: the empty set.
    let (mut allowed, mut first): (libc::cpu_set_t, libc::cpu_set_t) = unsafe { mem::zeroed() };
    let size = size_of::<libc::cpu_set_t>();
    // SAFETY: the kernel writes at most `size` bytes, which is how much there is at `allowed`.
    let status = unsafe { libc::sched_getaffinity(0, size, &mut allowed) };
    assert_eq!(
        status,
        0,
        "sched_getaffinity: {}",
        io::Error::last_os_error()
    );
    // SAFETY: both only look into the set that they are given, below its size in bits.
    unsafe {
        let core = (0..8 * size).find(|&core| libc::CPU_ISSET(core, &allowed));
        libc::CPU_SET(core.expect("a core to run on"), &mut first);
    }
    // SAFETY: the kernel reads `size` bytes, which is how much there is at `first`.
    let status = unsafe { libc::sched_setaffinity(0, size, &first) };
    assert_eq!(
        status,
        0,
        "sched_setaffinity: {}",
        io::Error::last_os_error()
    );
}
// ANCHOR_END: stay_on_one_core

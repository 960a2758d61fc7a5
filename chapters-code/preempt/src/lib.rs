//! Who may interrupt you: a loop that lets go of nothing, run by one of two threads on one core and
//! by one of two tasks on one thread. Did the other run meanwhile?
//!
//! - [`two_threads`]: yes, because the kernel takes the core away from the loop.
//! - [`awaiting_nothing`] and [`awaiting_ready`]: no, because an executor can't.
//! - [`awaiting_pending`]: yes, because the loop lets go.
//!
//! [`count`] is what that is good for, [`one_stack`] where it comes from. The third level, goroutines,
//! is in the folder `go`. Keeping a thread on a core takes sched_setaffinity(2), and counting its
//! interruptions `RUSAGE_THREAD` of getrusage(2), so this crate is for Linux.

use std::cell::{Cell, RefCell};
use std::future::ready;
use std::hint::{self, black_box};
use std::io;
use std::mem;
use std::ops::Range;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use lab::timeline::Timeline;
use timeline::{next_turn, stay_on_core, take_turns};

// ANCHOR: threads
/// Two threads on one core. One loops until the other has run, and lets go of nothing. Returns how
/// often the kernel took the core away from it meanwhile.
pub fn two_threads() -> libc::c_long {
    let [begun, ran] = [const { AtomicBool::new(false) }; 2];
    thread::scope(|scope| {
        let looping = scope.spawn(|| {
            stay_on_core(0);
            let before = interruptions();
            begun.store(true, Ordering::Relaxed);
            while !ran.load(Ordering::Relaxed) {
                hint::spin_loop();
            }
            interruptions() - before
        });
        scope.spawn(|| {
            stay_on_core(0);
            while !begun.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            ran.store(true, Ordering::Relaxed);
        });
        looping.join().expect("the loop does not panic")
    })
}
// ANCHOR_END: threads

/// How often the kernel has taken the core away from the calling thread: `ru_nivcsw` of
/// getrusage(2).
fn interruptions() -> libc::c_long {
    // SAFETY: a rusage is integers, for which all zeros are valid values.
    let mut usage: libc::rusage = unsafe { mem::zeroed() };
    // SAFETY: the kernel writes one rusage, and `usage` is one that outlives the call.
    let status = unsafe { libc::getrusage(libc::RUSAGE_THREAD, &mut usage) };
    assert_eq!(status, 0, "getrusage: {}", io::Error::last_os_error());
    usage.ru_nivcsw
}

/// How many rounds task A loops before it gives up.
pub const ROUNDS: usize = 100;

// ANCHOR: tasks
/// Two tasks on one thread. A loops until B has run, but gives up after [`ROUNDS`], and awaits
/// `between()` in each round. Returns whether A saw that B had run, and the timeline.
fn two_tasks(between: impl AsyncFn()) -> (bool, Timeline) {
    let (timeline, ran, saw) = (Timeline::new(), AtomicBool::new(false), Cell::new(false));
    let a = async {
        for _ in 0..ROUNDS {
            if ran.load(Ordering::Relaxed) {
                return saw.set(true);
            }
            between().await;
        }
    };
    let b = async { ran.store(true, Ordering::Relaxed) };
    let (a, b) = (timeline.traced("A", a), timeline.traced("B", b));
    take_turns([Box::pin(a) as Pin<Box<dyn Future<Output = ()>>>, Box::pin(b)]);
    (saw.get(), timeline)
}
// ANCHOR_END: tasks

/// What [`two_tasks`] return when A's loop awaits an `async` block without an await in it.
pub fn awaiting_nothing() -> (bool, Timeline) {
    two_tasks(async || {})
}

/// What they return when it awaits a future that is ready.
pub fn awaiting_ready() -> (bool, Timeline) {
    two_tasks(async || ready(()).await)
}

// ANCHOR: pending
/// What they return when it awaits a future that is pending once.
pub fn awaiting_pending() -> (bool, Timeline) {
    // FORK preemption: run the two tasks so that A lets B run once before its loop ends
    // HINT: What must the call of `poll` do before the executor can poll B? The table of the example
    //   `who_interrupts -- tasks` has the answer for three futures.
    // HINT: The two functions above this one differ in what A awaits. `timeline`, which this crate
    //   imports, has a future that is not ready when it is asked first.
    // HINT: The same call as in those two, with a closure that awaits that future.
    two_tasks(async || next_turn().await)
}
// ANCHOR_END: pending

/// How often [`add`] adds 1.
pub const TIMES: usize = 1_000;

// ANCHOR: count
/// Adds 1 to the counter, [`TIMES`] times, and gives the other tasks one turn after each, the
/// last one too. Whatever they do with the counter in their turns, no addition is lost, theirs or
/// its own.
pub async fn add(counter: &Cell<usize>) {
    // FORK preemption: add 1 so many times, give one turn away after each addition, and lose none
    // HINT: Other tasks may write the counter too. Between which two points of yours can they not?
    //   The exact sentence at the top of the note says so.
    // HINT: What is a number worth that was read before an await, if the await was pending?
    // HINT: A loop. In each round: read, write what was read and one more, and only then await
    //   something that is pending once.
    for _ in 0..TIMES {
        let before = counter.get();
        ready(()).await;
        counter.set(before + 1);
        next_turn().await;
    }
}

/// Two tasks on one thread add to one counter. Returns what it says in the end.
pub fn count() -> usize {
    let counter = Cell::new(0);
    take_turns([add(&counter), add(&counter)]);
    counter.get()
}
// ANCHOR_END: count

/// Where two variables of a task lie, and its future.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// Of one that is gone before the task lets go of the thread.
    pub between_awaits: usize,
    /// Of one that is alive across an await.
    pub across_an_await: usize,
    /// All the bytes of the future.
    pub future: Range<usize>,
}

// ANCHOR: one_stack
/// Where the variables of two tasks on one thread lie.
pub fn one_stack() -> [Addresses; 2] {
    let found = RefCell::new(Vec::new());
    let task = async || {
        let kept = 7;
        let between_awaits = address_of_a_local();
        next_turn().await;
        let across_an_await = black_box(&raw const kept).addr();
        found.borrow_mut().push((between_awaits, across_an_await));
    };
    let tasks = [Box::pin(task()), Box::pin(task())];
    let mut futures = tasks.each_ref().map(|task| bytes_of(&**task)).into_iter();
    take_turns(tasks);
    [(); 2].map(|()| {
        let (between_awaits, across_an_await) = found.borrow_mut().remove(0);
        Addresses { between_awaits, across_an_await, future: futures.next().expect("two") }
    })
}

/// The addresses of all the bytes of a value.
pub fn bytes_of<T>(value: &T) -> Range<usize> {
    let start = (&raw const *value).addr();
    start..start + size_of::<T>()
}

#[inline(never)]
fn address_of_a_local() -> usize {
    let local = 7;
    black_box(&raw const local).addr()
}
// ANCHOR_END: one_stack

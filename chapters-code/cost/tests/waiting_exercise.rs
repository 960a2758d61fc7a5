//! What `scoped` costs while it waits, and what `Limit::threads` and `least` predict. Each message says
//! what was asked and what had to come.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use cost::limits::{Limit, MOST, least};
use cost::scoped;
use tokio::sync::Notify;

/// The system's allocator, which counts the bytes that this thread has and has not given back.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.set(HELD.get() + layout.size() as isize);
        // SAFETY: the caller keeps the contract of this very method.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        HELD.set(HELD.get() - layout.size() as isize);
        // SAFETY: the caller keeps the contract of this very method.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a task may keep beside what it waits for, in bytes.
const LITTLE: usize = 256;

fn polled<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn the_future_has_no_room_for_the_buffer() {
    let word = Notify::new();
    let task = scoped(&word, |buffer| buffer.fill(7));
    let bytes = size_of_val(&task);
    let pending = polled(pin!(task)).is_pending();
    assert!(pending, "no word was given: expected to wait; it was ready");
    assert!(
        bytes < LITTLE,
        "a future that waits without its buffer: expected under {LITTLE} bytes; it has {bytes}"
    );
}

#[test]
fn the_heap_has_no_buffer_while_it_waits() {
    let word = Notify::new();
    let before = HELD.get();
    let mut task = pin!(scoped(&word, |buffer| buffer.fill(7)));
    let pending = polled(task.as_mut()).is_pending();
    let held = HELD.get() - before;
    assert!(pending, "no word was given: expected to wait; it was ready");
    assert!(
        held < LITTLE as isize,
        "a task that waits without its buffer: expected under {LITTLE} bytes on the heap; got {held}"
    );
}

#[test]
fn it_reads_16_kib_once_before_it_waits() {
    let (word, reads, room) = (Notify::new(), Cell::new(0), Cell::new(0));
    let mut task = pin!(scoped(&word, |buffer| {
        reads.set(reads.get() + 1);
        room.set(buffer.len());
    }));
    assert!(
        polled(task.as_mut()).is_pending(),
        "no word was given: expected to wait; it was ready"
    );
    let (reads, room) = (reads.get(), room.get());
    assert!(reads == 1, "polled once, no word yet: expected 1 read before the wait; got {reads}");
    assert!(room == 16 << 10, "a read: expected room for 16384 bytes; got {room}");
}

#[test]
fn it_waits_for_the_word_and_returns_the_first_byte() {
    let word = Notify::new();
    let mut task = pin!(scoped(&word, |buffer| {
        buffer.fill(9);
        buffer[0] = 42;
    }));
    for poll in 1..=2 {
        let said = polled(task.as_mut());
        assert!(
            said.is_pending(),
            "poll {poll}, no word was given: expected to wait; got {said:?}"
        );
    }
    word.notify_one();
    let said = polled(task.as_mut());
    assert!(said == Poll::Ready(42), "the word was given: expected the byte 42; got {said:?}");
}

#[test]
fn two_tasks_of_one_thread_keep_a_byte_each() {
    let word = Notify::new();
    let mut one = pin!(scoped(&word, |buffer| buffer.fill(1)));
    let mut two = pin!(scoped(&word, |buffer| buffer.fill(2)));
    let waiting = polled(one.as_mut()).is_pending() && polled(two.as_mut()).is_pending();
    assert!(waiting, "two tasks, no word yet: expected that both wait; one was ready");
    word.notify_waiters();
    let said = (polled(one.as_mut()), polled(two.as_mut()));
    assert!(
        said == (Poll::Ready(1), Poll::Ready(2)),
        "two tasks read 1 and 2, then both got the word: expected 1 and 2; got {said:?}"
    );
}

/// What is left of a limit, what one thread takes of it, and how many it allows.
#[track_caller]
fn allows(left: u64, each: u64, threads: u64) {
    let got = Limit { name: "one", left, each }.threads();
    assert!(got == threads, "{left} left, {each} for each: expected {threads} threads; got {got}");
}

#[test]
fn a_limit_allows_the_whole_threads_of_what_is_left() {
    allows(100, 10, 10);
    allows(99, 10, 9);
    allows(9, 10, 0);
    allows(0, 10, 0);
}

#[test]
fn a_limit_of_which_threads_take_nothing_is_none() {
    allows(1_000, 0, MOST);
    allows(0, 0, MOST);
}

#[test]
fn no_limit_allows_more_threads_than_linux_has_ids() {
    allows(u64::MAX, 1, MOST);
    allows(MOST, 1, MOST);
    allows(MOST - 1, 1, MOST - 1);
}

#[test]
fn a_limit_of_which_something_is_used_may_be_none_all_the_same() {
    allows(u64::MAX - 1_000, 1, MOST);
    allows(1 << 31, 16, MOST);
}

#[test]
fn what_is_left_may_need_all_its_64_bits() {
    allows(1 << 32, 1, MOST);
    allows((1 << 32) + 5, 1, MOST);
    allows(999_999_999_999_999_999, 1_000_000_000_000_000, 999);
}

/// The name of the least of these, which are given with what is left and what one takes.
#[track_caller]
fn met_first(limits: [(&'static str, u64, u64); 3], name: &str) {
    let got = least(&limits.map(|(name, left, each)| Limit { name, left, each })).name;
    assert!(got == name, "{limits:?} (name, left, for each): expected {name}; got {got}");
}

#[test]
fn the_fewest_threads_decide_and_not_the_least_that_is_left() {
    met_first([("ids", 1_000, 1), ("bytes", 1_000_000, 10_000), ("none", u64::MAX, 1)], "bytes");
}

#[test]
fn what_threads_take_much_of_may_last_the_longest() {
    met_first([("bytes", 1_000_000, 100), ("none", u64::MAX, 4), ("mappings", 30, 3)], "mappings");
}

#[test]
fn a_limit_of_which_nothing_is_left_is_met_at_once() {
    met_first([("bytes", 100, 10), ("mappings", 0, 1), ("ids", 50, 10)], "mappings");
    met_first([("bytes", 100, 10), ("mappings", 4, 5), ("ids", 50, 10)], "mappings");
}

#[test]
fn where_there_is_no_limit_the_first_is_as_good_as_any() {
    met_first([("pids", u64::MAX, 1), ("bytes", 100, 0), ("ids", u64::MAX, 1)], "pids");
}

#[test]
fn the_first_of_equals_is_met_first() {
    met_first([("none", u64::MAX, 1), ("pages", 20, 2), ("ids", 10, 1)], "pages");
}

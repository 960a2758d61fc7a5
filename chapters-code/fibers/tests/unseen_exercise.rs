//! What the end of a suspended fiber owes all who have something on its stack. Each message says what was done,
//! what had to come of it, and what came.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use fibers::fiber::{Fiber, Progress, suspend};
use fibers::{run, spawn, yield_now};
use lab::doomed::{self, Ending};

const SIZE: usize = 64 << 10;

/// What is appended to from several fibers.
type Log = Rc<RefCell<Vec<&'static str>>>;

/// What was done, what had to come of it, and what came.
#[track_caller]
fn must<T: PartialEq + std::fmt::Debug>(done: &str, right: T, came: T) {
    assert!(came == right, "{done}: expected {right:?}; got {came:?}");
}

/// A fiber that has run to its first suspension.
fn suspended(function: impl FnOnce() + 'static) -> Fiber {
    let mut fiber = Fiber::new(SIZE, function).expect("there is a stack");
    assert!(matches!(fiber.resume(), Progress::Suspended));
    fiber
}

/// Where a new fiber's stack is: the address of a local of its function.
fn stack_of_a_new_one() -> usize {
    let place = Rc::new(Cell::new(0));
    let finds = Rc::clone(&place);
    let mut fiber = Fiber::new(SIZE, move || finds_itself(&finds)).expect("there is a stack");
    let _ = fiber.resume();
    place.get()
}

/// Whether two addresses near the top of stacks are of one stack.
fn is_the_same(one: usize, other: usize) -> bool {
    one.abs_diff(other) < SIZE / 2
}

fn finds_itself(place: &Cell<usize>) {
    let local = std::hint::black_box(0_u8);
    place.set(&raw const local as usize);
}

/// Says when it is dropped.
struct Tells(&'static str, Log);

impl Drop for Tells {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
    }
}

/// Suspends in its destructor.
struct Suspends;

impl Drop for Suspends {
    fn drop(&mut self) {
        suspend();
    }
}

#[test]
fn destructors_run_from_the_last_to_the_first() {
    let log = Log::default();
    let made = ["first", "second", "captured"].map(|name| Tells(name, Rc::clone(&log)));
    let fiber = suspended(move || {
        let [first, second, _captured] = made;
        let _first = first;
        let _second = second;
        suspend();
    });
    drop(fiber);
    let mut dropped = log.take();
    dropped.retain(|name| *name != "captured");
    must("dropped a fiber with two locals", vec!["second", "first"], dropped);
}

#[test]
fn what_the_fiber_shared_is_no_longer_shared() {
    let shared = Rc::new(());
    let kept = Rc::clone(&shared);
    drop(suspended(move || {
        let _kept = kept;
        suspend();
    }));
    must("dropped the fiber that held the other `Rc`: owners", 1, Rc::strong_count(&shared));
}

#[test]
fn nothing_behind_the_suspension_is_run() {
    let log = Log::default();
    let went = Rc::clone(&log);
    drop(suspended(move || {
        suspend();
        went.borrow_mut().push("went on");
    }));
    must("dropped while suspended: what ran behind that", Vec::<&str>::new(), log.take());
}

#[test]
fn an_endless_fiber_ends() {
    let log = Log::default();
    let tells = Tells("unwound", Rc::clone(&log));
    drop(suspended(move || {
        let _tells = tells;
        loop {
            suspend();
        }
    }));
    must("dropped a fiber that suspends for ever", vec!["unwound"], log.take());
}

#[test]
fn a_borrow_of_its_stack_is_over_when_it_is_dropped() {
    static HAS_READ: AtomicBool = AtomicBool::new(false);
    let fiber = suspended(|| {
        let local = std::hint::black_box([7_u8; 64]);
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(50));
                let sum: u32 = local.iter().map(|byte| u32::from(*byte)).sum();
                HAS_READ.store(sum == 448, Ordering::Release);
            });
            suspend();
        });
    });
    drop(fiber);
    let has_read = HAS_READ.load(Ordering::Acquire);
    must("a scoped thread reads a local of the fiber: done when that was dropped", true, has_read);
}

#[test]
fn who_drops_it_hears_of_no_panic() {
    let fiber = suspended(suspend);
    let quiet = catch_unwind(AssertUnwindSafe(|| drop(fiber))).is_ok();
    must("dropped a suspended fiber: without a panic in who drops it", true, quiet);
    must("dropped a suspended fiber: the thread panics", false, thread::panicking());
}

#[test]
fn one_that_is_dropped_in_another_fiber_is_unwound_there_and_the_other_goes_on() {
    let log = Log::default();
    let (tells, goes_on) = (Tells("unwound", Rc::clone(&log)), Rc::clone(&log));
    let mut outer = suspended(move || {
        drop(suspended(move || {
            let _tells = tells;
            suspend();
        }));
        suspend();
        goes_on.borrow_mut().push("went on");
    });
    let _ = outer.resume();
    let right = vec!["unwound", "went on"];
    must("a fiber dropped another, suspended, and was resumed", right, log.take());
}

#[test]
fn of_one_that_was_unwound_nothing_is_told() {
    if lab::measure::emulated() {
        return println!("skipped: a program for another processor cannot start itself again");
    }
    let test = "of_one_that_was_unwound_nothing_is_told";
    let ended = doomed::child(test, || drop(suspended(suspend)));
    let right = ended.how == Ending::Passed && !ended.stderr.contains("leaked");
    assert!(right, "dropped a suspended fiber that unwinds: expected no word of it\n{ended}");
}

#[test]
fn a_stack_that_was_unwound_is_given_out_again() {
    let place = Rc::new(Cell::new(0));
    let finds = Rc::clone(&place);
    drop(suspended(move || {
        finds_itself(&finds);
        suspend();
    }));
    let again = is_the_same(stack_of_a_new_one(), place.get());
    must("dropped a suspended fiber: the next one has its stack", true, again);
}

#[test]
fn a_stack_on_which_somebody_still_is_is_not_given_out_again() {
    let place = Rc::new(Cell::new(0));
    let finds = Rc::clone(&place);
    drop(suspended(move || {
        finds_itself(&finds);
        let _suspends = Suspends;
        suspend();
    }));
    let again = is_the_same(stack_of_a_new_one(), place.get());
    must("a destructor suspended: the next fiber has that stack", false, again);
}

#[test]
fn one_that_catches_its_unwinding_and_suspends_is_left_at_that() {
    let log = Log::default();
    let caught = Rc::clone(&log);
    drop(suspended(move || {
        loop {
            let _ = catch_unwind(suspend);
            caught.borrow_mut().push("caught");
        }
    }));
    must("dropped a fiber that catches and suspends again", vec!["caught"], log.take());
}

#[test]
fn a_suspension_behind_the_unwinding_does_not_return() {
    let log = Log::default();
    let comes_of_it = Rc::clone(&log);
    drop(suspended(move || {
        let _ = catch_unwind(suspend);
        let came = match catch_unwind(suspend) {
            Ok(()) => "it went on",
            Err(payload) if payload.is::<&str>() => "a panic with words",
            Err(_) => "it was unwound again",
        };
        comes_of_it.borrow_mut().push(came);
    }));
    let nothing = Vec::<&str>::new();
    must("dropped a fiber that catches and suspends again: what came of it", nothing, log.take());
}

#[test]
fn one_that_catches_its_unwinding_and_returns_has_ended() {
    let log = Log::default();
    let caught = Rc::clone(&log);
    let tells = Tells("dropped", Rc::clone(&log));
    drop(suspended(move || {
        let _tells = tells;
        let _ = catch_unwind(suspend);
        caught.borrow_mut().push("caught");
    }));
    must("dropped a fiber that catches and returns", vec!["caught", "dropped"], log.take());
}

#[test]
fn one_that_has_not_begun_never_begins() {
    let log = Log::default();
    let (runs, tells) = (Rc::clone(&log), Tells("dropped", Rc::clone(&log)));
    drop(Fiber::new(SIZE, move || {
        let _tells = tells;
        runs.borrow_mut().push("ran");
    }));
    must("dropped a fiber that had no turn", vec!["dropped"], log.take());
}

#[test]
fn the_fibers_of_a_run_that_is_over_are_unwound_in_it() {
    let log = Log::default();
    let tells = Tells("unwound", Rc::clone(&log));
    run(move || {
        spawn(move || {
            let _tells = tells;
            loop {
                yield_now();
            }
        });
        yield_now();
    });
    log.borrow_mut().push("run has returned");
    let right = vec!["unwound", "run has returned"];
    must("a fiber had not ended when `run` returned", right, log.take());
}

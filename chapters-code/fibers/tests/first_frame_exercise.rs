//! What the first frame and the first function owe a fiber. Each message says what was done, what had to come of
//! it, and what came.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use fibers::fiber::{Fiber, Progress, suspend};

const SIZE: usize = 256 << 10;

/// What was done, what had to come of it, and what came.
#[track_caller]
fn must<T: PartialEq + std::fmt::Debug>(done: &str, right: T, came: T) {
    assert!(came == right, "{done}: expected {right:?}; got {came:?}");
}

/// What a turn of a fiber comes to, in words.
fn in_words(progress: Progress) -> String {
    match progress {
        Progress::Suspended => "suspended".into(),
        Progress::Ended(Ok(())) => "ended".into(),
        Progress::Ended(Err(payload)) => match payload.downcast_ref::<u32>() {
            Some(number) => format!("panicked with {number}"),
            None => "panicked with something else".into(),
        },
    }
}

fn fiber(function: impl FnOnce() + 'static) -> Fiber {
    Fiber::new(SIZE, function).expect("there is a stack")
}

#[test]
fn a_fiber_runs_its_function_to_the_end() {
    let ran = Rc::new(Cell::new(0));
    let runs = Rc::clone(&ran);
    let mut fiber = fiber(move || runs.set(runs.get() + 1));
    must("a function that returns: the turn has", "ended".to_owned(), in_words(fiber.resume()));
    must("a fiber had one turn: its function ran so often", 1, ran.get());
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_function_begins_where_a_called_one_does() {
    use fibers::begin::{finds, on_a_stack, remainder};

    let found = Rc::new(Cell::new(99));
    let finds_it = Rc::clone(&found);
    let _ = fiber(move || finds_it.set(remainder())).resume();
    must("the remainder of the stack pointer and 8 by 16, in a fiber", 0, found.get());
    must("the same by the plain switch", 0, on_a_stack(finds, 0));
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_first_frame_is_the_highest_sixteen_bytes() {
    use fibers::switch::{StackPointer, paired};

    unsafe extern "C" fn never(_: *mut StackPointer) -> ! {
        unreachable!("nobody goes there")
    }

    const FULL: u128 = (7 << 64) + 7;
    let mut stack = [FULL; 8];
    let top = stack.as_mut_ptr_range().end.cast::<u8>();
    // SAFETY: it is the end of 128 bytes, and a multiple of 16.
    let low = unsafe { paired::prepare(top, never) };
    let below = (top as usize).wrapping_sub(low as usize);
    must("prepared a stack: where it goes on, in bytes below its end", 16, below);
    must("prepared a stack: its highest word", 0, (stack[7] >> 64) as usize);
    let others = stack[..7].iter().filter(|words| **words != FULL).count();
    must("prepared a stack: how much else was written, in words of 16 bytes", 0, others);
}

/// Stores sixteen bytes at once, to a local that is aligned for that.
#[cfg(target_arch = "x86_64")]
#[test]
fn an_aligned_store_does_not_fault() {
    #[repr(align(16))]
    struct Four([f32; 4]);

    #[inline(never)]
    fn aligned_store() -> f32 {
        let mut four = std::hint::black_box(Four([0.0; 4]));
        // SAFETY: it stores the 16 bytes of the local.
        unsafe {
            std::arch::asm!("movaps [{0}], {1}", in(reg) four.0.as_mut_ptr(), in(xmm_reg) 1.0_f32);
        }
        std::hint::black_box(four).0[0]
    }

    lab::fatal::tell();
    let stored = Rc::new(Cell::new(0.0));
    let stores = Rc::clone(&stored);
    let _ = fiber(move || stores.set(aligned_store())).resume();
    must("stored 1.0 to an aligned local of a fiber", 1.0, stored.get());
}

#[test]
fn a_panic_is_the_fiber_s_end_and_its_result() {
    let mut fiber = fiber(|| panic::resume_unwind(Box::new(7_u32)));
    let came = in_words(fiber.resume());
    must("a function that panics with 7: the turn has", "panicked with 7".to_owned(), came);
}

#[test]
fn a_panic_behind_a_suspension_is_caught_too() {
    let mut fiber = fiber(|| {
        suspend();
        panic::resume_unwind(Box::new(8_u32))
    });
    must("suspended first: the turn has", "suspended".to_owned(), in_words(fiber.resume()));
    let came = in_words(fiber.resume());
    must("then panicked with 8: the turn has", "panicked with 8".to_owned(), came);
}

#[test]
fn the_end_is_told_to_who_waits_for_it() {
    let mut fiber = fiber(|| (0..3).for_each(|_| suspend()));
    let mut turns = 1;
    while matches!(fiber.resume(), Progress::Suspended) {
        turns += 1;
    }
    must("suspends three times and returns: turns until it has ended", 4, turns);
}

#[test]
fn a_fiber_that_has_ended_says_so_to_who_resumes_it() {
    for panics in [false, true] {
        let mut fiber = fiber(move || {
            if panics {
                panic::resume_unwind(Box::new(9_u32));
            }
        });
        let _ = fiber.resume();
        let again = catch_unwind(AssertUnwindSafe(|| in_words(fiber.resume())));
        let words = match again {
            Ok(progress) => progress,
            Err(payload) => payload.downcast_ref::<&str>().copied().unwrap_or_default().to_owned(),
        };
        let told = words.contains("resumed that has ended");
        must("resumed once more behind the end: the panic says that it has ended", true, told);
    }
}

/// Says when it is dropped.
struct Tells(&'static str, Rc<RefCell<Vec<&'static str>>>);

impl Drop for Tells {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
    }
}

#[test]
fn what_a_function_has_is_gone_when_its_end_is_told() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let tells = Tells("captured", Rc::clone(&log));
    let mut fiber = fiber(move || drop(tells));
    let _ = fiber.resume();
    log.borrow_mut().push("end");
    drop(fiber);
    must("a captured value, and then the end", vec!["captured", "end"], log.take());
}

#[test]
fn what_a_panic_has_passed_is_gone_when_its_end_is_told() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let (local, captured) = (Tells("local", Rc::clone(&log)), Tells("captured", Rc::clone(&log)));
    let mut fiber = fiber(move || {
        let _kept = &captured;
        let _local = local;
        panic::resume_unwind(Box::new(1_u32));
    });
    let _ = fiber.resume();
    log.borrow_mut().push("end");
    drop(fiber);
    must(
        "a panic passes a local and a captured value",
        vec!["local", "captured", "end"],
        log.take(),
    );
}

#[test]
fn a_fiber_that_ended_goes_without_a_word() {
    let mut fiber = fiber(|| ());
    let _ = fiber.resume();
    let says_so = format!("{fiber:?}").contains("Ended");
    must("a function returned: the fiber's state says that it has ended", true, says_so);
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(fiber))).is_ok();
    must("a fiber that has ended was dropped without a panic", true, dropped);
}

#[test]
fn an_unwinder_finds_the_end_of_the_stack() {
    let last = Rc::new(RefCell::new(String::new()));
    let finds = Rc::clone(&last);
    let mut fiber = fiber(move || {
        let trace = std::backtrace::Backtrace::force_capture().to_string();
        let frame = trace.lines().rfind(|line| !line.trim_start().starts_with("at "));
        *finds.borrow_mut() = frame.unwrap_or_default().trim().to_owned();
    });
    let _ = fiber.resume();
    let last = last.take();
    let ends = last.ends_with("fibers::fiber::first");
    assert!(ends, "a backtrace in a fiber: expected `first` as its last frame; got {last:?}");
}

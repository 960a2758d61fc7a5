//! What the note *The first frame* claims.

use std::cell::Cell;
use std::panic;
use std::rc::Rc;
use std::sync::Mutex;
use std::thread;

use fibers::fiber::{Fiber, Progress, suspend};
use fibers::{run, spawn, yield_now};

#[cfg(target_arch = "x86_64")]
mod sixteen {
    use fibers::begin::{finds, on_a_stack, remainder, stores_8, stores_16, stores_32};
    use fibers::switch::First;
    use lab::doomed::{self, Ending};

    use super::*;

    #[test]
    fn a_fiber_s_function_begins_where_a_called_one_does() {
        assert_eq!(remainder(), 0);
        assert_eq!(on_a_stack(finds, 0), 0);
        assert_eq!(on_a_stack(finds, 8), 8);
        let found = Rc::new(Cell::new(99));
        let finds = Rc::clone(&found);
        let _ = Fiber::new(64 << 10, move || finds.set(remainder())).unwrap().resume();
        assert_eq!(found.get(), 0);
    }

    #[test]
    fn an_aligned_store_is_right_in_a_fiber() {
        lab::fatal::tell();
        let stored = Rc::new(Cell::new(0.0));
        let stores = Rc::clone(&stored);
        let _ = Fiber::new(64 << 10, move || stores.set(aligned_store())).unwrap().resume();
        assert_eq!(stored.get(), 1.0);
    }

    /// Stores four numbers to a local by `movaps`.
    #[inline(never)]
    fn aligned_store() -> f32 {
        #[repr(align(16))]
        struct Four([f32; 4]);
        let mut four = std::hint::black_box(Four([0.0; 4]));
        // SAFETY: it stores the 16 bytes of the local.
        unsafe {
            std::arch::asm!("movaps [{0}], {1}", in(reg) four.0.as_mut_ptr(), in(xmm_reg) 1.0_f32);
        }
        std::hint::black_box(four).0[0]
    }

    fn dies_of_alignment(test: &str, first: First) {
        let ended = doomed::child(test, || {
            lab::fatal::tell();
            on_a_stack(first, 8);
        });
        assert_eq!(ended.how, Ending::Killed(doomed::Signal(libc::SIGSEGV)), "{ended}");
        assert!(ended.stderr.contains("died of SIGSEGV, SI_KERNEL, no address"), "{ended}");
    }

    #[test]
    fn off_by_eight_an_aligned_store_is_a_protection_fault_without_an_address() {
        let test = "off_by_eight_an_aligned_store_is_a_protection_fault_without_an_address";
        dies_of_alignment(&format!("sixteen::{test}"), stores_16);
    }

    #[test]
    fn a_pointer_that_can_t_be_an_address_dies_in_the_same_way() {
        let test = "sixteen::a_pointer_that_can_t_be_an_address_dies_in_the_same_way";
        let ended = doomed::child(test, || {
            lab::fatal::tell();
            let rubbish = std::hint::black_box(0xdead_0000_0000_0000_usize) as *const u8;
            // SAFETY: this process is to die of it.
            println!("{}", unsafe { rubbish.read_volatile() });
        });
        assert_eq!(ended.how, Ending::Killed(doomed::Signal(libc::SIGSEGV)), "{ended}");
        assert!(ended.stderr.contains("died of SIGSEGV, SI_KERNEL, no address"), "{ended}");
    }

    #[test]
    fn off_by_eight_a_local_that_asks_for_more_than_sixteen_is_aligned_all_the_same() {
        on_a_stack(stores_8, 8);
        on_a_stack(stores_32, 8);
        on_a_stack(stores_16, 0);
    }
}

#[test]
fn a_panic_ends_its_fiber_and_is_what_its_end_reports() {
    let mut fiber = Fiber::new(64 << 10, || panic::resume_unwind(Box::new(7))).unwrap();
    match fiber.resume() {
        Progress::Ended(Err(payload)) => assert_eq!(payload.downcast_ref(), Some(&7)),
        progress => panic!("{progress:?}"),
    }
    assert!(!thread::panicking());
}

/// Lets the others run in the middle of its fiber's panic.
struct Yields;

impl Drop for Yields {
    fn drop(&mut self) {
        yield_now();
    }
}

#[test]
fn a_panic_that_yields_makes_the_others_panicking_and_poisons_what_they_unlock() {
    run(|| {
        let (seen, lock) = (Rc::new(Cell::new(None)), Rc::new(Mutex::new(0)));
        let (sees, locks) = (Rc::clone(&seen), Rc::clone(&lock));
        let innocent = spawn(move || {
            let guard = locks.lock();
            yield_now();
            sees.set(Some(thread::panicking()));
            drop(guard);
        });
        let guilty = spawn(|| {
            let _yields = Yields;
            panic!("boom");
        });
        assert!(innocent.join().is_ok());
        assert_eq!(seen.get(), Some(true));
        assert!(lock.is_poisoned());
        assert!(guilty.join().is_err());
        assert!(!thread::panicking());
    });
}

#[test]
fn a_second_panic_meanwhile_is_caught_like_any_other() {
    run(|| {
        let first = spawn(|| {
            let _yields = Yields;
            panic!("one");
        });
        let second = spawn(|| panic!("two"));
        assert!(first.join().is_err());
        assert!(second.join().is_err());
    });
}

#[test]
fn a_panic_that_does_not_yield_poisons_nothing_of_the_others() {
    run(|| {
        let lock = Rc::new(Mutex::new(0));
        let locks = Rc::clone(&lock);
        let innocent = spawn(move || {
            let guard = locks.lock();
            yield_now();
            drop(guard);
        });
        let guilty = spawn(|| panic!("boom"));
        assert!(innocent.join().is_ok() && guilty.join().is_err());
        assert!(!lock.is_poisoned());
    });
}

#[test]
fn a_backtrace_ends_at_the_first_frame() {
    let mut fiber = Fiber::new(256 << 10, || {
        let trace = std::backtrace::Backtrace::force_capture().to_string();
        let last = trace.lines().rfind(|line| !line.trim_start().starts_with("at ")).unwrap();
        assert!(last.ends_with("fibers::fiber::first"), "{trace}");
        suspend();
    })
    .unwrap();
    assert!(matches!(fiber.resume(), Progress::Suspended));
}

//! What fibers do where memory ends: too small a stack for a backtrace, huge pages, no address space, and
//! nothing that is kept for ever.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::panic::catch_unwind;
use std::thread;

use fibers::fiber::{Fiber, Progress, suspend};
use fibers::huge::touched;
use fibers::stack::{SMALLEST, Stack};
use fibers::{run, spawn, spawn_sized, yield_now};
use lab::doomed::{self, Ended, Ending, Signal};
use lab::measure::Memory;

/// In a process of its own; `None` where there can't be one.
fn child(test: &str, body: impl FnOnce()) -> Option<Ended> {
    if lab::measure::emulated() {
        println!("skipped: a program for another processor cannot start itself again");
        return None;
    }
    Some(doomed::child(test, body))
}

/// Whether a panic on the smallest stack reaches its joiner, with a backtrace or without.
fn a_panic_on_the_smallest_stack(backtrace: &str) {
    // SAFETY: this process is a child with one test, whose other thread only waits for that.
    unsafe { env::set_var("RUST_BACKTRACE", backtrace) };
    lab::fatal::tell();
    let _below = Stack::new(SMALLEST).unwrap();
    let caught = run(|| {
        let fiber = spawn_sized(SMALLEST, || panic!("boom")).unwrap();
        fiber.join().is_err()
    });
    assert!(caught);
}

#[test]
fn a_panic_that_prints_no_backtrace_has_room_on_the_smallest_stack() {
    let test = "a_panic_that_prints_no_backtrace_has_room_on_the_smallest_stack";
    if let Some(ended) = child(test, || a_panic_on_the_smallest_stack("0")) {
        assert_eq!(ended.how, Ending::Passed, "{ended}");
    }
}

#[test]
fn a_backtrace_overflows_the_smallest_stack() {
    let test = "a_backtrace_overflows_the_smallest_stack";
    if let Some(ended) = child(test, || a_panic_on_the_smallest_stack("1")) {
        assert_eq!(ended.how, Ending::Killed(Signal(libc::SIGSEGV)), "{ended}");
        assert!(ended.stderr.contains("died of SIGSEGV, SEGV_"), "{ended}");
    }
}

#[test]
fn a_touch_of_a_stack_on_huge_pages_costs_the_whole_stack_and_more() {
    let test = "a_touch_of_a_stack_on_huge_pages_costs_the_whole_stack_and_more";
    let ended = child(test, || {
        const COUNT: usize = 640;
        let each = |huge| {
            let before = Memory::now().unwrap();
            let after = touched(COUNT, huge, || Memory::now().unwrap())?;
            std::io::Result::Ok(after.each_since(&before, COUNT).resident)
        };
        let small = each(false).unwrap_or(4096);
        let Ok(huge) = each(true) else { return println!("skipped: no huge pages here") };
        if huge < 2 * small {
            return println!("skipped: the kernel had no huge page to give");
        }
        assert!(small < 16 << 10 && huge > 48 << 10, "{small} bytes, and {huge} with huge pages");
    });
    if let Some(ended) = ended {
        assert_eq!(ended.how, Ending::Passed, "{ended}");
        print!("{}", ended.stdout.lines().find(|line| line.starts_with("skipped")).unwrap_or(""));
    }
}

#[test]
fn the_kernel_that_is_given_an_address_in_the_guard_says_efault() {
    let stack = Stack::new(SMALLEST).unwrap();
    // SAFETY: the kernel checks the address, and writes nothing where it may not.
    let written = unsafe { libc::getrandom(stack.bottom().wrapping_sub(1).cast(), 1, 0) };
    let error = std::io::Error::last_os_error().raw_os_error();
    assert_eq!((written, error), (-1, Some(libc::EFAULT)));
}

/// Limits the address space of this process to so many bytes more than it has, until this is dropped.
struct Limited(libc::rlimit);

impl Limited {
    fn to(more: u64) -> Limited {
        let mut was = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        let now = Memory::now().unwrap().address_space + more;
        // SAFETY: the kernel writes and reads these limits during the calls.
        unsafe {
            assert_eq!(libc::getrlimit(libc::RLIMIT_AS, &mut was), 0);
            let limit = libc::rlimit { rlim_cur: now, ..was };
            assert_eq!(libc::setrlimit(libc::RLIMIT_AS, &limit), 0);
        }
        Limited(was)
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { libc::setrlimit(libc::RLIMIT_AS, &self.0) };
    }
}

#[test]
fn no_address_space_is_an_error_that_says_what_to_look_at() {
    let test = "no_address_space_is_an_error_that_says_what_to_look_at";
    let ended = child(test, || {
        // In a thread of its own, whose stacks go with it before anything is printed.
        let (made, error) = thread::spawn(|| {
            let mut stacks = Vec::with_capacity(1000);
            let limited = Limited::to(64 << 20);
            let error = loop {
                match Stack::new(1 << 20) {
                    Ok(stack) => stacks.push(stack),
                    Err(error) => break error,
                }
            };
            // What was given back is given out again, limit or not.
            stacks.pop();
            assert!(Stack::new(1 << 20).is_ok());
            drop(limited);
            (stacks.len(), error)
        })
        .join()
        .unwrap();
        assert!((10..70).contains(&made), "{made} stacks of a MiB in 64 MiB");
        assert_eq!(error.kind(), ErrorKind::OutOfMemory);
        let words = error.to_string();
        assert!(words.contains("no address space for stacks"), "{words}");
        assert!(words.contains("`ulimit -v` limits address space"), "{words}");
    });
    if let Some(ended) = ended {
        assert_eq!(ended.how, Ending::Passed, "{ended}");
    }
}

#[test]
fn a_spawn_for_which_there_is_no_stack_panics_and_the_others_go_on() {
    let test = "a_spawn_for_which_there_is_no_stack_panics_and_the_others_go_on";
    let ended = child(test, || {
        let (words, other) = run(|| {
            let other = spawn(|| {
                yield_now();
                5
            });
            let limited = Limited::to(16 << 20);
            let error = spawn_sized(256 << 20, || ()).map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::OutOfMemory);
            let mut made = Vec::with_capacity(1000);
            let payload = loop {
                match catch_unwind(|| spawn(suspend)) {
                    Ok(fiber) => made.push(fiber),
                    Err(payload) => break payload,
                }
            };
            drop(limited);
            let words = payload.downcast_ref::<String>().cloned().unwrap_or_default();
            (words, other.join().unwrap())
        });
        assert!(words.contains("no address space for stacks"), "{words}");
        assert_eq!(other, 5);
    });
    if let Some(ended) = ended {
        assert_eq!(ended.how, Ending::Passed, "{ended}");
    }
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// So many fibers, of which one third ends, one third has not begun, and one third is suspended when
/// they are dropped.
fn made_and_dropped(count: usize) {
    let one = |at: usize| {
        let mut fiber = Fiber::new(SMALLEST, move || {
            let _held = Box::new([at; 8]);
            if at.is_multiple_of(3) {
                suspend();
            }
        })
        .unwrap();
        if at % 3 < 2 {
            let ended = matches!(fiber.resume(), Progress::Ended(_));
            assert_eq!(ended, at % 3 == 1);
        }
        fiber
    };
    drop((0..count).map(one).collect::<Vec<_>>());
}

/// The whole of it, a thousand times 100,000, is `FIBERS_ROUNDS=1000 FIBERS_COUNT=100000`.
#[test]
fn fibers_that_are_made_and_dropped_leak_no_memory_no_mapping_and_no_descriptor() {
    let test = "fibers_that_are_made_and_dropped_leak_no_memory_no_mapping_and_no_descriptor";
    let asked = |name| env::var(name).ok().and_then(|value| value.parse().ok());
    let (rounds, count) = (asked("FIBERS_ROUNDS"), asked("FIBERS_COUNT").unwrap_or(2_000));
    let body = move || {
        let round = |number: usize| {
            made_and_dropped(count);
            // Some in a `run` too, with the sockets and the epoll instance that are its own.
            if number.is_multiple_of(8) {
                run(|| {
                    let fibers: Vec<_> = (0..100).map(|_| spawn(yield_now)).collect();
                    let pair = fibers::UnixStream::pair().unwrap();
                    fibers.into_iter().for_each(|fiber| fiber.join().unwrap());
                    drop(pair);
                });
            }
        };
        (0..3).for_each(round);
        let (before, open) = (Memory::now().unwrap(), descriptors());
        (0..rounds.unwrap_or(50)).for_each(round);
        let (after, still_open) = (Memory::now().unwrap(), descriptors());
        println!("{before:?}\n{after:?}\n{open} and {still_open} descriptors");
        assert_eq!(still_open, open);
        assert!(after.mappings <= before.mappings + 2, "{before:?}, {after:?}");
        assert!(after.resident <= before.resident + (1 << 20), "{before:?}, {after:?}");
        assert!(after.address_space <= before.address_space + (1 << 20), "{before:?}, {after:?}");
    };
    match rounds {
        Some(_) => body(),
        None => {
            if let Some(ended) = child(test, body) {
                assert_eq!(ended.how, Ending::Passed, "{ended}");
            }
        }
    }
}

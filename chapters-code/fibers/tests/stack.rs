//! What the note *The stack* claims.

use std::env;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::Instant;

use blocking::experiment::{strace_works, system_calls};

use fibers::fiber::{Fiber, suspend};
use fibers::overflow::{
    changed_below, many_frames, one_large_frame, one_large_frame_without_probes,
};
use fibers::stack::{Guard, SMALLEST, Stack, guard_by};
use fibers::switch::First;
use lab::doomed::{self, Ending, Signal};
use lab::measure::{Memory, marked};

fn changed(first: First, guard: bool) -> usize {
    // SAFETY: what overflows here are 64 KiB at most, and there are 4 MiB below.
    unsafe { changed_below(first, guard) }.unwrap()
}

/// Whether a test can start its own program again; else says why not.
fn can_start_itself() -> bool {
    let emulated = lab::measure::emulated();
    if emulated {
        println!("skipped: a program for another processor cannot start itself again");
    }
    !emulated
}

/// What the kernel says of a page that `mprotect` has made so. Of a guard in the page table it says
/// that nothing is mapped there.
const PROTECTED: &[&str] = &["SEGV_ACCERR"];

#[track_caller]
fn dies_at_a_guard(test: &str, codes: &[&str], body: impl FnOnce()) {
    if !can_start_itself() {
        return;
    }
    let ended = doomed::child(test, || {
        lab::fatal::tell();
        body();
    });
    assert_eq!(ended.how, Ending::Killed(Signal(libc::SIGSEGV)), "{ended}");
    let told = |code: &&str| ended.stderr.contains(&format!("died of SIGSEGV, {code} at 0x"));
    assert!(codes.iter().any(told), "{ended}");
}

/// In a process of its own: what is counted is that of a process.
#[track_caller]
fn alone(test: &str, body: impl FnOnce()) {
    if !can_start_itself() {
        return;
    }
    let ended = doomed::child(test, body);
    assert_eq!(ended.how, Ending::Passed, "{ended}");
    print!("{}", ended.stdout.lines().find(|line| line.starts_with("skipped: ")).unwrap_or(""));
}

#[test]
fn without_a_guard_an_overflow_changes_what_is_below_and_the_fiber_returns() {
    assert!(changed(many_frames, false) > 30_000);
}

#[test]
fn a_guard_makes_an_overflow_a_death() {
    let test = "a_guard_makes_an_overflow_a_death";
    dies_at_a_guard(test, PROTECTED, || {
        changed(many_frames, true);
    });
}

#[test]
fn rust_probes_each_page_of_a_large_frame_so_it_meets_the_guard() {
    let test = "rust_probes_each_page_of_a_large_frame_so_it_meets_the_guard";
    dies_at_a_guard(test, PROTECTED, || {
        changed(one_large_frame, true);
    });
}

#[test]
fn a_frame_that_is_not_probed_jumps_over_the_guard() {
    assert_eq!(changed(one_large_frame_without_probes, true), 1);
}

#[test]
fn a_fiber_of_this_crate_that_overflows_dies_at_its_guard() {
    let test = "a_fiber_of_this_crate_that_overflows_dies_at_its_guard";
    dies_at_a_guard(test, &["SEGV_MAPERR", "SEGV_ACCERR"], || {
        // So that what is below its guard are stacks too, and in use.
        let _below: Vec<Stack> = (0..8).map(|_| Stack::new(SMALLEST).unwrap()).collect();
        let mut fiber = Fiber::new(SMALLEST, || overflow(40)).unwrap();
        let _ = fiber.resume();
    });
}

#[test]
fn a_guard_in_the_page_table_is_told_as_nothing_mapped() {
    if !has_guards_in_the_page_table() {
        return;
    }
    let test = "a_guard_in_the_page_table_is_told_as_nothing_mapped";
    dies_at_a_guard(test, &["SEGV_MAPERR"], || {
        let _below = Stack::new(SMALLEST).unwrap();
        let mut fiber = Fiber::new(SMALLEST, || overflow(40)).unwrap();
        let _ = fiber.resume();
    });
}

#[test]
fn a_guard_that_is_a_mapping_does_the_same() {
    dies_at_a_guard("a_guard_that_is_a_mapping_does_the_same", PROTECTED, || {
        guard_by(Guard::Mapping);
        let _below = Stack::new(SMALLEST).unwrap();
        let mut fiber = Fiber::new(SMALLEST, || overflow(40)).unwrap();
        let _ = fiber.resume();
    });
}

fn overflow(calls: usize) {
    let frame = std::hint::black_box([0_u8; 512]);
    if calls > 0 {
        overflow(calls - 1);
    }
    std::hint::black_box(frame);
}

/// Whether this kernel makes guards in the page table; else says that it does not.
fn has_guards_in_the_page_table() -> bool {
    let before = Memory::now().unwrap().mappings;
    let stacks: Vec<Stack> = (0..8).map(|_| Stack::new(SMALLEST).unwrap()).collect();
    let has = Memory::now().unwrap().mappings < before + 8;
    drop(stacks);
    if !has {
        println!("skipped: this kernel has no MADV_GUARD_INSTALL (Linux 6.13)");
    }
    has
}

#[test]
fn guards_that_are_mappings_end_where_the_limit_says() {
    alone("guards_that_are_mappings_end_where_the_limit_says", || {
        let limit = fs::read_to_string("/proc/sys/vm/max_map_count").unwrap();
        let limit: u64 = limit.trim().parse().unwrap();
        if limit > 200_000 {
            return println!("skipped: {limit} mappings are more than a test should make");
        }
        let (made, predicted, words) = thread::spawn(move || {
            guard_by(Guard::Mapping);
            let mut stacks = Vec::with_capacity(limit as usize);
            let predicted = (limit - Memory::now().unwrap().mappings) / 2;
            let error = loop {
                match Stack::new(SMALLEST) {
                    Ok(stack) => stacks.push(stack),
                    Err(error) => break error,
                }
            };
            // These go before anything is printed: at the limit nothing can be mapped.
            (stacks.len() as u64, predicted, error.to_string())
        })
        .join()
        .unwrap();
        assert!(made.abs_diff(predicted) < 100, "{made} made, {predicted} predicted");
        assert!(words.contains("vm.max_map_count"), "{words}");
    });
}

#[test]
fn guards_in_the_page_table_take_no_mapping_more() {
    alone("guards_in_the_page_table_take_no_mapping_more", || {
        if !has_guards_in_the_page_table() {
            return;
        }
        let (made, mappings) = thread::spawn(|| {
            let before = Memory::now().unwrap().mappings;
            let stacks: Vec<Stack> = (0..50_000).map(|_| Stack::new(SMALLEST).unwrap()).collect();
            (stacks.len(), Memory::now().unwrap().mappings.saturating_sub(before))
        })
        .join()
        .unwrap();
        assert!(made == 50_000 && mappings < 200, "{mappings} mappings");
    });
}

#[test]
fn a_stack_that_is_given_back_is_given_out_again_and_the_kernel_gives_nothing_more() {
    alone(
        "a_stack_that_is_given_back_is_given_out_again_and_the_kernel_gives_nothing_more",
        || {
            thread::spawn(|| {
                let fibers = || suspended(10_000);
                drop(fibers());
                let before = Memory::now().unwrap();
                for _ in 0..3 {
                    drop(fibers());
                }
                let after = Memory::now().unwrap();
                assert_eq!(after.mappings, before.mappings);
                assert!(after.resident < before.resident + (1 << 20), "{before:?}, {after:?}");
            })
            .join()
            .unwrap();
        },
    );
}

#[test]
fn a_thread_s_stacks_go_with_it() {
    alone("a_thread_s_stacks_go_with_it", || {
        let before = Memory::now().unwrap();
        for _ in 0..20 {
            let make =
                || drop((0..2_000).map(|_| Stack::new(SMALLEST).unwrap()).collect::<Vec<_>>());
            thread::spawn(make).join().unwrap();
        }
        let after = Memory::now().unwrap();
        assert!(after.address_space < before.address_space + (256 << 20), "{before:?}, {after:?}");
    });
}

/// So many fibers that have run to their first suspension.
fn suspended(count: usize) -> Vec<Fiber> {
    let one = |_| {
        let mut fiber = Fiber::new(64 << 10, suspend).unwrap();
        let _ = fiber.resume();
        fiber
    };
    (0..count).map(one).collect()
}

#[test]
fn ten_thousand_fibers_for_the_second_time_make_no_system_call_for_their_stacks() {
    const CLIENT: &str = "FIBERS_CLIENT";
    let test = "ten_thousand_fibers_for_the_second_time_make_no_system_call_for_their_stacks";
    if env::var_os(CLIENT).is_some() {
        drop(suspended(10_000));
        marked(|| drop(suspended(10_000)));
        return;
    }
    if !strace_works() {
        return println!("\nskipped: there is no strace here, or it may not trace");
    }
    let mut again = Command::new(env::current_exe().unwrap());
    again.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(CLIENT, "1");
    // The allocator may ask for its heap: for the list, and for what each fiber has besides its stack.
    let calls = system_calls(&again).unwrap();
    assert!(calls < 10, "{calls} calls");
}

#[test]
fn ten_thousand_fibers_are_made_no_slower_than_corosensei_s() {
    use corosensei::stack::DefaultStack;
    use corosensei::{Coroutine, CoroutineResult};

    if lab::measure::emulated() {
        return println!("skipped: another processor plays this one, and times mean nothing");
    }
    let theirs = || {
        let one = |_| {
            let stack = DefaultStack::new(64 << 10).unwrap();
            let mut fiber =
                Coroutine::<(), (), (), _>::with_stack(stack, |yielder, ()| yielder.suspend(()));
            assert!(matches!(fiber.resume(()), CoroutineResult::Yield(())));
            fiber
        };
        let from = Instant::now();
        let made: Vec<_> = (0..10_000).map(one).collect();
        let took = from.elapsed();
        drop(made);
        took
    };
    let ours = || {
        let from = Instant::now();
        let made = suspended(10_000);
        let took = from.elapsed();
        drop(made);
        took
    };
    // Each in a thread of its own: the next one's pool is empty.
    let rounds = (0..5)
        .map(|_| [thread::spawn(ours).join().unwrap(), thread::spawn(theirs).join().unwrap()]);
    let rounds: Vec<_> = rounds.collect();
    let [ours, theirs] = [0, 1].map(|who| rounds.iter().map(|of| of[who]).min().unwrap());
    assert!(ours <= theirs, "{ours:?}, {theirs:?}");
}

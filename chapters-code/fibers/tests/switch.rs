//! What the note *The switch* claims.

use fibers::cost::{best_of, by_paired, by_plain};
use fibers::predictor::{JUMP, PAIRED as CALL_AND_RETURN, PLAIN as RETURN, returns};
use fibers::probe::{NAMES, PAIRED, PLAIN, Switch, Trial, WORDS};

#[track_caller]
fn keeps_all(switch: Switch) {
    let trial = Trial::of(switch, |_| {});
    for (name, before, after) in trial.lost() {
        println!("{name} was {before} and is {after}");
    }
    assert!(trial.lost().is_empty());
    // Looked at, and not left as they were.
    assert_eq!(trial.after[0][NAMES.len() - 1], 100 + NAMES.len() as u64);
    assert_eq!(trial.after[1][0], 201);
}

#[test]
fn the_plain_switch_keeps_every_register_that_a_call_keeps() {
    keeps_all(PLAIN);
}

#[test]
fn the_paired_switch_keeps_every_register_that_a_call_keeps() {
    keeps_all(PAIRED);
}

#[test]
fn the_word_points_at_what_the_side_that_waits_has_pushed() {
    let mut fibers = Vec::new();
    let trial = Trial::of(PLAIN, |trial| {
        // SAFETY: the fiber waits, with so many words at its stack pointer.
        fibers = unsafe { fibers::probe::words(trial.other, WORDS) };
    });
    for (on_the_stack, before) in [(&trial.mains, trial.before[0]), (&fibers, trial.before[1])] {
        // One of them is the address to go on at.
        let mut found: Vec<u64> = on_the_stack.iter().map(|word| *word as u64).collect();
        found.retain(|word| *word < 1000);
        found.sort_unstable();
        assert_eq!(found, before);
    }
}

/// Whether times say something here; else says why not.
fn can_be_timed() -> bool {
    let emulated = lab::measure::emulated();
    if emulated {
        println!("skipped: another processor plays this one, and times mean nothing");
    }
    !emulated
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_jump_for_the_return_makes_a_switch_faster_by_half_at_least() {
    if can_be_timed() {
        let ways = [&mut by_plain() as &mut dyn FnMut(u32), &mut fibers::cost::by_jump()];
        let [ret, jmp] = best_of(100, ways);
        assert!(ret > 1.5 * jmp, "ret {ret:.1} ns, jmp {jmp:.1} ns");
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_return_that_belongs_to_a_call_is_faster_by_half_at_least() {
    if can_be_timed() {
        let [ret, paired] = best_of(100, [&mut by_plain(), &mut by_paired()]);
        assert!(ret > 1.5 * paired, "ret {ret:.1} ns, paired {paired:.1} ns");
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_paired_switch_takes_no_more_than_half_as_long_again_as_corosensei_s() {
    use corosensei::{Coroutine, CoroutineResult};

    let mut theirs = Coroutine::<(), (), ()>::new(|yielder, ()| {
        loop {
            yielder.suspend(());
        }
    });
    let mut corosensei = |times: u32| {
        for _ in 0..times {
            assert!(matches!(theirs.resume(()), CoroutineResult::Yield(())));
        }
    };
    if can_be_timed() {
        let [paired, theirs] = best_of(300, [&mut by_paired(), &mut corosensei]);
        println!("paired {paired:.1} ns, corosensei {theirs:.1} ns");
        assert!(paired < 1.5 * theirs, "paired {paired:.1} ns, corosensei {theirs:.1} ns");
    }
}

#[test]
fn a_predictor_that_keeps_calls_misses_each_way_by_ret_and_none_by_call_and_ret() {
    let missed = |steps| returns(steps).iter().map(|each| each.missed()).collect::<Vec<_>>();
    assert_eq!(missed(RETURN), [true, true, false]);
    assert_eq!(missed(CALL_AND_RETURN), [false, false]);
    // A jump is no return, so the calls stay, and what main's own function does next is missed.
    assert_eq!(missed(JUMP), [true]);
}

#[cfg(target_arch = "x86_64")]
mod rounding {
    use fibers::rounding::{self, Rounding, rude, towards_zero};
    use fibers::switch::plain;

    /// What Rust expects.
    const USUAL: Rounding = Rounding { third: 0.333_333_34, mxcsr: 0x1f80, x87: 0x37f };
    const RUDE: Rounding = Rounding { third: 0.333_333_3, mxcsr: 0x7f80, x87: 0xf7f };

    #[test]
    fn how_a_fiber_rounds_leaks_into_the_side_that_runs_next() {
        let mut stack = vec![0_u128; 1024];
        assert_eq!(rounding::now(), USUAL);
        // SAFETY: the stack is `rude`'s alone, its end is a multiple of 16, and it goes back once.
        let after = unsafe {
            let top = stack.as_mut_ptr_range().end.cast();
            rounding::after(&mut plain::prepare(top, rude))
        };
        assert_eq!(after, RUDE);
        assert_eq!(rounding::now(), USUAL);
    }

    /// Some lines of Rust run while it is changed, which is undefined in Rust's own terms. They are
    /// those of the library, and hold no number.
    #[test]
    fn corosensei_leaves_it_to_the_side_that_runs_next_as_well() {
        let mut theirs = corosensei::Coroutine::<(), (), ()>::new(|yielder, ()| {
            towards_zero();
            yielder.suspend(());
        });
        let _ = theirs.resume(());
        assert_eq!(rounding::now(), RUDE);
        let _ = theirs.resume(());
    }
}

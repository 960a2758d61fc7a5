//! What the note *What nobody can see* claims.

use std::rc::Rc;

use fibers::unseen::{
    Asks, End, Whose, destructors_after, thread_local_after, write_to_a_stack_that_is_gone,
};
use fibers::{run, spawn, yield_now};
use lab::doomed::{self, Ending, Signal};

fn may_change_threads<T: Send>(value: T) -> T {
    value
}

#[test]
fn a_closure_that_will_hold_an_rc_over_a_switch_is_send() {
    let fiber = may_change_threads(|| {
        let count = Rc::new(1);
        yield_now();
        *count
    });
    assert_eq!(run(move || spawn(fiber).join().unwrap()), 1);
}

#[test]
fn after_a_change_of_thread_optimised_code_finds_the_first_thread_s_local() {
    assert_eq!(thread_local_after(true, Asks::Inline), Whose::First);
}

#[test]
fn a_function_that_is_not_inlined_is_no_cure() {
    assert_eq!(thread_local_after(true, Asks::ByACall), Whose::First);
}

#[test]
fn a_call_of_which_the_optimiser_knows_nothing_finds_the_local_of_the_thread_it_runs_on() {
    assert_eq!(thread_local_after(true, Asks::ByAnUnknownCall), Whose::Own);
}

#[test]
fn without_a_change_of_thread_each_finds_its_own() {
    for asks in [Asks::Inline, Asks::ByACall, Asks::ByAnUnknownCall] {
        assert_eq!(thread_local_after(false, asks), Whose::Own);
    }
}

#[test]
fn a_suspended_fiber_that_is_freed_or_forgotten_runs_no_destructor_and_one_that_is_unwound_does() {
    assert_eq!(destructors_after(End::Freed), 0);
    assert_eq!(destructors_after(End::Forgotten), 0);
    assert_eq!(destructors_after(End::Unwound), 1);
}

#[test]
fn a_scoped_thread_writes_to_the_stack_of_a_fiber_that_is_gone() {
    if lab::measure::emulated() {
        return println!("skipped: a program for another processor cannot start itself again");
    }
    let test = "a_scoped_thread_writes_to_the_stack_of_a_fiber_that_is_gone";
    let ended = doomed::child(test, || {
        lab::fatal::tell();
        // SAFETY: this process may die.
        unsafe { write_to_a_stack_that_is_gone() }
    });
    assert_eq!(ended.how, Ending::Killed(Signal(libc::SIGSEGV)), "{ended}");
    assert!(ended.stderr.contains("died of SIGSEGV, SEGV_MAPERR"), "{ended}");
}

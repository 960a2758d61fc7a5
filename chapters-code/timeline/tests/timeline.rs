//! The note "concurrency is not parallelism", claim by claim.
//!
//! Concurrent and not concurrent hold in every run, and so does not parallel: there is one thread, or
//! the kernel may run both threads on one core alone. That two workers can run at one instant is
//! shown by a run in which they do: see [`until_parallel`].

use std::collections::{BTreeSet, HashSet};
use std::task::Poll;
use std::thread;

use lab::timeline::Timeline;
use timeline::{
    OneCore, STEPS, TRIES, both, on_one_core, one_after_the_other, side_by_side, taking_turns,
    until_parallel,
};

#[test]
fn all_four_combinations_occur() {
    if one_core() {
        return;
    }
    let timelines =
        [one_after_the_other(), taking_turns(), until_parallel(side_by_side), until_parallel(both)];
    let seen = BTreeSet::from(timelines.map(|t| (t.concurrent(), t.parallel().proven())));
    let all = [(false, false), (false, true), (true, false), (true, true)];
    assert_eq!(seen, BTreeSet::from(all), "(concurrent, parallel)");
}

#[test]
fn one_after_the_other_is_neither_concurrent_nor_parallel() {
    let timeline = one_after_the_other();
    not_concurrent(&timeline);
    not_parallel(&timeline);
}

#[test]
fn taking_turns_is_concurrent_and_not_parallel() {
    let timeline = taking_turns();
    concurrent(&timeline);
    not_parallel(&timeline);
}

#[test]
fn side_by_side_is_parallel_and_not_concurrent() {
    not_concurrent(&side_by_side());
    if one_core() {
        return;
    }
    parallel(&until_parallel(side_by_side));
}

#[test]
fn both_is_concurrent_and_parallel() {
    concurrent(&both());
    if one_core() {
        return;
    }
    parallel(&until_parallel(both));
}

#[test]
fn two_threads_on_one_core_overlap_and_are_not_parallel() {
    for _ in 0..20 {
        let OneCore { timeline, allowed } = on_one_core();
        assert_ne!(timeline.slices("A")[0].thread, timeline.slices("B")[0].thread);
        assert!(timeline.overlaps("A", "B"), "the tasks do not overlap\n{timeline}");
        not_concurrent(&timeline);
        // What makes it so: neither thread may run anywhere else.
        let [a, b] = &allowed;
        assert_eq!((a.len(), a), (1, b), "cores that are allowed");
        no_evidence(&timeline);
    }
}

#[test]
fn a_thread_turns_to_its_other_task_at_each_await() {
    assert_eq!(order(&taking_turns()), "AB".repeat(STEPS));

    let timeline = both();
    let order = order(&timeline);
    assert_eq!(order.replace(['C', 'D'], ""), "AB".repeat(STEPS), "\n{timeline}");
    assert_eq!(order.replace(['A', 'B'], ""), "CD".repeat(STEPS), "\n{timeline}");
}

#[test]
fn each_pending_await_is_woken_by_its_own_thread() {
    let timeline = both();
    for task in ["A", "B", "C", "D"] {
        let (mut slices, mut wakes) = (timeline.slices(task), timeline.wakes());
        wakes.retain(|wake| wake.task == task);
        assert_eq!(slices.pop().and_then(|last| last.poll), Some(Poll::Ready(())));
        assert_eq!((slices.len(), wakes.len()), (STEPS - 1, STEPS - 1));
        for (slice, wake) in slices.iter().zip(wakes) {
            assert_eq!(slice.poll, Some(Poll::Pending));
            assert_eq!(slice.thread, wake.thread);
            assert!((slice.start..=slice.end).contains(&wake.at), "{wake:?} not in {slice:?}");
        }
    }
}

/// The tasks in the order of their slices.
fn order(timeline: &Timeline) -> String {
    timeline.all().into_iter().map(|slice| slice.task).collect()
}

fn concurrent(timeline: &Timeline) {
    let message = "not concurrent: no task was started before another was finished";
    assert!(timeline.concurrent(), "{message}\n{timeline}");
}

fn not_concurrent(timeline: &Timeline) {
    let message = "concurrent: a task was started before another was finished";
    assert!(!timeline.concurrent(), "{message}\n{timeline}");
}

fn parallel(timeline: &Timeline) {
    let evidence = timeline.parallel();
    let message = format!("not parallel in any of {TRIES} runs; the last took {evidence}");
    assert!(evidence.proven(), "{message}\n{timeline}");
}

/// One thread did it all.
fn not_parallel(timeline: &Timeline) {
    let threads: HashSet<_> = timeline.all().iter().map(|slice| slice.thread).collect();
    assert_eq!(threads.len(), 1, "parallel: more than one thread\n{timeline}");
    no_evidence(timeline);
}

fn no_evidence(timeline: &Timeline) {
    let evidence = timeline.parallel();
    assert!(!evidence.proven(), "parallel: {evidence}\n{timeline}");
}

/// Whether no two threads of this process can run at one instant.
fn one_core() -> bool {
    let one = thread::available_parallelism().is_ok_and(|cores| cores.get() == 1);
    if one {
        println!("\nskipped: nothing can be parallel on the one core that may be used here");
    }
    one
}

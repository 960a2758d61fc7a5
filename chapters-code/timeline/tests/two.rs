//! Two tasks that wait, and two that compute: what they gain from `join!`, and what from `spawn`.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use lab::doomed;
use lab::timeline::{Parallel, Timeline};
use timeline::two::{GUESSES, SPAN, Way, runtime};
use timeline::{TRIES, compute_for, until_parallel};

/// Runs the body in a process of its own, where nothing else uses processor time.
fn alone(test: &str, body: impl FnOnce()) {
    let ended = doomed::child(test, body);
    assert_eq!(ended.how, doomed::Ending::Passed, "{ended}");
}

/// Of five runs the shortest, and the one with the least processor time.
fn least(tasks: &str, how: &str) -> Parallel {
    let runs = [(); 5].map(|()| Way::named(tasks, how).took().unwrap());
    let wall = runs.iter().map(|run| run.wall).min().unwrap();
    let cpu = runs.iter().map(|run| run.cpu).min().unwrap();
    Parallel { cpu, wall }
}

#[test]
fn two_that_wait_take_as_long_as_one_and_no_more_processor_time() {
    alone("two_that_wait_take_as_long_as_one_and_no_more_processor_time", || {
        let (one_by_one, joined) = (least("wait", "one by one"), least("wait", "join!"));
        assert!(one_by_one.wall >= 2 * SPAN, "{one_by_one:?}");
        assert!(joined.wall >= SPAN && joined.wall * 3 < one_by_one.wall * 2, "{joined:?}");
        assert!(one_by_one.cpu * 20 < SPAN, "{one_by_one:?}");
        assert!(joined.cpu <= one_by_one.cpu + one_by_one.cpu / 2, "{joined:?}, {one_by_one:?}");
    });
}

#[test]
fn two_that_compute_gain_nothing_from_one_thread() {
    alone("two_that_compute_gain_nothing_from_one_thread", || {
        for how in ["one by one", "join!"] {
            let took = least("compute", how);
            assert!(took.cpu >= 2 * SPAN, "{how}: {took:?}");
            // Two clocks may disagree by a tenth: adjtimex(2).
            assert!(took.wall >= 2 * SPAN * 9 / 10, "{how}: {took:?}");
        }
    });
}

#[test]
fn two_that_compute_are_parallel_once_they_are_spawned() {
    if thread::available_parallelism().is_ok_and(|cores| cores.get() == 1) {
        println!("\nskipped: nothing can be parallel on the one core that may be used here");
        return;
    }
    let timeline = until_parallel(spawned);
    let evidence = timeline.parallel();
    assert!(evidence.proven(), "not parallel in any of {TRIES} runs: {evidence}\n{timeline}");
}

/// Two tasks that compute and do not await, on a tokio with two threads. Each is recorded in short
/// slices: where other programs want the cores too, there may be both for a moment alone.
fn spawned() -> Timeline {
    let timeline = Arc::new(Timeline::new());
    let task = |name| {
        let timeline = Arc::clone(&timeline);
        async move {
            for _ in 0..12 {
                timeline.slice(name, || compute_for(Duration::from_micros(250)));
            }
        }
    };
    let (one, other) = (task("A"), task("B"));
    runtime(2).unwrap().block_on(async {
        let both = [tokio::spawn(one), tokio::spawn(other)];
        for task in both {
            task.await.unwrap();
        }
    });
    Arc::into_inner(timeline).expect("both tasks are gone")
}

#[test]
fn what_the_four_guesses_take() {
    for (guess, spans) in GUESSES.iter().zip([3, 2, 1, 2]) {
        let expected = spans * SPAN;
        // One of five is enough: the one in which other programs took the least of the time.
        let as_expected = (0..5).any(|_| {
            let took = guess.took().unwrap();
            assert!(took >= expected, "{guess:?}: {took:?}");
            took < expected + SPAN / 2
        });
        assert!(as_expected, "{guess:?} takes longer than {expected:?}");
    }
}

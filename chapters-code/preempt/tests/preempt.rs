//! The note "who may interrupt you", claim by claim: the kernel and the executor.

use std::cell::Cell;
use std::future::ready;
use std::hint;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use lab::doomed::{Ending, child};
use lab::timeline::Timeline;
use preempt::{
    TIMES, awaiting_nothing, awaiting_pending, awaiting_ready, bytes_of, count, one_stack,
    two_threads,
};
use timeline::{next_turn, take_turns};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, LocalSet, block_in_place, spawn_blocking, unconstrained, yield_now};

type Task = Pin<Box<dyn Future<Output = ()>>>;

#[test]
fn the_kernel_interrupts_a_thread_that_lets_go_of_nothing() {
    let ended = child("the_kernel_interrupts_a_thread_that_lets_go_of_nothing", || {
        for _ in 0..20 {
            assert!(two_threads() >= 1, "the other ran on the core of a loop that had not lost it");
        }
    });
    assert_eq!(ended.how, Ending::Passed, "{}{}", ended.stdout, ended.stderr);
}

/// How often each task of the next test is pending.
const PENDING: usize = 100;

#[test]
fn no_other_task_runs_between_a_resume_and_the_next_pending() {
    for run in [on_ours, on_tokio] {
        let timeline = Rc::new(Timeline::new());
        let who = Rc::new(Cell::new(""));
        let tasks = ["A", "B", "C"].map(|name| {
            let (timeline, who) = (Rc::clone(&timeline), Rc::clone(&who));
            Box::pin(async move { timeline.traced(name, undisturbed(name, &who)).await }) as Task
        });
        run(tasks.into());

        let slices = timeline.all();
        assert_eq!(slices.len(), 3 * (PENDING + 1), "one slice for each resume");
        for pair in slices.windows(2) {
            assert!(pair[0].end <= pair[1].start, "one inside the other: {pair:?}");
        }
        assert!(timeline.concurrent(), "the tasks have taken turns");
    }
}

/// A task that says who it is each time that it is resumed, and finds that nobody has said anything
/// else when it is about to be pending.
async fn undisturbed(name: &'static str, who: &Cell<&'static str>) {
    for _ in 0..PENDING {
        who.set(name);
        for _ in 0..10 {
            ready(()).await;
            assert_eq!(who.get(), name, "another task ran");
        }
        next_turn().await;
    }
}

fn on_ours(tasks: Vec<Task>) {
    take_turns(tasks);
}

fn on_tokio(tasks: Vec<Task>) {
    let local = LocalSet::new();
    for task in tasks {
        local.spawn_local(task);
    }
    current_thread().block_on(local);
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

#[test]
fn a_ready_await_gives_nobody_a_turn() {
    for (saw, timeline) in [awaiting_nothing(), awaiting_ready()] {
        assert!(!saw, "B ran during A's loop: {}", order(&timeline));
        assert_eq!(order(&timeline), "AB");
    }
}

#[test]
fn a_pending_await_gives_the_other_task_a_turn() {
    let (saw, timeline) = awaiting_pending();
    assert!(saw, "B did not run during A's loop: {}", order(&timeline));
    assert_eq!(order(&timeline), "ABA");
}

/// The tasks in the order of their slices.
fn order(timeline: &Timeline) -> String {
    timeline.all().into_iter().map(|slice| slice.task).collect()
}

#[test]
fn no_addition_is_lost_when_no_await_in_it_is_pending() {
    let counted = count();
    let added = 2 * TIMES;
    assert!(counted == added, "two tasks add {TIMES} each: expected {added}; got {counted}");
}

#[test]
fn a_task_can_run_another_one_itself() {
    let ran = Cell::new(false);
    take_turns([async {
        take_turns([async { ran.set(true) }]);
        assert!(ran.get(), "the inner task ran, and the outer one has not been pending");
    }]);
}

#[test]
fn tokio_makes_a_receive_pending_although_a_message_is_there() {
    let received = received_until_another_task_runs(|receiving| tokio::spawn(receiving));
    assert!((1..MESSAGES).contains(&received), "{received}");

    let received = received_until_another_task_runs(|task| tokio::spawn(unconstrained(task)));
    assert_eq!(received, MESSAGES, "without the budget");
}

const MESSAGES: usize = 1_000;

type Counting = Pin<Box<dyn Future<Output = usize> + Send>>;

/// How many messages a task receives from a channel with all of them in it before it sees that another task ran.
fn received_until_another_task_runs(spawn: fn(Counting) -> JoinHandle<usize>) -> usize {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    for message in 0..MESSAGES {
        sender.send(message).unwrap();
    }
    let ran = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&ran);
    let receiving = async move {
        let mut received = 0;
        while received < MESSAGES && !seen.load(Ordering::Relaxed) {
            receiver.recv().await.expect("a message is there");
            received += 1;
        }
        received
    };
    current_thread().block_on(async {
        let receiving = spawn(Box::pin(receiving));
        tokio::spawn(async move { ran.store(true, Ordering::Relaxed) });
        receiving.await.unwrap()
    })
}

#[test]
fn block_in_place_lets_the_other_task_run_on_another_thread() {
    let ended = child("block_in_place_lets_the_other_task_run_on_another_thread", || {
        let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let ran = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ran);
        let looping = runtime.spawn(async move {
            let on = thread::current().id();
            let saw = (0..1_000_000).any(|_| seen.load(Ordering::Relaxed));
            assert!(!saw, "one worker, and the loop holds it");
            block_in_place(|| {
                while !seen.load(Ordering::Relaxed) {
                    hint::spin_loop();
                }
            });
            on
        });
        let other = runtime.spawn(async move {
            ran.store(true, Ordering::Relaxed);
            thread::current().id()
        });
        let [looping, other] = [looping, other].map(|task| runtime.block_on(task).unwrap());
        assert_ne!(looping, other);
    });
    assert_eq!(ended.how, Ending::Passed, "{}{}", ended.stdout, ended.stderr);
}

#[test]
fn two_tasks_run_on_the_same_bytes_of_one_stack() {
    let [a, b] = one_stack();
    assert_eq!(a.between_awaits, b.between_awaits);
    assert_ne!(a.across_an_await, b.across_an_await);
    for task in [a, b] {
        assert!(task.future.contains(&task.across_an_await), "not in its future: {task:x?}");
        assert!(!task.future.contains(&task.between_awaits), "in its future: {task:x?}");
    }
}

/// Half of the stack that a test has: what is nearer than this to a local is on the same stack.
const NEAR: usize = 1 << 20;

#[test]
fn a_future_that_is_pinned_on_the_stack_keeps_its_variables_there() {
    let local = 7;
    let kept_at = Cell::new(0);
    let task = pin!(async {
        let kept = 7;
        next_turn().await;
        kept_at.set(hint::black_box(&raw const kept).addr());
    });
    let future = bytes_of(&*task);
    take_turns([task]);
    assert!(future.contains(&kept_at.get()), "{:#x} is not in {future:x?}", kept_at.get());
    let here = (&raw const local).addr();
    assert!(kept_at.get().abs_diff(here) < NEAR, "{:#x} is not near {here:#x}", kept_at.get());
}

/// Computes, and says whether the other task ran meanwhile.
fn computes(ran: &AtomicBool) -> bool {
    (0..1_000_000).any(|_| ran.load(Ordering::Relaxed))
}

#[test]
fn yield_now_gives_other_tasks_their_turn_and_spawn_blocking_the_thread() {
    let saw_the_other = |computing: fn(Arc<AtomicBool>) -> JoinHandle<bool>| {
        current_thread().block_on(async {
            let ran = Arc::new(AtomicBool::new(false));
            let computing = computing(Arc::clone(&ran));
            let other = tokio::spawn(async move { ran.store(true, Ordering::Relaxed) });
            let saw = computing.await.unwrap();
            other.await.unwrap();
            saw
        })
    };
    assert!(!saw_the_other(|ran| tokio::spawn(async move { computes(&ran) })), "nothing yields");
    assert!(saw_the_other(|ran| {
        tokio::spawn(async move {
            computes(&ran);
            yield_now().await;
            computes(&ran)
        })
    }));
    assert!(saw_the_other(|ran| {
        spawn_blocking(move || {
            while !ran.load(Ordering::Relaxed) {
                hint::spin_loop();
            }
            true
        })
    }));
}

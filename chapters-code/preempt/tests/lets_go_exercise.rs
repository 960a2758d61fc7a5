//! What `awaiting_pending` and `add` owe the other tasks of their thread. Each message says what was
//! run and what had to come.

use std::cell::{Cell, RefCell};
use std::pin::{Pin, pin};
use std::task::{Context, Waker};

use preempt::{TIMES, add, awaiting_pending};
use timeline::{next_turn, take_turns};

type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// More turns than any test here needs: a task that wants to be polled on and on ends here.
const MANY: usize = 100 * TIMES;

/// Runs the tasks in turns, with a last one that ends the test when they take too many.
fn run<'a>(ran: &str, tasks: impl IntoIterator<Item = Task<'a>>) {
    let left = Cell::new(0);
    let tasks: Vec<Task> = tasks.into_iter().map(|task| counted(task, &left)).collect();
    let watch = async {
        for _ in 0..MANY {
            if left.get() == 0 {
                return;
            }
            next_turn().await;
        }
        panic!("{ran}: expected an end; {} of them not finished after {MANY} turns", left.get());
    };
    take_turns(tasks.into_iter().chain([Box::pin(watch) as Task]));
}

/// The task, which is one of those that are left until it is finished.
fn counted<'a>(task: Task<'a>, left: &'a Cell<usize>) -> Task<'a> {
    left.set(left.get() + 1);
    Box::pin(async {
        task.await;
        left.set(left.get() - 1);
    })
}

#[test]
fn a_lets_b_run_before_its_loop_ends() {
    let (saw, timeline) = awaiting_pending();
    let slices: String = timeline.all().into_iter().map(|slice| slice.task).collect();
    assert!(
        saw && slices == "ABA",
        "A loops until B has run: expected the slices ABA; got {slices}"
    );
}

#[test]
fn who_looks_at_each_turn_sees_each_addition() {
    let (counter, seen) = (Cell::new(0), RefCell::new(Vec::new()));
    let looks = async {
        for _ in 0..TIMES {
            seen.borrow_mut().push(counter.get());
            next_turn().await;
        }
    };
    run("one that adds, one that looks", [Box::pin(add(&counter)) as Task, Box::pin(looks)]);
    let seen = &seen.into_inner()[..4];
    assert!(
        seen == [1, 2, 3, 4],
        "one adds, one looks: expected to see [1, 2, 3, 4]; got {seen:?}"
    );
}

#[test]
fn after_each_addition_one_turn_is_given_away() {
    let (counter, mut turns) = (Cell::new(0), 0);
    let mut adds = pin!(add(&counter));
    let mut context = Context::from_waker(Waker::noop());
    while adds.as_mut().poll(&mut context).is_pending() {
        turns += 1;
        assert!(turns < MANY, "one adds alone: expected an end; not finished after {MANY} turns");
    }
    assert!(
        turns <= TIMES,
        "{TIMES} additions: expected one turn given away after each; it gave more, {turns}"
    );
    assert!(
        turns + 1 != TIMES,
        "{TIMES} additions: expected a turn given away after the last one too; there was none"
    );
    assert!(
        turns == TIMES,
        "{TIMES} additions: expected one turn given away after each; it gave less, {turns}"
    );
}

#[test]
fn one_that_adds_needs_no_other() {
    let counter = Cell::new(5);
    run("one adds alone", [Box::pin(add(&counter)) as Task]);
    let (added, counted) = (TIMES, counter.get() - 5);
    assert!(
        counted == added,
        "one adds {added} to a 5, alone: expected 5 + {added}; got 5 + {counted}"
    );
}

#[test]
fn four_that_add_lose_nothing() {
    let counter = Cell::new(0);
    run("four add", [(); 4].map(|()| Box::pin(add(&counter)) as Task));
    let (added, counted) = (4 * TIMES, counter.get());
    assert!(counted == added, "four add {TIMES} each: expected {added}; got {counted}");
}

#[test]
fn what_another_task_writes_in_its_turn_is_kept() {
    let counter = Cell::new(0);
    let writes = async {
        for _ in 0..10 {
            counter.set(counter.get() + 1_000_000);
            next_turn().await;
        }
    };
    run("one adds 1, the other a million", [Box::pin(add(&counter)) as Task, Box::pin(writes)]);
    let (expected, counted) = (10_000_000 + TIMES, counter.get());
    assert!(
        counted == expected,
        "one adds 1 {TIMES} times, the other a million 10 times: expected {expected}; got {counted}"
    );
}

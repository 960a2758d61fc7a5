//! What `take_turns` owes its tasks, and `next_turn` its executor. Each message says what was run and
//! what had to come.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use timeline::{next_turn, take_turns};

/// More polls than any test here needs: a task that is polled on and on ends here.
const MANY: usize = 1_000;

/// Tasks that write their letter at each poll.
#[derive(Default)]
struct Polls {
    order: RefCell<String>,
}

impl Polls {
    /// A task that is pending so many times, and ready after that.
    fn task(&self, letter: char, pending: usize) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        let mut polls = 0;
        Box::pin(poll_fn(move |_| {
            self.order.borrow_mut().push(letter);
            polls += 1;
            assert!(polls <= pending + 1, "{letter} was finished, and was polled again");
            if polls > pending { Poll::Ready(()) } else { Poll::Pending }
        }))
    }

    #[track_caller]
    fn must(&self, ran: &str, order: &str) {
        let polled = self.order.borrow();
        assert!(*polled == order, "{ran}: expected the polls {order:?}; got {polled:?}");
    }
}

#[test]
fn tasks_are_polled_in_turns_and_in_their_order() {
    let polls = Polls::default();
    take_turns([polls.task('A', 2), polls.task('B', 2), polls.task('C', 2)]);
    polls.must("A, B and C, each pending twice", "ABCABCABC");
}

#[test]
fn who_is_finished_first_leaves_the_order_of_the_others() {
    let polls = Polls::default();
    take_turns([polls.task('A', 0), polls.task('B', 2), polls.task('C', 3), polls.task('D', 1)]);
    polls.must("A, B, C and D, pending 0, 2, 3 and 1 times", "ABCDBCDBCC");
}

#[test]
fn a_long_task_is_finished_after_a_short_one() {
    let polls = Polls::default();
    take_turns([polls.task('A', 1), polls.task('B', 50)]);
    polls.must("A pending once, B 50 times", &format!("ABA{}", "B".repeat(50)));
}

#[test]
fn a_task_that_awaits_nothing_is_polled_once() {
    let polls = Polls::default();
    take_turns([polls.task('A', 0)]);
    polls.must("A, which is ready at once", "A");
}

/// How often this thread has gone to sleep so far: getrusage(2).
fn sleeps() -> i64 {
    // SAFETY: `rusage` holds numbers alone, of which all may be zero, and the call fills it.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_THREAD, &mut usage);
        usage.ru_nvcsw
    }
}

#[test]
fn between_two_turns_the_thread_stays_awake() {
    let (polls, before) = (Polls::default(), sleeps());
    take_turns([polls.task('A', 400), polls.task('B', 400)]);
    let slept = sleeps() - before;
    assert!(slept < 100, "A and B, pending 400 times: expected no sleep; got {slept} of them");
}

#[test]
fn without_tasks_there_is_nothing_to_wait_for() {
    let none: [std::future::Ready<()>; 0] = [];
    take_turns(none);
}

#[test]
fn a_task_can_wait_for_what_another_one_does() {
    let (done, polls) = (Cell::new(false), Cell::new(0));
    let waits = poll_fn(|_| {
        polls.set(polls.get() + 1);
        assert!(
            polls.get() < MANY,
            "A waits for B: expected that B has a turn; A got {MANY}, and B none"
        );
        if done.get() { Poll::Ready(()) } else { Poll::Pending }
    });
    let does = poll_fn(|_| {
        done.set(true);
        Poll::Ready(())
    });
    type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;
    take_turns([Box::pin(waits) as Task, Box::pin(does)]);
    let polls = polls.get();
    assert!(polls == 2, "A waits for B: expected 2 polls of A, before B and after it; got {polls}");
}

/// A waker that counts.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Polls a `next_turn` so many times; what each poll said, with the wakes until then.
fn polled(times: usize) -> Vec<String> {
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut context = Context::from_waker(&waker);
    let mut turn = pin!(next_turn());
    let poll = |_| {
        let said = if turn.as_mut().poll(&mut context).is_ready() { "ready" } else { "pending" };
        format!("{said}, {} wakes", wakes.0.load(Ordering::Relaxed))
    };
    (0..times).map(poll).collect()
}

#[test]
fn the_first_poll_of_a_turn_is_pending_and_wakes() {
    let said = polled(1);
    assert!(said == ["pending, 1 wakes"], "polled once: expected pending, 1 wake; got {said:?}");
}

#[test]
fn the_second_poll_of_a_turn_is_ready_and_wakes_nobody() {
    // One that is ready at once must not be polled twice.
    let said = if polled(1)[0].starts_with("ready") { polled(1) } else { polled(2) };
    let last = said.last().map_or("", String::as_str);
    assert!(last == "ready, 1 wakes", "polled twice: expected ready, 1 wake; got {said:?}");
}

#[test]
fn each_turn_is_pending_anew() {
    let order = RefCell::new(String::new());
    let task = async |letter| {
        for _ in 0..3 {
            order.borrow_mut().push(letter);
            assert!(order.borrow().len() < MANY, "A and B were begun {MANY} times");
            next_turn().await;
        }
    };
    take_turns([task('A'), task('B')]);
    let order = order.into_inner();
    assert!(
        order == "ABABAB",
        "A and B, each with three steps and a turn after each: expected ABABAB; got {order}"
    );
}

#[test]
fn a_turn_ends_on_an_executor_that_waits_for_wakes() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let turns = Cell::new(0);
    let task = async || {
        for _ in 0..3 {
            next_turn().await;
            turns.set(turns.get() + 1);
            assert!(turns.get() < MANY, "{MANY} turns of 6");
        }
    };
    runtime.block_on(async { tokio::join!(task(), task()) });
    assert!(turns.get() == 6, "two joined tasks on tokio: expected 6 turns; got {}", turns.get());
}

//! What ran when, on which thread, and how much processor time it had.
//!
//! A [`Timeline`] records *slices*: stretches in which a thread worked on a task. It draws them, one
//! lane a task, as text or as an [SVG](Timeline::svg), and answers whether the tasks were concurrent
//! and whether they were parallel.
//!
//! ```
//! use lab::timeline::Timeline;
//!
//! let timeline = Timeline::new();
//! timeline.slice("A", || 6 * 7);
//! timeline.slice("B", || 6 * 9);
//! assert!(!timeline.concurrent(), "A is finished before B starts:\n{timeline}");
//! ```
//!
//! # The two clocks
//!
//! `start` and `end` are read from one monotonic clock ([`Instant`]). `cpu` is read from the thread's
//! own clock, `CLOCK_THREAD_CPUTIME_ID` of clock_gettime(2), which stands still while the thread
//! waits, and while another thread has its core. Both are as fine as the kernel's clocks; the type is
//! [`Duration`], so no unit is left to guess.
//!
//! The second clock is what proves parallelism. Two threads on one core overlap in wall-clock time
//! exactly like two threads on two cores: the kernel takes turns between them. But if the threads
//! used more processor time than the time that passed, two of them ran at one instant.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

mod figure;
mod svg;

pub use figure::figure;

/// A stretch of time in which one thread worked on one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The task that was worked on.
    pub task: String,
    /// The thread that worked on it.
    pub thread: ThreadId,
    /// When the slice began, since [`Timeline::new`].
    pub start: Duration,
    /// When it ended, since [`Timeline::new`].
    pub end: Duration,
    /// The processor time that the thread used in it: at most `end - start`, less if it waited.
    pub cpu: Duration,
    /// What the poll returned, where the slice is a poll of a [traced](Timeline::traced) future:
    /// pending, and the task awaits; or ready, and the task is finished.
    pub poll: Option<Poll<()>>,
}

/// A wake of a traced task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wakeup {
    /// The task that was woken.
    pub task: String,
    /// The thread that woke it.
    pub thread: ThreadId,
    /// When, since [`Timeline::new`].
    pub at: Duration,
}

/// A record of slices and wakes, which any number of threads may add to through `&Timeline`.
#[derive(Debug)]
pub struct Timeline {
    origin: Instant,
    slices: Mutex<Vec<Slice>>,
    // Shared with wakers, which may outlive the timeline.
    wakes: Arc<Mutex<Vec<Wakeup>>>,
}

impl Timeline {
    /// An empty timeline. Its clock starts now.
    #[allow(clippy::new_without_default, reason = "a timeline starts at a moment that is chosen")]
    pub fn new() -> Timeline {
        Timeline { origin: Instant::now(), slices: Mutex::default(), wakes: Arc::default() }
    }

    /// Calls `work` and records the call as one slice of `task`. If `work` panics, nothing is
    /// recorded and the panic goes on.
    ///
    /// # Panics
    ///
    /// If `work` recorded a slice of its own on this timeline and thread: the time of the inner slice
    /// would count twice, and look like two threads.
    pub fn slice<T>(&self, task: &str, work: impl FnOnce() -> T) -> T {
        self.record(task, work, |_| None)
    }

    /// Records the call of `work`, and what `poll` makes of its value.
    fn record<T>(
        &self,
        task: &str,
        work: impl FnOnce() -> T,
        poll: impl FnOnce(&T) -> Option<Poll<()>>,
    ) -> T {
        // Processor time is read between the two readings of the wall clock, so that on a single
        // thread it can't come out as the larger.
        let start = self.origin.elapsed();
        let cpu = cpu_time();
        let value = work();
        let cpu = cpu_time() - cpu;
        let end = self.origin.elapsed();

        let (thread, poll) = (thread::current().id(), poll(&value));
        let mut slices = lock(&self.slices);
        if let Some(last) = slices.iter().rfind(|slice| slice.thread == thread) {
            assert!(last.end <= start, "a slice of `{}` inside a slice of `{task}`", last.task);
        }
        slices.push(Slice { task: task.to_owned(), thread, start, end, cpu, poll });
        value
    }

    /// The same future, each of whose polls is recorded as one slice of `task`: what an async task
    /// does between two awaits becomes visible. Each wake of the task is recorded before it is
    /// passed on.
    pub async fn traced<F: Future>(&self, task: &str, future: F) -> F::Output {
        let mut future = pin!(future);
        let mut wakers: Option<(Waker, Waker)> = None;
        std::future::poll_fn(|context| {
            // One waker of ours for each of the executor's, so that `will_wake` keeps its meaning.
            let theirs = context.waker();
            let (_, ours) = match wakers.take().filter(|(old, _)| old.will_wake(theirs)) {
                Some(same) => wakers.insert(same),
                None => wakers.insert((theirs.clone(), self.waker(task, theirs))),
            };
            let mut context = Context::from_waker(ours);
            self.record(
                task,
                || future.as_mut().poll(&mut context),
                |poll| Some(if poll.is_ready() { Poll::Ready(()) } else { Poll::Pending }),
            )
        })
        .await
    }

    /// A waker that records its wakes and passes them on to `inner`.
    fn waker(&self, task: &str, inner: &Waker) -> Waker {
        let (task, inner, wakes) = (task.to_owned(), inner.clone(), Arc::clone(&self.wakes));
        Waker::from(Arc::new(Recorder { task, inner, origin: self.origin, wakes }))
    }

    /// Every slice so far, in order of start.
    pub fn all(&self) -> Vec<Slice> {
        let mut slices = lock(&self.slices).clone();
        slices.sort_by_key(|slice| slice.start);
        slices
    }

    /// Every wake of a traced task so far, in order of time.
    pub fn wakes(&self) -> Vec<Wakeup> {
        let mut wakes = lock(&self.wakes).clone();
        wakes.sort_by_key(|wake| wake.at);
        wakes
    }

    /// The slices of `task` so far, in order of start. None, if there is no such task.
    pub fn slices(&self, task: &str) -> Vec<Slice> {
        self.all().into_iter().filter(|slice| slice.task == task).collect()
    }

    /// Whether each of two tasks started before the other was finished, in wall-clock time and on
    /// whatever threads. True of parallel tasks, of tasks that take turns on one thread, and of two
    /// threads that the kernel makes take turns on one core; it tells none of them from the others.
    ///
    /// # Panics
    ///
    /// If one of the tasks has no slice: a misspelt name must not pass for "they do not overlap".
    pub fn overlaps(&self, a: &str, b: &str) -> bool {
        let slices = self.all();
        let spans = spans(&slices);
        let [a, b] = [a, b].map(|task| match spans.get(task) {
            Some(span) => span,
            None => panic!("no slice of `{task}` in\n{self}"),
        });
        a.start < b.end && b.start < a.end
    }

    /// Whether some thread started one task before finishing another: it turned to a task while one
    /// that it had already worked on was still to be worked on.
    pub fn concurrent(&self) -> bool {
        let slices = self.all();
        let spans = spans(&slices);
        slices.iter().enumerate().any(|(i, slice)| {
            slices[..i].iter().any(|earlier| {
                earlier.thread == slice.thread
                    && earlier.task != slice.task
                    && spans[&*earlier.task].end > slice.start
            })
        })
    }

    /// The evidence that two threads ran at one instant, or the lack of it. See [`Parallel`].
    ///
    /// It is looked for in the whole timeline and in each of its stretches, from the start of one
    /// slice to the start of a later one: where other programs want the cores too, two threads may
    /// well run together for a while, and yet wait most of the time. The strongest evidence is
    /// returned; if there is none, what the whole timeline has to show.
    pub fn parallel(&self) -> Parallel {
        let slices = self.all();
        (0..slices.len())
            .flat_map(|first| stretches(&slices[first..]))
            .filter(Parallel::proven)
            .max_by_key(|stretch| stretch.cpu - stretch.wall)
            .or_else(|| stretches(&slices).last())
            .unwrap_or_default()
    }
}

fn lock<T>(record: &Mutex<Vec<T>>) -> MutexGuard<'_, Vec<T>> {
    // The vector is whole at any moment: a slice or a wake is pushed or it is not.
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The waker of a traced task.
struct Recorder {
    task: String,
    inner: Waker,
    origin: Instant,
    wakes: Arc<Mutex<Vec<Wakeup>>>,
}

impl Wake for Recorder {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let (task, thread) = (self.task.clone(), thread::current().id());
        lock(&self.wakes).push(Wakeup { task, thread, at: self.origin.elapsed() });
        // Nothing is locked here: an executor may well poll the task before this returns.
        self.inner.wake_by_ref();
    }
}

/// The pigeonhole: on one core at a time, threads can't use more processor time than passes.
///
/// If `cpu` exceeds `wall`, at some instant two threads ran. The converse does not hold: threads that
/// mostly wait may run together for a moment and leave no evidence. And the kernel that keeps the
/// clock is believed: where a hypervisor lets two virtual cores share a real one and does not say so,
/// a guest can't know better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parallel {
    /// The processor time of all slices together.
    pub cpu: Duration,
    /// The wall-clock time in which at least one slice was under way: the union of the slices.
    pub wall: Duration,
}

impl Parallel {
    /// Whether `cpu` exceeds `wall` by more than two clocks may disagree: by a tenth of a millisecond,
    /// since neither is read in no time, and by a quarter, since adjtimex(2) may let the wall clock
    /// go slower by a tenth, but not the other. Two busy threads on two cores come close to twice.
    pub fn proven(&self) -> bool {
        self.cpu > self.wall + self.wall / 4 + Duration::from_micros(100)
    }
}

impl fmt::Display for Parallel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of CPU time in {} of wall time", Millis(self.cpu), Millis(self.wall))
    }
}

/// The processor time that the calling thread has used since it began, in user mode and in the
/// kernel: `CLOCK_THREAD_CPUTIME_ID` of clock_gettime(2).
///
/// # Panics
///
/// If the system has no such clock (`EINVAL`). Linux has had one since 2.6.12.
pub fn cpu_time() -> Duration {
    clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// The processor time that all threads of this process have used since it began, those that have
/// ended included: `CLOCK_PROCESS_CPUTIME_ID` of clock_gettime(2).
///
/// # Panics
///
/// As [`cpu_time`].
pub fn process_cpu_time() -> Duration {
    clock(libc::CLOCK_PROCESS_CPUTIME_ID)
}

fn clock(id: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one timespec where its second argument points, and keeps no pointer.
    // `time` is one timespec, ours alone, and outlives the call.
    let status = unsafe { libc::clock_gettime(id, &mut time) };
    assert_eq!(status, 0, "clock_gettime: {}", io::Error::last_os_error());
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// From its first start to its last end.
struct Span {
    start: Duration,
    end: Duration,
}

/// The span of each task. `slices` are in order of start.
fn spans(slices: &[Slice]) -> HashMap<&str, Span> {
    let mut spans = HashMap::new();
    for slice in slices {
        let span = spans.entry(&*slice.task).or_insert(Span { start: slice.start, end: slice.end });
        span.end = span.end.max(slice.end);
    }
    spans
}

/// The processor time and the wall-clock time of the first slice, of the first two, and so on.
fn stretches(slices: &[Slice]) -> impl Iterator<Item = Parallel> {
    let mut covered = Duration::ZERO;
    slices.iter().scan(Parallel::default(), move |sum, slice| {
        sum.cpu += slice.cpu;
        sum.wall += slice.end.saturating_sub(slice.start.max(covered));
        covered = covered.max(slice.end);
        Some(*sum)
    })
}

/// How many characters a lane is wide.
const COLUMNS: usize = 60;

/// The threads in the order in which the lanes show them, so that a timeline is drawn alike whichever
/// thread happened to be first.
struct Threads(Vec<ThreadId>);

impl Threads {
    /// What stands for a thread; `+` for all beyond.
    const SIGNS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

    fn new(ids: impl IntoIterator<Item = ThreadId>) -> Threads {
        let mut threads = Vec::new();
        for id in ids {
            if !threads.contains(&id) {
                threads.push(id);
            }
        }
        Threads(threads)
    }

    fn number(&self, id: ThreadId) -> usize {
        self.0.iter().position(|&other| other == id).unwrap_or(self.0.len())
    }

    fn sign(&self, id: ThreadId) -> char {
        *Threads::SIGNS.get(self.number(id)).unwrap_or(&b'+') as char
    }
}

/// One lane a task, by name; one column a sixtieth of the time; in it the thread that worked on the
/// task in the middle of that time, or a dot. A slice too short for a column still gets one.
impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut slices = self.all();
        let (Some(start), Some(end)) =
            (slices.iter().map(|s| s.start).min(), slices.iter().map(|s| s.end).max())
        else {
            return writeln!(f, "(nothing was recorded)");
        };
        slices.sort_by(|a, b| (&a.task, a.start).cmp(&(&b.task, b.start)));
        let threads = Threads::new(slices.iter().map(|slice| slice.thread));

        let total = (end - start).max(Duration::from_nanos(1));
        let width = slices.iter().map(|slice| slice.task.chars().count()).max().unwrap_or(0);
        for lane in slices.chunk_by(|a, b| a.task == b.task) {
            let mut columns = ['.'; COLUMNS];
            for slice in lane {
                let [from, to] = [slice.start, slice.end].map(|moment| {
                    let column = (moment - start).as_secs_f64() / total.as_secs_f64();
                    (column * COLUMNS as f64).round() as usize
                });
                let from = from.min(COLUMNS - 1);
                columns[from..to.max(from + 1)].fill(threads.sign(slice.thread));
            }
            let columns: String = columns.iter().collect();
            writeln!(f, "{:width$}  {columns}", lane[0].task)?;
        }
        let signs: Vec<_> = threads.0.iter().map(|&id| threads.sign(id).to_string()).collect();
        let word = if signs.len() == 1 { "thread" } else { "threads" };
        let column = Millis(total / COLUMNS as u32);
        writeln!(f, "{:width$}  {word} {}; one column is {column}", "", signs.join(", "))
    }
}

/// A time in milliseconds, to two places.
struct Millis(Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ms", self.0.as_secs_f64() * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::hint::spin_loop;
    use std::sync::{Barrier, mpsc};

    use super::*;

    /// A timeline of (task, thread, start, end, CPU time), in milliseconds.
    pub(super) fn timeline(slices: &[(&str, usize, u64, u64, u64)]) -> Timeline {
        let id = || thread::spawn(|| thread::current().id()).join().unwrap();
        let threads = [id(), id(), id()];
        let timeline = Timeline::new();
        for &(task, thread, start, end, cpu) in slices {
            let [start, end, cpu] = [start, end, cpu].map(Duration::from_millis);
            let (task, thread) = (task.to_owned(), threads[thread]);
            lock(&timeline.slices).push(Slice { task, thread, start, end, cpu, poll: None });
        }
        timeline
    }

    fn burn(time: Duration) {
        let start = cpu_time();
        while cpu_time() - start < time {
            spin_loop();
        }
    }

    #[test]
    fn a_slice_has_its_value_its_thread_and_its_times() {
        let timeline = Timeline::new();
        let before = timeline.origin.elapsed();
        assert_eq!(timeline.slice("A", || 7), 7);
        let [slice] = &timeline.all()[..] else { panic!("one slice was recorded") };
        assert_eq!((&*slice.task, slice.thread), ("A", thread::current().id()));
        assert!(before <= slice.start && slice.start <= slice.end, "{slice:?}");
        assert!(slice.end <= timeline.origin.elapsed(), "{slice:?}");
    }

    #[test]
    fn cpu_time_passes_while_working_and_not_while_asleep() {
        let (work, sleep) = (Duration::from_millis(2), Duration::from_millis(20));
        let timeline = Timeline::new();
        timeline.slice("work", || burn(work));
        timeline.slice("sleep", || thread::sleep(sleep));
        let [worked, slept] = &timeline.all()[..] else { panic!("two slices were recorded") };
        assert!(worked.cpu >= work, "{worked:?}");
        assert!(slept.end - slept.start >= sleep && slept.cpu < sleep / 2, "{slept:?}");
    }

    #[test]
    fn the_process_has_the_time_of_threads_that_have_ended() {
        let before = process_cpu_time();
        thread::spawn(|| burn(Duration::from_millis(2))).join().unwrap();
        assert!(process_cpu_time() - before >= Duration::from_millis(2));
    }

    #[test]
    fn each_poll_is_a_slice() {
        let timeline = Timeline::new();
        let mut left = 3;
        let countdown = std::future::poll_fn(|_| {
            left -= 1;
            if left == 0 { Poll::Ready("done") } else { Poll::Pending }
        });
        let mut traced = pin!(timeline.traced("A", countdown));
        let mut context = Context::from_waker(Waker::noop());
        for polls in 1..3 {
            assert!(traced.as_mut().poll(&mut context).is_pending());
            assert_eq!(timeline.slices("A").len(), polls);
        }
        assert_eq!(traced.poll(&mut context), Poll::Ready("done"));
        let polls: Vec<_> = timeline.slices("A").iter().map(|slice| slice.poll).collect();
        assert_eq!(polls, [Some(Poll::Pending), Some(Poll::Pending), Some(Poll::Ready(()))]);
    }

    #[test]
    fn each_wake_is_recorded_and_passed_on() {
        let timeline = Timeline::new();
        let (sender, woken) = mpsc::channel();
        let mut kept: Vec<Waker> = Vec::new();
        let keep = std::future::poll_fn(|context| {
            kept.push(context.waker().clone());
            if kept.len() < 3 { Poll::Pending } else { Poll::Ready(kept.clone()) }
        });
        let mut traced = pin!(timeline.traced("A", keep));
        let [one, other] = ["one", "other"].map(|name| Waker::from(passes_on(name, &sender)));
        assert!(traced.as_mut().poll(&mut Context::from_waker(&one)).is_pending());
        assert!(traced.as_mut().poll(&mut Context::from_waker(&one)).is_pending());
        let Poll::Ready(kept) = traced.poll(&mut Context::from_waker(&other)) else {
            panic!("three polls are enough")
        };
        assert!(kept[0].will_wake(&kept[1]) && !kept[1].will_wake(&kept[2]));

        kept[0].wake_by_ref();
        let waker = kept[2].clone();
        let elsewhere = thread::spawn(move || {
            waker.wake();
            thread::current().id()
        });
        let threads = [thread::current().id(), elsewhere.join().unwrap()];
        assert_eq!(woken.try_iter().collect::<Vec<_>>(), ["one", "other"]);
        let wakes = timeline.wakes();
        assert_eq!(wakes.iter().map(|wake| wake.thread).collect::<Vec<_>>(), threads);
        assert!(wakes.iter().all(|wake| wake.task == "A"), "{wakes:?}");
        assert!(timeline.all()[2].end <= wakes[0].at && wakes[0].at <= wakes[1].at, "{wakes:?}");
    }

    /// A waker that sends its name.
    fn passes_on(name: &'static str, to: &mpsc::Sender<&'static str>) -> Arc<impl Wake + use<>> {
        struct Sends(&'static str, mpsc::Sender<&'static str>);
        impl Wake for Sends {
            fn wake(self: Arc<Self>) {
                self.1.send(self.0).unwrap();
            }
        }
        Arc::new(Sends(name, to.clone()))
    }

    #[test]
    fn a_future_that_is_ready_at_once_is_one_slice() {
        let timeline = Timeline::new();
        let traced = pin!(timeline.traced("A", async { ready(()).await }));
        assert!(traced.poll(&mut Context::from_waker(Waker::noop())).is_ready());
        assert_eq!(timeline.slices("A").len(), 1);
    }

    #[test]
    fn threads_record_on_one_timeline() {
        let timeline = Timeline::new();
        let barrier = Barrier::new(2);
        thread::scope(|scope| {
            for task in ["A", "B"] {
                let (timeline, barrier) = (&timeline, &barrier);
                scope.spawn(move || timeline.slice(task, || barrier.wait()));
            }
        });
        let [a, b] = ["A", "B"].map(|task| timeline.slices(task)[0].thread);
        assert_ne!(a, b);
        assert!(timeline.overlaps("A", "B"));
        assert!(!timeline.concurrent());
    }

    #[test]
    #[should_panic(expected = "a slice of `inner` inside a slice of `outer`")]
    fn a_slice_inside_a_slice_is_refused() {
        let timeline = Timeline::new();
        timeline.slice("outer", || timeline.slice("inner", || ()));
    }

    #[test]
    fn a_panic_passes_through_and_leaves_no_slice() {
        let timeline = Timeline::new();
        let work = || timeline.slice("A", || panic!("on purpose"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err());
        assert_eq!(timeline.all(), []);
    }

    #[test]
    fn spans_overlap_only_where_both_have_time() {
        let timeline =
            timeline(&[("A", 0, 0, 1, 1), ("B", 0, 1, 2, 1), ("A", 0, 2, 3, 1), ("C", 1, 3, 4, 1)]);
        assert!(timeline.overlaps("A", "B") && timeline.overlaps("B", "A"));
        assert!(!timeline.overlaps("A", "C"), "A ends when C starts");
        assert!(!timeline.overlaps("B", "C"));
    }

    #[test]
    #[should_panic(expected = "no slice of `b`")]
    fn overlap_with_an_unknown_task_is_refused() {
        timeline(&[("A", 0, 0, 1, 1), ("B", 0, 1, 2, 1)]).overlaps("A", "b");
    }

    #[test]
    fn concurrent_is_a_matter_of_one_thread() {
        let concurrent = |slices: &[_]| timeline(slices).concurrent();
        assert!(!concurrent(&[]));
        assert!(!concurrent(&[("A", 0, 0, 1, 1), ("A", 0, 1, 2, 1), ("B", 0, 2, 3, 1)]));
        assert!(!concurrent(&[("A", 0, 0, 3, 3), ("B", 1, 1, 2, 1)]), "two threads");
        assert!(concurrent(&[("A", 0, 0, 1, 1), ("B", 0, 1, 2, 1), ("A", 0, 2, 3, 1)]));
        // A moves to another thread, but when the first one starts B, A is not finished.
        assert!(concurrent(&[("A", 0, 0, 1, 1), ("B", 0, 1, 2, 1), ("A", 1, 2, 3, 1)]));
    }

    #[test]
    fn parallel_takes_more_cpu_time_than_passes() {
        let parallel = |slices: &[_]| {
            let Parallel { cpu, wall } = timeline(slices).parallel();
            [cpu, wall].map(|time| time.as_millis())
        };
        assert_eq!(parallel(&[]), [0, 0]);
        assert_eq!(parallel(&[("A", 0, 0, 10, 10), ("B", 1, 2, 12, 10)]), [20, 12]);
        assert_eq!(parallel(&[("A", 0, 0, 10, 5), ("B", 1, 0, 10, 5)]), [10, 10], "one core");
        assert_eq!(parallel(&[("A", 0, 0, 9, 9), ("B", 1, 2, 4, 0)]), [9, 9], "B waited");
        assert_eq!(parallel(&[("A", 0, 0, 2, 2), ("B", 1, 5, 7, 2)]), [4, 4], "a gap is not time");
    }

    #[test]
    fn parallel_for_a_stretch_is_parallel() {
        let before = [("A", 0, 0, 50, 25), ("B", 1, 0, 50, 25)];
        let together = [("A", 0, 50, 60, 10), ("B", 1, 51, 61, 10)];
        let after = [("A", 0, 61, 99, 19), ("B", 1, 61, 99, 19)];
        let evidence = timeline(&[before, together, after].concat()).parallel();
        assert!(evidence.proven());
        assert_eq!(evidence.to_string(), "20.00 ms of CPU time in 11.00 ms of wall time");
        assert!(!timeline(&[before, after].concat()).parallel().proven());
    }

    #[test]
    fn clocks_may_disagree_by_a_quarter() {
        let proven = |cpu, wall| {
            let [cpu, wall] = [cpu, wall].map(Duration::from_micros);
            Parallel { cpu, wall }.proven()
        };
        assert!(!proven(0, 0));
        assert!(!proven(90, 0));
        assert!(!proven(12_500, 10_000));
        assert!(proven(13_000, 10_000));
    }

    #[test]
    fn one_thread_is_never_parallel() {
        let timeline = Timeline::new();
        for round in 0..100 {
            timeline.slice(["A", "B"][round % 2], || burn(Duration::from_micros(100)));
        }
        for slice in timeline.all() {
            assert!(slice.cpu <= (slice.end - slice.start) * 5 / 4, "{slice:?}");
        }
        assert!(!timeline.parallel().proven(), "{}", timeline.parallel());
    }

    #[test]
    fn turns_are_drawn() {
        let timeline = timeline(&[
            ("A", 0, 0, 20, 20),
            ("B", 0, 20, 40, 20),
            ("A", 0, 40, 45, 5),
            ("B", 0, 45, 60, 15),
        ]);
        assert_eq!(
            timeline.to_string(),
            "\
A  00000000000000000000....................00000...............
B  ....................00000000000000000000.....000000000000000
   thread 0; one column is 1.00 ms
"
        );
    }

    #[test]
    fn lanes_go_by_name_and_threads_by_lane() {
        let timeline = timeline(&[
            ("second", 2, 5, 120, 9),
            ("first", 1, 65, 93, 9),
            ("first", 0, 97, 97, 0),
            ("second", 0, 120, 125, 5),
        ]);
        assert_eq!(
            timeline.to_string(),
            "\
first   ..............................00000000000000..1.............
second  222222222222222222222222222222222222222222222222222222222211
        threads 0, 1, 2; one column is 2.00 ms
"
        );
    }

    #[test]
    fn the_last_moment_and_no_time_at_all_are_drawn() {
        assert_eq!(timeline(&[]).to_string(), "(nothing was recorded)\n");
        let dots = ".".repeat(COLUMNS - 1);
        let late = timeline(&[("A", 0, 0, 60, 60), ("B", 0, 60, 60, 0)]).to_string();
        assert_eq!(late.lines().nth(1), Some(&*format!("B  {dots}0")));
        let moment = timeline(&[("A", 0, 5, 5, 0)]).to_string();
        assert_eq!(moment.lines().next(), Some(&*format!("A  0{dots}")));
    }
}

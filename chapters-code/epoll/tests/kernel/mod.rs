//! epoll_wait(2) and the clock of this program. Where a test says so, time passes only in a wait, and what
//! happens in a wait is what the test has written down. Nothing sleeps, and a wait for nothing ends.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

/// More waits than any test here needs.
const MANY: usize = 1_000;

/// What happens in a wait in which nothing has happened yet.
pub enum Step {
    /// After so many milliseconds a signal interrupts it.
    Signal(u64),
    /// After so many milliseconds it comes back with nothing.
    Nothing(u64),
    /// It fails with this error.
    Fails(i32),
    /// After so many milliseconds somebody does this.
    Does(u64, Box<dyn FnOnce()>),
}

#[derive(Default)]
struct Kernel {
    /// The time since the test took the clock over; nothing while it has not.
    clock: Option<Duration>,
    steps: VecDeque<Step>,
    /// The timeouts that were asked for.
    waits: Vec<i32>,
}

thread_local! {
    static KERNEL: RefCell<Kernel> = RefCell::default();
}

/// From now on this thread's waits do what is written here; when no step is left, they wait to their end.
/// A wait for nothing without an end fails with `EDEADLK`, and so do all behind [`MANY`].
pub fn play(steps: impl IntoIterator<Item = Step>) {
    let steps = steps.into_iter().collect();
    KERNEL.set(Kernel { clock: Some(Duration::ZERO), steps, waits: Vec::new() });
}

/// How much time has passed since [`play`], in milliseconds.
pub fn passed() -> u128 {
    KERNEL.with_borrow(|kernel| kernel.clock.unwrap_or_default().as_millis())
}

/// The timeouts of the waits since [`play`].
pub fn waits() -> Vec<i32> {
    KERNEL.with_borrow(|kernel| kernel.waits.clone())
}

fn fails(errno: i32) -> i32 {
    // SAFETY: the place of errno is this thread's own.
    unsafe { *libc::__errno_location() = errno };
    -1
}

fn pass(millis: u64) {
    KERNEL.with_borrow_mut(|kernel| {
        kernel.clock = kernel.clock.map(|clock| clock + Duration::from_millis(millis));
    });
}

/// In the place of the one in libc, which the linker takes only where a program has none.
///
/// # Safety
/// As of epoll_wait(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn epoll_wait(
    epoll: i32,
    events: *mut libc::epoll_event,
    most: i32,
    timeout: i32,
) -> i32 {
    // SAFETY: the caller keeps the promises of epoll_wait(2), and no mask is the same call.
    let wait =
        |timeout| unsafe { libc::epoll_pwait(epoll, events, most, timeout, std::ptr::null()) };
    if KERNEL.with_borrow(|kernel| kernel.clock.is_none()) {
        return wait(timeout);
    }
    let waits = KERNEL.with_borrow_mut(|kernel| {
        kernel.waits.push(timeout);
        kernel.waits.len()
    });
    if waits > MANY {
        return fails(libc::EDEADLK);
    }
    let mut left = u64::try_from(timeout).unwrap_or(u64::MAX);
    loop {
        let ready = wait(0);
        if ready != 0 || left == 0 {
            return ready;
        }
        let next = KERNEL.with_borrow_mut(|kernel| {
            let after = match kernel.steps.front_mut()? {
                Step::Signal(after) | Step::Nothing(after) | Step::Does(after, _) => after,
                Step::Fails(_) => &mut 0,
            };
            if *after > left {
                *after -= left;
                return None;
            }
            kernel.steps.pop_front()
        });
        match next {
            None if timeout == -1 => return fails(libc::EDEADLK),
            None => {
                pass(left);
                return 0;
            }
            Some(Step::Signal(after)) => {
                pass(after);
                return fails(libc::EINTR);
            }
            Some(Step::Nothing(after)) => {
                pass(after);
                return 0;
            }
            Some(Step::Fails(errno)) => return fails(errno),
            Some(Step::Does(after, does)) => {
                pass(after);
                left -= after;
                does();
            }
        }
    }
}

/// In the place of the one in libc: the monotonic clock of a test's thread stands still outside of waits.
///
/// # Safety
/// As of clock_gettime(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, into: *mut libc::timespec) -> i32 {
    // A thread that ends has no kernel of its own any more.
    let passed = KERNEL.try_with(|kernel| kernel.try_borrow().ok()?.clock).ok().flatten();
    match passed.filter(|_| clock == libc::CLOCK_MONOTONIC) {
        Some(passed) => {
            // As if the machine had been started a thousand seconds before the test.
            let (tv_sec, tv_nsec) =
                (1_000 + passed.as_secs() as libc::time_t, passed.subsec_nanos().into());
            // SAFETY: the caller has room there for a `timespec`.
            unsafe { into.write(libc::timespec { tv_sec, tv_nsec }) };
            0
        }
        // SAFETY: the caller keeps the promises of clock_gettime(2).
        None => unsafe { libc::syscall(libc::SYS_clock_gettime, clock, into) as i32 },
    }
}

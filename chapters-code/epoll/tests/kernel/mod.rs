//! epoll_wait(2) and the clock of this program. Where a test says so, time passes only in a wait, and what
//! happens in a wait is what the test has written down. Nothing sleeps, and a wait for nothing ends.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

/// More waits than any test here needs.
const MANY: usize = 1_000;

/// What happens in a wait in which nothing has happened yet.
pub enum Step {
    /// After this time a signal interrupts it.
    Signal(Duration),
    /// After this time it comes back with nothing.
    Nothing(Duration),
    /// It fails with this error.
    Fails(i32),
    /// After this time somebody does this.
    Does(Duration, Box<dyn FnOnce()>),
}

/// So many milliseconds.
pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[derive(Default)]
struct Kernel {
    /// The time since the test took the clock over; nothing while it has not.
    clock: Option<Duration>,
    steps: VecDeque<Step>,
    /// The timeouts that were asked for.
    waits: Vec<i32>,
    /// How many of the next reads a signal interrupts.
    interrupted: usize,
}

thread_local! {
    static KERNEL: RefCell<Kernel> = RefCell::default();
}

/// From now on this thread's waits do what is written here; when no step is left, they wait to their end.
/// A wait that nothing will end fails with `EDEADLK`, and all after [`MANY`] fail with `ELOOP`.
pub fn play(steps: impl IntoIterator<Item = Step>) {
    let (steps, clock) = (steps.into_iter().collect(), Some(Duration::ZERO));
    KERNEL.set(Kernel { clock, steps, ..Kernel::default() });
}

/// A signal interrupts so many of this thread's next reads.
pub fn interrupt_reads(reads: usize) {
    KERNEL.with_borrow_mut(|kernel| kernel.interrupted = reads);
}

/// In words, if the error is that of a wait which should not have been: see [`play`].
pub fn endless(error: &io::Error) -> Option<String> {
    match error.raw_os_error()? {
        libc::EDEADLK => Some("asleep for ever".to_owned()),
        libc::ELOOP => Some(format!("{MANY} waits and no end")),
        _ => None,
    }
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

fn pass(time: Duration) {
    KERNEL.with_borrow_mut(|kernel| kernel.clock = kernel.clock.map(|clock| clock + time));
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
    unsafe { epoll_pwait(epoll, events, most, timeout, std::ptr::null()) }
}

/// In the place of its sister, too. The mask of signals is not for a program of which nobody sends any.
///
/// # Safety
/// As of epoll_pwait(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn epoll_pwait(
    epoll: i32,
    events: *mut libc::epoll_event,
    most: i32,
    timeout: i32,
    _mask: *const libc::sigset_t,
) -> i32 {
    let no_mask = std::ptr::null::<libc::sigset_t>();
    // SAFETY: the caller keeps the promises of epoll_pwait(2), and without a mask its size is not read.
    let wait = |timeout: i32| unsafe {
        libc::syscall(libc::SYS_epoll_pwait, epoll, events, most, timeout, no_mask, 8) as i32
    };
    if KERNEL.with_borrow(|kernel| kernel.clock.is_none()) {
        return wait(timeout);
    }
    let waits = KERNEL.with_borrow_mut(|kernel| {
        kernel.waits.push(timeout);
        kernel.waits.len()
    });
    if waits > MANY {
        return fails(libc::ELOOP);
    }
    let mut left = u64::try_from(timeout).map_or(Duration::MAX, ms);
    loop {
        let ready = wait(0);
        if ready != 0 {
            return ready;
        }
        let next = KERNEL.with_borrow_mut(|kernel| {
            let mut at_once = Duration::ZERO;
            let after = match kernel.steps.front_mut()? {
                Step::Signal(after) | Step::Nothing(after) | Step::Does(after, _) => after,
                Step::Fails(_) => &mut at_once,
            };
            if *after > left {
                *after -= left;
                return None;
            }
            kernel.steps.pop_front()
        });
        match next {
            None if timeout < 0 => return fails(libc::EDEADLK),
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

/// In the place of the one in libc, by which a `TcpStream` reads.
///
/// # Safety
/// As of recv(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn recv(
    socket: i32,
    into: *mut libc::c_void,
    len: usize,
    flags: i32,
) -> libc::ssize_t {
    let interrupted = KERNEL.with_borrow_mut(|kernel| {
        let left = kernel.interrupted.checked_sub(1);
        kernel.interrupted = left.unwrap_or_default();
        left.is_some()
    });
    if interrupted {
        return fails(libc::EINTR) as libc::ssize_t;
    }
    let nobody = std::ptr::null_mut::<libc::sockaddr>();
    let no_len = std::ptr::null_mut::<libc::socklen_t>();
    // SAFETY: the caller keeps the promises of recv(2), which is recvfrom(2) of nobody.
    unsafe { libc::recvfrom(socket, into, len, flags, nobody, no_len) }
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

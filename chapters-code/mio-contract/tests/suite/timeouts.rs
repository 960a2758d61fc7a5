//! How long a poll waits.

use std::io::Write;
use std::sync::mpsc;
use std::thread;

use lab::doomed::{self, Ending};
use mio::net::UnixStream;
use mio_contract::kernel;

use super::*;

const MILLISECOND: Duration = Duration::from_millis(1);

/// How long a poll without sources waits.
fn wait(watch: &mut Watch, timeout: Duration) -> Duration {
    let from = Instant::now();
    watch.poll.poll(&mut watch.events, Some(timeout)).unwrap();
    from.elapsed()
}

/// A poll with this timeout still waits when something happens after a while.
#[track_caller]
fn waits_for_the_event(timeout: Option<Duration>) {
    let mut watch = Watch::new();
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    watch.register(&mut theirs, 1, READABLE);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(20 * MILLISECOND);
            ours.write_all(b"x").unwrap();
        });
        watch.poll.poll(&mut watch.events, timeout).unwrap();
    });
    assert!(!watch.events.is_empty(), "with {timeout:?} it returned before anything happened");
}

#[test]
fn no_wait_is_shorter_than_asked_for() {
    alone(|| {
        let mut watch = Watch::new();
        for micros in [10, 100, 499, 900, 1_000, 1_001, 1_400, 1_999, 2_500, 3_999] {
            let timeout = Duration::from_micros(micros);
            for _ in 0..5 {
                let waited = wait(&mut watch, timeout);
                assert!(waited >= timeout, "{waited:?} instead of {timeout:?}");
            }
        }
    });
}

#[test]
fn less_than_a_millisecond_is_no_busy_loop() {
    alone(|| {
        let mut watch = Watch::new();
        let mut least = |timeout| (0..20).map(|_| wait(&mut watch, timeout)).min().unwrap();
        let zero = least(Duration::ZERO);
        // The kernel's timers have a slack of 50 microseconds, and zero sets none.
        let short = least(Duration::from_micros(50));
        assert!(short > 4 * zero, "{short:?} and {zero:?}");
    });
}

#[test]
fn no_wait_is_much_longer_than_asked_for() {
    alone(|| {
        let mut watch = Watch::new();
        for millis in [1, 10, 40] {
            let timeout = millis * MILLISECOND;
            // The best of some: now and then others have the processor.
            let least = (0..6).map(|_| wait(&mut watch, timeout)).min().unwrap();
            assert!(least < 2 * timeout + 2 * MILLISECOND, "{least:?} instead of {timeout:?}");
        }
    });
}

#[test]
fn a_second_is_a_second() {
    alone(|| {
        let mut watch = Watch::new();
        let timeout = Duration::from_secs(1);
        let waited = wait(&mut watch, timeout);
        assert!(waited >= timeout && waited < 3 * timeout, "{waited:?}");
    });
}

#[test]
fn zero_does_not_wait() {
    alone(|| {
        let mut watch = Watch::new();
        let mut least = |timeout| (0..20).map(|_| wait(&mut watch, timeout)).min().unwrap();
        let zero = least(Duration::ZERO);
        let one = least(MILLISECOND);
        assert!(4 * zero < one, "zero waits for {zero:?}, a millisecond for {one:?}");
    });
}

#[test]
fn zero_brings_what_is_ready() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        watch.register(&mut theirs, 1, READABLE);
        watch.nothing();
        ours.write_all(b"x").unwrap();
        assert_eq!(tokens(&watch.poll(Duration::ZERO)), [1]);
    });
}

#[test]
fn none_waits_until_something_happens() {
    alone(|| waits_for_the_event(None));
}

#[test]
fn none_waits_for_ever() {
    if mio_contract::together() {
        return println!("skipped: there is no other process to see it sleep");
    }
    // That a thread sleeps without a limit can be seen from outside.
    let test = "suite::timeouts::none_waits_for_ever";
    let child = doomed::start(test, || {
        let mut watch = Watch::new();
        watch.poll.poll(&mut watch.events, None).unwrap();
    });
    let ended = child.end(Duration::from_secs(3));
    if ended.how == Ending::TooLong && std::fs::read_to_string("/proc/self/syscall").is_err() {
        return println!("skipped: the kernel does not tell what a thread sleeps in");
    }
    assert!(matches!(ended.how, Ending::Hung(_)), "{ended}");
}

#[test]
fn a_long_timeout_does_not_delay_an_event() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        ours.write_all(b"x").unwrap();
        watch.register(&mut theirs, 1, READABLE);
        watch.poll.poll(&mut watch.events, Some(Duration::MAX)).unwrap();
        assert_eq!(tokens(&watch.events), [1]);
    });
}

#[test]
fn seconds_and_hours_wait_until_something_happens() {
    alone(|| {
        for seconds in [1, 60, 3_600, 86_400] {
            waits_for_the_event(Some(Duration::from_secs(seconds)));
        }
    });
}

#[test]
fn more_than_an_int_of_milliseconds_waits_until_something_happens() {
    alone(|| {
        // 24.8 days.
        let int = i32::MAX as u64;
        for millis in [int - 1, int, int + 1, int + 2, int + 3] {
            waits_for_the_event(Some(Duration::from_millis(millis)));
        }
        waits_for_the_event(Some(Duration::from_millis(int) + Duration::from_nanos(1)));
    });
}

#[test]
fn more_than_an_unsigned_int_of_milliseconds_waits_until_something_happens() {
    alone(|| {
        // 49.7 days, and multiples.
        let int = u32::MAX as u64;
        for millis in [int, int + 1, int + 2, int + 6, 2 * (int + 1), 1_000 * (int + 1)] {
            waits_for_the_event(Some(Duration::from_millis(millis)));
        }
    });
}

#[test]
fn more_than_64_bits_of_anything_waits_until_something_happens() {
    alone(|| {
        // 2^64 nanoseconds, microseconds and milliseconds: cut to 64 bits they are zero.
        let nanoseconds = Duration::new(18_446_744_073, 709_551_616);
        let microseconds = Duration::new(18_446_744_073_709, 551_616_000);
        let milliseconds = Duration::new(18_446_744_073_709_551, 616_000_000);
        for zero in [nanoseconds, microseconds, milliseconds] {
            for wrapped in [zero, zero + MILLISECOND, 3 * zero] {
                waits_for_the_event(Some(wrapped));
            }
        }
    });
}

#[test]
fn the_longest_timeouts_wait_until_something_happens() {
    alone(|| {
        let seconds = [u32::MAX as u64 + 1, u64::MAX / 1_000_000, u64::MAX / 1_000, u64::MAX];
        for timeout in seconds.map(Duration::from_secs) {
            waits_for_the_event(Some(timeout));
        }
        waits_for_the_event(Some(Duration::from_millis(u64::MAX)));
        waits_for_the_event(Some(Duration::from_nanos(u64::MAX)));
        waits_for_the_event(Some(Duration::MAX - Duration::from_nanos(1)));
        waits_for_the_event(Some(Duration::MAX));
    });
}

/// Nobody has the time to wait for it, so it is read off the call that the thread sleeps in.
#[test]
fn the_kernel_is_told_the_whole_of_a_timeout() {
    alone(|| {
        for millis in [1_500, 2_500, 60_000, 3_600_000, i32::MAX as u64] {
            let mut watch = Watch::new();
            let (sender, thread) = mpsc::channel();
            thread::spawn(move || {
                sender.send(kernel::this_thread()).unwrap();
                let timeout = Duration::from_millis(millis);
                watch.poll.poll(&mut watch.events, Some(timeout))
            });
            let call = kernel::asleep_in_epoll_wait(thread.recv().unwrap());
            let Some(call) = call else {
                return println!("skipped: nobody tells where a thread sleeps");
            };
            assert_eq!(call[4], millis, "the timeout of {call:?}");
        }
    });
}

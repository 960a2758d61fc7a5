//! What the crate's own page promises: fibers, their results, their ends, and bad input.

use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use fibers::fiber::{Fiber, Progress, suspend};
use fibers::{JoinHandle, run, sleep, spawn, spawn_sized, stack, yield_now};

/// What is appended to from several fibers.
type Log = Rc<RefCell<Vec<&'static str>>>;

/// Says something when it is dropped.
struct Tells(&'static str, Log);

impl Drop for Tells {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
    }
}

/// The words of a panic, whatever its payload is.
fn words(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("another payload").to_owned()
}

#[track_caller]
fn panics_with(expected: &str, body: impl FnOnce()) {
    let payload = catch_unwind(AssertUnwindSafe(body)).expect_err("it panics");
    assert!(words(&*payload).contains(expected), "{}", words(&*payload));
}

#[test]
fn fibers_take_turns_in_the_order_of_the_queue() {
    let log = run(|| {
        let log = Log::default();
        let three = |name: &'static str| {
            let log = Rc::clone(&log);
            spawn(move || {
                for _ in 0..3 {
                    log.borrow_mut().push(name);
                    yield_now();
                }
            })
        };
        let (a, b) = (three("a"), three("b"));
        a.join().unwrap();
        b.join().unwrap();
        log.take()
    });
    assert_eq!(log, ["a", "b", "a", "b", "a", "b"]);
}

#[test]
fn join_gives_the_result_whoever_ends_first() {
    let (early, late) = run(|| {
        let early = spawn(|| 1);
        let late = spawn(|| {
            (0..3).for_each(|_| yield_now());
            2
        });
        assert!(!late.is_finished());
        let late = late.join().unwrap();
        assert!(early.is_finished());
        (early.join().unwrap(), late)
    });
    assert_eq!((early, late), (1, 2));
}

#[test]
fn a_panic_reaches_the_joiner_and_no_other_fiber() {
    let (words, other) = run(|| {
        let other = spawn(|| {
            yield_now();
            "went on"
        });
        let panics = spawn(|| panic!("boom {}", std::hint::black_box(7)));
        let payload = panics.join().unwrap_err();
        (self::words(&*payload), other.join().unwrap())
    });
    assert_eq!((&words[..], other), ("boom 7", "went on"));
}

#[test]
fn the_panic_of_the_first_fiber_is_that_of_run() {
    panics_with("the first", || run(|| panic!("the first")));
    // And nothing of it stays behind.
    assert_eq!(run(|| 3), 3);
}

#[test]
fn those_that_have_not_ended_are_unwound_when_run_returns() {
    let log = Log::default();
    let tells = (
        Tells("of a fiber that has begun", Rc::clone(&log)),
        Tells("of one that has not", Rc::clone(&log)),
    );
    let (begun, not_begun) = tells;
    run(move || {
        spawn(move || {
            let _begun = begun;
            loop {
                yield_now();
            }
        });
        yield_now();
        spawn(move || drop(not_begun));
    });
    let mut told = log.take();
    told.sort_unstable();
    assert_eq!(told, ["of a fiber that has begun", "of one that has not"]);
}

#[test]
fn fibers_that_wait_for_each_other_are_a_deadlock_and_are_unwound() {
    let log = Log::default();
    let tells = Tells("unwound", Rc::clone(&log));
    panics_with("a deadlock, with 4 not ended", move || {
        run(move || {
            let second: Rc<RefCell<Option<JoinHandle<()>>>> = Rc::default();
            let of_the_first = Rc::clone(&second);
            let first = spawn(move || {
                let _tells = tells;
                let second = of_the_first.take().expect("it was spawned before this ran");
                second.join().unwrap();
            });
            second.replace(Some(spawn(move || first.join().unwrap())));
            spawn(suspend).join().unwrap();
        });
    });
    assert_eq!(log.take(), ["unwound"]);
}

#[test]
fn what_may_not_be_done_panics_and_says_what_to_do() {
    panics_with("`run` inside `run`: a thread has one queue; use `spawn`", || run(|| run(|| ())));
    panics_with("`yield_now` outside of `fibers::run`", yield_now);
    panics_with("`spawn` outside of `fibers::run`", || drop(spawn(|| ())));
    panics_with("`sleep` outside of `fibers::run`", || sleep(Duration::from_millis(1)));
    panics_with("`suspend` outside of a fiber", suspend);
}

#[test]
fn a_fiber_that_joins_itself_panics_and_the_others_go_on() {
    let said = run(|| {
        let own: Rc<RefCell<Option<JoinHandle<()>>>> = Rc::default();
        let said = Rc::new(RefCell::new(String::new()));
        let (inside, tells) = (Rc::clone(&own), Rc::clone(&said));
        let fiber = spawn(move || {
            let joins = AssertUnwindSafe(|| drop(inside.take().expect("it is there").join()));
            *tells.borrow_mut() = words(&*catch_unwind(joins).unwrap_err());
        });
        own.replace(Some(fiber));
        yield_now();
        said.take()
    });
    assert_eq!(said, "a fiber joins itself: it would wait for ever");
}

#[test]
fn a_join_after_its_run_has_ended_panics() {
    let left = run(|| spawn(suspend));
    panics_with("`join` outside of `fibers::run`", move || drop(left.join()));
    let left = run(|| spawn(suspend));
    panics_with("whose `run` has ended", move || run(move || drop(left.join())));
    let done = run(|| {
        let done = spawn(|| 5);
        yield_now();
        done
    });
    assert_eq!(done.join().unwrap(), 5);
}

#[test]
fn a_stack_that_is_too_small_or_too_large_is_an_error_that_says_the_bounds() {
    for size in [0, stack::SMALLEST - 1, stack::LARGEST + 1, usize::MAX] {
        let error = run(move || spawn_sized(size, || ()).map(drop).unwrap_err());
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("16384 to 1073741824 bytes"), "{error}");
    }
    assert_eq!(run(|| spawn_sized(stack::SMALLEST, || 1).unwrap().join().unwrap()), 1);
}

#[test]
fn a_dropped_fiber_that_is_suspended_is_unwound_and_one_that_has_not_begun_drops_its_function() {
    let log = Log::default();
    let (local, captured) = (Tells("a local", Rc::clone(&log)), Tells("captured", Rc::clone(&log)));
    let mut fiber = Fiber::new(64 << 10, move || {
        let _local = local;
        suspend();
        unreachable!("it is not resumed");
    })
    .unwrap();
    assert!(matches!(fiber.resume(), Progress::Suspended));
    drop(fiber);
    drop(Fiber::new(64 << 10, move || drop(captured)).unwrap());
    assert_eq!(log.take(), ["a local", "captured"]);
}

#[test]
fn a_fiber_that_has_ended_is_not_resumed() {
    let mut fiber = Fiber::new(64 << 10, || ()).unwrap();
    assert!(matches!(fiber.resume(), Progress::Ended(Ok(()))));
    panics_with("that has ended", || drop(fiber.resume()));
}

#[test]
fn a_fiber_in_a_fiber_suspends_to_the_one_that_resumed_it() {
    let mut outer = Fiber::new(64 << 10, || {
        let mut inner = Fiber::new(64 << 10, suspend).unwrap();
        assert!(matches!(inner.resume(), Progress::Suspended));
        suspend();
        assert!(matches!(inner.resume(), Progress::Ended(Ok(()))));
    })
    .unwrap();
    assert!(matches!(outer.resume(), Progress::Suspended));
    assert!(matches!(outer.resume(), Progress::Ended(Ok(()))));
    // The queue knows only its own.
    let mut foreign = run(|| {
        let foreign = Fiber::new(64 << 10, yield_now).unwrap();
        Cell::new(Some(foreign))
    });
    panics_with("outside of `fibers::run`", || match foreign.get_mut().take().unwrap().resume() {
        Progress::Ended(Err(payload)) => std::panic::resume_unwind(payload),
        progress => panic!("{progress:?}"),
    });
}

#[test]
fn one_that_suspends_while_it_is_unwound_is_leaked_whole_and_that_is_told() {
    struct Suspends;
    impl Drop for Suspends {
        fn drop(&mut self) {
            suspend();
        }
    }
    if lab::measure::emulated() {
        return println!("skipped: a program for another processor cannot start itself again");
    }
    let test = "one_that_suspends_while_it_is_unwound_is_leaked_whole_and_that_is_told";
    let ended = lab::doomed::child(test, || {
        let mut fiber = Fiber::new(64 << 10, || {
            let _suspends = Suspends;
            suspend();
        })
        .unwrap();
        let _ = fiber.resume();
        drop(fiber);
        println!("went on, panicking: {}", std::thread::panicking());
        std::process::exit(0);
    });
    assert_eq!(ended.how, lab::doomed::Ending::Passed, "{ended}");
    assert_eq!(ended.stdout, "went on, panicking: true\n");
    assert!(ended.stderr.contains("it is leaked, with its stack of 65536 bytes"), "{ended}");
}

#[test]
fn what_std_does_with_a_deep_stack_and_thread_locals_it_does_in_a_fiber() {
    thread_local! {
        static COUNT: Cell<u32> = const { Cell::new(0) };
    }
    let done = run(|| {
        let fibers = (0..10).map(|n: u32| {
            spawn(move || {
                COUNT.set(COUNT.get() + 1);
                yield_now();
                let resolved = std::net::ToSocketAddrs::to_socket_addrs("localhost:80").unwrap();
                assert!(resolved.count() > 0);
                let trace = std::backtrace::Backtrace::force_capture().to_string();
                assert!(trace.contains("fibers::fiber::first"));
                let caught = catch_unwind(|| panic!("{:?}", 0.1_f64 + f64::from(n)));
                assert_eq!(words(&*caught.unwrap_err()), format!("{:?}", 0.1 + f64::from(n)));
                let mut numbers: Vec<u64> = (0..1000).map(|n| n * 7919 % 1009).collect();
                numbers.sort();
                assert!(numbers.is_sorted());
                std::thread::spawn(move || n).join().unwrap()
            })
        });
        fibers.collect::<Vec<_>>().into_iter().map(|fiber| fiber.join().unwrap()).sum::<u32>()
    });
    assert_eq!((done, COUNT.get()), (45, 10));
}

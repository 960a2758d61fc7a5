//! What may be done in a fiber: libraries that keep thread-locals, panic, print, format numbers, resolve names and
//! take backtraces, each in fibers that take turns in the middle of it.

use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{CStr, c_char};
use std::fs;
use std::net::ToSocketAddrs;
use std::panic::catch_unwind;
use std::sync::{Mutex, mpsc};
use std::thread;

use fibers::{run, spawn, yield_now};

/// Runs it in ten fibers that take turns, each with its number.
#[track_caller]
fn in_ten_fibers(body: fn(usize)) {
    let ended = run(move || {
        let fibers: Vec<_> = (0..10).map(|number| spawn(move || body(number))).collect();
        fibers.into_iter().map(|fiber| fiber.join().is_ok()).collect::<Vec<_>>()
    });
    assert_eq!(ended, [true; 10]);
}

#[test]
fn thread_locals_are_the_thread_s() {
    thread_local! {
        static COUNT: Cell<usize> = const { Cell::new(0) };
        static LIST: RefCell<Vec<usize>> = RefCell::default();
    }
    in_ten_fibers(|number| {
        COUNT.set(COUNT.get() + 1);
        LIST.with_borrow_mut(|list| list.push(number));
        yield_now();
        assert_eq!((COUNT.get(), LIST.with_borrow(Vec::len)), (10, 10));
        // Seeds itself from a thread-local.
        assert_eq!(HashMap::from([(number, 1)])[&number], 1);
    });
    assert_eq!(LIST.take(), (0..10).collect::<Vec<_>>());
}

#[test]
fn errno_is_that_of_the_last_call() {
    in_ten_fibers(|number| {
        let error = fs::read("/nowhere/at/all").unwrap_err();
        yield_now();
        assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
        // SAFETY: no call of the C library but this one, which takes an integer.
        let closed = unsafe { libc::close(-1 - number as i32) };
        assert_eq!(
            (closed, std::io::Error::last_os_error().raw_os_error()),
            (-1, Some(libc::EBADF))
        );
    });
}

#[test]
fn a_panic_is_caught_where_it_is_caught() {
    in_ten_fibers(|number| {
        let caught = catch_unwind(|| {
            yield_now();
            panic!("number {number}")
        });
        let payload = caught.unwrap_err();
        yield_now();
        assert_eq!(*payload.downcast::<String>().unwrap(), format!("number {number}"));
    });
}

#[test]
fn prints_and_their_locks_are_whole() {
    in_ten_fibers(|number| {
        println!("fiber {number}");
        yield_now();
        eprintln!("fiber {number}, and {:?}", Some(number));
        print!("");
    });
}

#[test]
fn numbers_are_formatted_and_parsed() {
    /// The C library's way, which has its own state and stores sixteen bytes at once.
    fn by_c(value: f64) -> String {
        let mut text = [0 as c_char; 64];
        // SAFETY: the buffer has the size that is given, and the format takes one double.
        unsafe {
            libc::snprintf(text.as_mut_ptr(), text.len(), c"%.17g".as_ptr(), value);
            CStr::from_ptr(text.as_ptr()).to_str().unwrap().to_owned()
        }
    }
    in_ten_fibers(|number| {
        let value = 0.1 + number as f64 / 3.0;
        let (shown, exact, c) = (format!("{value:?}"), format!("{value:.30e}"), by_c(value));
        yield_now();
        for text in [shown, exact, c] {
            assert_eq!(text.parse::<f64>().unwrap(), value, "{text}");
        }
        assert_eq!(value.sqrt().mul_add(value.sqrt(), 0.0).round(), value.round());
    });
}

#[test]
fn names_are_resolved() {
    in_ten_fibers(|number| {
        for name in ["127.0.0.1", "localhost"] {
            // getaddrinfo(3), which reads files and keeps a thread-local.
            let found: Vec<_> = (name, 80).to_socket_addrs().unwrap().collect();
            assert!(found.iter().all(|address| address.ip().is_loopback()) && !found.is_empty());
            yield_now();
        }
        assert_eq!(format!("[::1]:{number}").to_socket_addrs().unwrap().count(), 1);
    });
}

#[test]
fn backtraces_end_at_the_fiber_s_first_function() {
    in_ten_fibers(|_| {
        let trace = Backtrace::force_capture();
        yield_now();
        let trace = trace.to_string();
        assert!(trace.contains("fibers::fiber::first"), "{trace}");
        assert!(!trace.contains("fibers::run"), "{trace}");
    });
}

#[test]
fn threads_are_made_and_joined_and_messages_passed() {
    in_ten_fibers(|number| {
        let lock = Mutex::new(0);
        let (sends, receives) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| sends.send(*lock.lock().unwrap() + number));
            yield_now();
        });
        assert_eq!(receives.recv().unwrap(), number);
        *lock.lock().unwrap() += 1;
    });
}

#[test]
fn what_needs_a_deep_stack_has_one() {
    in_ten_fibers(|number| {
        let mut numbers: Vec<usize> = (0..2_000).map(|n| n * 7919 % 2003 + number).collect();
        numbers.sort();
        yield_now();
        numbers.sort_unstable_by_key(|n| std::cmp::Reverse(*n));
        assert!(numbers.is_sorted_by(|a, b| a >= b));
    });
}

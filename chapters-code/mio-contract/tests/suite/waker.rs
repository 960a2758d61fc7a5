//! Ending the wait from elsewhere.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::thread;

use mio::Waker;
use mio_contract::kernel;

use super::*;

fn waker(watch: &Watch, token: usize) -> Waker {
    Waker::new(watch.poll.registry(), Token(token)).unwrap()
}

#[test]
fn a_wake_is_readable_and_nothing_else() {
    alone(|| {
        let mut watch = Watch::new();
        let waker = waker(&watch, 7);
        watch.nothing();
        waker.wake().unwrap();
        let event = watch.one();
        assert!(event.is_readable() && event.token() == Token(7), "{event:?}");
        assert!(!event.is_writable() && !event.is_error() && !event.is_priority(), "{event:?}");
        assert!(!event.is_read_closed() && !event.is_write_closed(), "{event:?}");
        watch.nothing();
    });
}

#[test]
fn a_wakes_token_comes_back_with_all_its_bits() {
    alone(|| {
        for token in [0, u32::MAX as usize, u32::MAX as usize + 1, 1 << 62, usize::MAX] {
            let mut watch = Watch::new();
            let waker = waker(&watch, token);
            waker.wake().unwrap();
            assert_eq!(watch.one().token(), Token(token));
        }
    });
}

#[test]
fn a_wake_ends_a_wait() {
    alone(|| {
        let mut watch = Watch::new();
        let waker = waker(&watch, 7);
        let woken = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            waker.wake().unwrap();
            waker
        });
        watch.poll.poll(&mut watch.events, None).unwrap();
        assert_eq!(tokens(&watch.events), [7]);
        woken.join().unwrap();
    });
}

#[test]
fn wakes_between_two_polls_are_one_event() {
    alone(|| {
        let mut watch = Watch::new();
        let waker = waker(&watch, 7);
        for many in [1, 2, 5, 1_000] {
            for _ in 0..many {
                waker.wake().unwrap();
            }
            watch.one();
            watch.nothing();
        }
    });
}

#[test]
fn every_wake_after_a_poll_is_an_event() {
    alone(|| {
        let mut watch = Watch::new();
        let waker = waker(&watch, 7);
        for _ in 0..1_000 {
            waker.wake().unwrap();
            assert_eq!(tokens(&watch.poll(Duration::ZERO)), [7]);
        }
        watch.nothing();
    });
}

#[test]
fn many_threads_wake_with_one_waker() {
    alone(|| {
        let mut watch = Watch::new();
        let waker = Arc::new(waker(&watch, 7));
        let wakers = (0..8).map(|_| {
            let waker = Arc::clone(&waker);
            thread::spawn(move || (0..100).for_each(|_| waker.wake().unwrap()))
        });
        wakers.collect::<Vec<_>>().into_iter().for_each(|waker| waker.join().unwrap());
        watch.one();
        watch.nothing();
    });
}

#[test]
fn a_full_counter_loses_no_wake() {
    alone(|| {
        let mut watch = Watch::new();
        let (waker, opened) = kernel::opened_by(|| waker(&watch, 7));
        let Some((&counter, _)) = opened.iter().find(|(_, what)| what.contains("[eventfd]")) else {
            return println!("skipped: this waker has no eventfd");
        };
        for _ in 0..3 {
            // As many wakes as it can hold. Nobody has 10,000 years for that.
            for bit in (0..u64::BITS).rev() {
                kernel::add_to_counter(counter, 1 << bit);
            }
            watch.one();
            watch.nothing();
            waker.wake().unwrap();
            assert!(watch.one().is_readable());
            waker.wake().unwrap();
            waker.wake().unwrap();
            watch.one();
            watch.nothing();
        }
    });
}

/// A wake that finds the counter full takes from it, and may find that another has been faster: it has
/// to wake all the same. Here its descriptor is a socket that has no room and nothing to take, until its
/// peer makes room.
#[test]
fn a_wake_that_finds_no_room_and_nothing_to_take_tries_again() {
    alone(|| {
        use std::io::{Read, Write};
        let watch = Watch::new();
        let (waker, opened) = kernel::opened_by(|| waker(&watch, 7));
        let Some((&counter, _)) = opened.iter().find(|(_, what)| what.contains("[eventfd]")) else {
            return println!("skipped: this waker has no eventfd");
        };
        let (mut full, mut peer) = std::os::unix::net::UnixStream::pair().unwrap();
        full.set_nonblocking(true).unwrap();
        peer.set_nonblocking(true).unwrap();
        while full.write(&[0; 8]).is_ok() {}
        kernel::renumber(&full, counter);
        // Each try may be a call inside the one before.
        let tries = thread::Builder::new().stack_size(1 << 30);
        let (sender, begins) = mpsc::channel();
        let woken = tries.spawn(move || {
            sender.send(kernel::this_thread()).unwrap();
            waker.wake()
        });
        let (woken, thread) = (woken.unwrap(), begins.recv().unwrap());
        let from = kernel::ran(thread).unwrap_or_default();
        // Two milliseconds on a processor are a thousand tries.
        let enough = |ran| ran > from + Duration::from_millis(2);
        while !woken.is_finished() && !kernel::ran(thread).is_none_or(enough) {
            thread::yield_now();
        }
        while peer.read(&mut [0; 4096]).is_ok() {}
        woken.join().unwrap().expect("a wake");
    });
}

#[test]
fn a_wake_and_other_events_come_together() {
    alone(|| {
        use std::io::Write;
        let mut watch = Watch::new();
        let waker = waker(&watch, 7);
        let (mut ours, mut theirs) = mio::net::UnixStream::pair().unwrap();
        watch.register(&mut theirs, 8, READABLE);
        waker.wake().unwrap();
        ours.write_all(b"x").unwrap();
        assert_eq!(tokens(&watch.next()), [7, 8]);
    });
}

#[test]
fn each_poll_has_its_waker() {
    alone(|| {
        let (mut one, mut other) = (Watch::new(), Watch::new());
        let (first, second) = (waker(&one, 1), waker(&other, 2));
        first.wake().unwrap();
        other.nothing();
        assert_eq!(one.one().token(), Token(1));
        second.wake().unwrap();
        one.nothing();
        assert_eq!(other.one().token(), Token(2));
    });
}

#[test]
fn a_clone_of_the_registry_makes_the_polls_waker() {
    alone(|| {
        let mut watch = Watch::new();
        let clone = watch.poll.registry().try_clone().unwrap();
        let waker = Waker::new(&clone, Token(7)).unwrap();
        drop(clone);
        waker.wake().unwrap();
        assert_eq!(watch.one().token(), Token(7));
    });
}

#[test]
fn a_second_waker_panics_in_debug_builds() {
    checked(|| {
        let watch = Watch::new();
        let clone = watch.poll.registry().try_clone().unwrap();
        let waker = waker(&watch, 7);
        for registry in [watch.poll.registry(), &clone] {
            let second = catch_unwind(AssertUnwindSafe(|| Waker::new(registry, Token(8))));
            let panic = second.expect_err("a second waker");
            let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap();
            assert!(text.contains("Only a single `Waker` can be active per `Poll`"), "{text}");
        }
        drop(waker);
    });
}

#[test]
fn a_wake_waits_for_its_poll() {
    alone(|| {
        let mut watch = Watch::new();
        let waker = waker(&watch, 7);
        let woken = thread::spawn(move || waker.wake().map(|()| waker).unwrap());
        let _waker = woken.join().unwrap();
        // Long before anybody waits.
        watch.poll.poll(&mut watch.events, None).unwrap();
        assert_eq!(tokens(&watch.events), [7]);
    });
}

#[test]
fn a_waker_without_poll_wakes_nobody() {
    alone(|| {
        let watch = Watch::new();
        let waker = waker(&watch, 7);
        drop(watch);
        waker.wake().unwrap();
        assert!(format!("{waker:?}").starts_with("Waker"));
    });
}

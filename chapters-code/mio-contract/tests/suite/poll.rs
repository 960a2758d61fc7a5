//! What one poll brings: how much of it, with which tokens, and when it fails.

use std::collections::BTreeSet;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd};
use std::thread;

use mio::net::UnixStream;
use mio_contract::kernel;

use super::*;

/// Pairs of which one end is registered, with its index as token, and readable.
fn ready(watch: &Watch, many: usize) -> Vec<(UnixStream, UnixStream)> {
    let pairs = (0..many).map(|token| {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        watch.register(&mut theirs, token, READABLE);
        ours.write_all(b"x").unwrap();
        (ours, theirs)
    });
    pairs.collect()
}

/// All widths that a token can have, and the numbers that an implementation could keep for itself.
fn all_tokens() -> Vec<usize> {
    let powers = (0..usize::BITS).map(|bit| 1_usize << bit);
    let around = powers.flat_map(|power| [power.wrapping_sub(1), power, power.wrapping_add(1)]);
    let extremes = [usize::MAX, usize::MAX - 1, usize::MAX - 2, 0xdead_beef_cafe_f00d];
    around.chain(extremes).collect::<BTreeSet<usize>>().into_iter().collect()
}

#[test]
fn a_token_comes_back_with_all_its_bits() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        ours.write_all(b"x").unwrap();
        for token in all_tokens() {
            watch.register(&mut theirs, token, READABLE);
            assert_eq!(watch.one().token(), Token(token));
            watch.deregister(&mut theirs);
        }
    });
}

#[test]
fn a_changed_token_comes_back_with_all_its_bits() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        ours.write_all(b"x").unwrap();
        watch.register(&mut theirs, 5, READABLE);
        for token in all_tokens() {
            watch.reregister(&mut theirs, token, READABLE);
            assert_eq!(watch.one().token(), Token(token));
        }
    });
}

#[test]
fn sources_may_share_a_token() {
    alone(|| {
        let mut watch = Watch::new();
        let mut pairs = ready(&watch, 3);
        for (_, theirs) in &mut pairs {
            watch.reregister(theirs, 9, READABLE);
        }
        assert_eq!(tokens(&watch.next()), [9, 9, 9]);
    });
}

#[test]
fn one_poll_brings_all_that_is_ready() {
    alone(|| {
        let mut watch = Watch::new();
        let _pairs = ready(&watch, 40);
        assert_eq!(tokens(&watch.next()), Vec::from_iter(0..40));
        watch.nothing();
    });
}

#[test]
fn what_has_no_room_comes_with_the_next_polls() {
    alone(|| {
        for capacity in 1..=6 {
            let mut watch = Watch::new();
            let _pairs = ready(&watch, 5);
            watch.events = Events::with_capacity(capacity);
            let mut seen = Vec::new();
            while seen.len() < 5 {
                let events = watch.next();
                assert_eq!(events.len(), capacity.min(5 - seen.len()));
                seen.extend(events);
            }
            assert_eq!(tokens(&seen), [0, 1, 2, 3, 4]);
            watch.nothing();
        }
    });
}

#[test]
fn there_is_room_for_as_many_events_as_asked_for() {
    alone(|| {
        for capacity in [0, 1, 2, 3, 7, 64, 1024, 5000] {
            assert_eq!(Events::with_capacity(capacity).capacity(), capacity);
        }
    });
}

#[test]
fn the_room_stays_as_it_is() {
    alone(|| {
        let mut watch = Watch::new();
        let _pairs = ready(&watch, 5);
        watch.events = Events::with_capacity(2);
        for _ in 0..4 {
            watch.poll(Duration::ZERO);
            assert_eq!(watch.events.capacity(), 2);
        }
        watch.events.clear();
        assert_eq!(watch.events.capacity(), 2);
    });
}

#[test]
fn no_room_is_an_invalid_input() {
    alone(|| {
        let mut watch = Watch::new();
        let _pairs = ready(&watch, 1);
        let mut none = Events::with_capacity(0);
        fails(ErrorKind::InvalidInput, watch.poll.poll(&mut none, Some(Duration::ZERO)));
        fails(ErrorKind::InvalidInput, watch.poll.poll(&mut none, None));
        assert!(none.is_empty());
        assert_eq!(watch.one().token(), Token(0));
    });
}

#[test]
fn a_poll_that_times_out_leaves_no_events() {
    alone(|| {
        let mut watch = Watch::new();
        let _pairs = ready(&watch, 2);
        assert_eq!(watch.next().len(), 2);
        watch.poll.poll(&mut watch.events, Some(Duration::from_millis(1))).unwrap();
        assert!(watch.events.is_empty() && watch.events.iter().next().is_none());
    });
}

#[test]
fn fewer_events_replace_more() {
    alone(|| {
        let mut watch = Watch::new();
        let mut pairs = ready(&watch, 3);
        assert_eq!(watch.next().len(), 3);
        pairs[1].0.write_all(b"y").unwrap();
        assert_eq!(tokens(&watch.next()), [1]);
    });
}

#[test]
fn a_signal_interrupts_a_poll() {
    alone(|| {
        let mut watch = Watch::new();
        let result = kernel::interrupted(|| watch.poll.poll(&mut watch.events, Some(PATIENCE)));
        fails(ErrorKind::Interrupted, result);
    });
}

#[test]
fn a_signal_interrupts_a_poll_without_timeout() {
    alone(|| {
        let mut watch = Watch::new();
        let result = kernel::interrupted(|| watch.poll.poll(&mut watch.events, None));
        fails(ErrorKind::Interrupted, result);
    });
}

/// Sent when the thread is seen asleep, so that one is enough; and one that is lost is missed.
#[test]
fn one_signal_is_enough_to_interrupt_a_poll() {
    alone(|| {
        let mut watch = Watch::new();
        let thread = kernel::this_thread();
        let signals = thread::spawn(move || {
            let seen = kernel::asleep_in_epoll_wait(thread).is_some();
            if seen {
                kernel::interrupt_once(thread);
            }
            seen
        });
        let until = Patience::new("the interruption");
        let result = watch.poll.poll(&mut watch.events, until.timeout());
        match signals.join().unwrap() {
            true => fails(ErrorKind::Interrupted, result),
            false => println!("skipped: nobody tells where a thread sleeps"),
        }
    });
}

#[test]
fn an_interrupted_poll_leaves_no_events() {
    alone(|| {
        let mut watch = Watch::new();
        let mut pairs = ready(&watch, 2);
        assert_eq!(watch.next().len(), 2);
        let result = kernel::interrupted(|| watch.poll.poll(&mut watch.events, Some(PATIENCE)));
        fails(ErrorKind::Interrupted, result);
        assert!(watch.events.is_empty(), "{:?}", watch.events);
        pairs[0].0.write_all(b"y").unwrap();
        assert_eq!(tokens(&watch.next()), [0]);
    });
}

#[test]
fn cleared_events_are_gone() {
    alone(|| {
        let mut watch = Watch::new();
        let _pairs = ready(&watch, 2);
        watch.next();
        assert!(!watch.events.is_empty());
        watch.events.clear();
        assert!(watch.events.is_empty() && watch.events.iter().count() == 0);
    });
}

#[test]
fn new_events_are_empty() {
    alone(|| {
        let events = Events::with_capacity(16);
        assert!(events.is_empty() && events.iter().count() == 0);
    });
}

#[test]
fn events_can_be_gone_through_more_than_once() {
    alone(|| {
        let mut watch = Watch::new();
        let _pairs = ready(&watch, 3);
        watch.next();
        let iter = watch.events.iter();
        assert_eq!(iter.size_hint(), (3, Some(3)));
        let mut again = iter.clone();
        assert_eq!(tokens(iter), [0, 1, 2]);
        assert!(again.next().is_some());
        assert_eq!(again.count_left(), 2);
        let by_reference = &watch.events;
        assert_eq!(tokens(by_reference), [0, 1, 2]);
        assert_eq!(watch.events.iter().count(), 3);
    });
}

/// Goes to the end; `count` need not be asked after `next`.
trait CountLeft {
    fn count_left(&mut self) -> usize;
}

impl<'a, I: Iterator<Item = &'a Event>> CountLeft for I {
    fn count_left(&mut self) -> usize {
        self.fold(0, |many, _| many + 1)
    }
}

#[test]
fn an_event_outlives_the_next_poll_as_a_clone() {
    alone(|| {
        let mut watch = Watch::new();
        let mut pairs = ready(&watch, 1);
        let event = watch.one();
        watch.nothing();
        watch.deregister(&mut pairs[0].1);
        assert!(event.token() == Token(0) && event.is_readable() && event.clone().is_readable());
    });
}

#[test]
fn two_polls_know_nothing_of_each_other() {
    alone(|| {
        let (mut one, mut other) = (Watch::new(), Watch::new());
        let (mut a, mut b) = UnixStream::pair().unwrap();
        one.register(&mut a, 1, READABLE);
        other.register(&mut b, 2, READABLE);
        a.write_all(b"x").unwrap();
        one.nothing();
        assert_eq!(other.one().token(), Token(2));
    });
}

#[test]
fn a_poll_has_one_descriptor_under_three_names() {
    alone(|| {
        let poll = Poll::new().unwrap();
        let registry = poll.registry();
        assert_eq!(poll.as_raw_fd(), registry.as_raw_fd());
        assert_eq!(poll.as_raw_fd(), registry.as_fd().as_raw_fd());
        assert!(!std::ptr::eq(poll.registry(), Poll::new().unwrap().registry()));
    });
}

#[test]
fn a_poll_moves_to_another_thread() {
    alone(|| {
        let mut watch = Watch::new();
        let _pairs = ready(&watch, 2);
        let seen = thread::spawn(move || tokens(&watch.next())).join().unwrap();
        assert_eq!(seen, [0, 1]);
    });
}

#[test]
fn polls_and_registries_print_their_names() {
    alone(|| {
        let poll = Poll::new().unwrap();
        assert_eq!(format!("{poll:?}"), "Poll");
        assert_eq!(format!("{:?}", poll.registry()), "Registry");
    });
}

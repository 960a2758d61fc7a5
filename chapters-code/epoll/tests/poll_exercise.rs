//! What `Poll` owes its caller. Time passes only in its waits, and each message says what happened in them
//! and what had to come.

mod kernel;

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use epoll::{Events, Interest, Poll, Token};
use kernel::Step::{self, Does, Fails, Nothing, Signal};
use kernel::{endless, ms, passed, play, waits};

const DAY: u64 = 24 * 60 * 60 * 1000;

/// A poll with so many streams; the peers.
fn streams<const N: usize>() -> (Poll, [UnixStream; N], [UnixStream; N]) {
    let poll = Poll::new().unwrap();
    let pair = |_| UnixStream::pair().unwrap();
    let (ours, peers): (Vec<_>, Vec<_>) = (0..N).map(pair).unzip();
    for (token, stream) in (0..).zip(&ours) {
        poll.registry().register(stream, Token(token), Interest::READABLE).unwrap();
    }
    (poll, ours.try_into().unwrap(), peers.try_into().unwrap())
}

/// What a poll came to: the tokens of its events, and when it returned.
fn told(poll: &mut Poll, timeout: Option<Duration>) -> String {
    let mut events = Events::with_capacity(8);
    let polled = poll.poll(&mut events, timeout);
    format!("{} after {} ms", words(&events, &polled), passed())
}

fn words(events: &Events, polled: &io::Result<()>) -> String {
    let mut tokens: Vec<u64> = events.iter().map(|event| event.token().0).collect();
    tokens.sort_unstable();
    let events = match &tokens[..] {
        [] => "no events".to_owned(),
        tokens => format!("events of {tokens:?}"),
    };
    match polled.as_ref().map_err(|error| (endless(error), error.kind())) {
        Ok(()) => events,
        Err((Some(endless), _)) => format!("{events}, {endless}"),
        Err((None, kind)) => format!("{events} and the error {kind:?}"),
    }
}

fn millis(millis: u64) -> Option<Duration> {
    Some(ms(millis))
}

/// A peer writes after so many milliseconds.
fn writes(after: u64, mut peer: UnixStream) -> Step {
    Does(ms(after), Box::new(move || peer.write_all(b"hi").unwrap()))
}

#[track_caller]
fn must(what: &str, right: &str, told: &str) {
    assert!(told == right, "{what}: expected {right}; got {told}");
}

#[test]
fn signals_take_nothing_from_a_timeout_and_add_nothing() {
    let mut poll = Poll::new().unwrap();
    play((0..100).map(|_| Signal(ms(15))));
    let told = told(&mut poll, millis(300));
    must("a timeout of 300 ms, and a signal every 15 ms", "no events after 300 ms", &told);
}

#[test]
fn signals_within_a_millisecond_take_nothing_and_add_nothing() {
    let mut poll = Poll::new().unwrap();
    play((0..500).map(|_| Signal(Duration::from_micros(900))));
    let told = told(&mut poll, millis(300));
    must("a timeout of 300 ms, and a signal every 0.9 ms", "no events after 300 ms", &told);
}

#[test]
fn a_signal_hides_no_event_that_comes_later() {
    for timeout in [None, millis(1_000)] {
        let (mut poll, _ours, [peer]) = streams();
        play([Signal(ms(10)), writes(10, peer)]);
        let what = format!("timeout {timeout:?}, a signal after 10 ms, bytes after 20 ms");
        must(&what, "events of [0] after 20 ms", &told(&mut poll, timeout));
    }
}

#[test]
fn a_call_that_comes_back_early_with_nothing_is_made_again() {
    let mut poll = Poll::new().unwrap();
    play([Nothing(ms(40)), Nothing(ms(40))]);
    let told = told(&mut poll, millis(100));
    must("a timeout of 100 ms, calls that end after 40 ms", "no events after 100 ms", &told);
}

#[test]
fn a_timeout_of_two_months_lasts_two_months() {
    let mut poll = Poll::new().unwrap();
    play([]);
    let told = told(&mut poll, millis(60 * DAY));
    let right = format!("no events after {} ms", 60 * DAY);
    must("a timeout of 60 days, and no call takes more than 24.8", &right, &told);
}

#[test]
fn a_timeout_beyond_the_clock_waits_for_events() {
    let (mut poll, _ours, [peer]) = streams();
    play([writes(DAY, peer)]);
    let right = format!("events of [0] after {DAY} ms");
    must("the longest timeout, bytes after a day", &right, &told(&mut poll, Some(Duration::MAX)));
}

#[test]
fn the_last_piece_of_a_millisecond_is_a_millisecond() {
    let nanos = [0, 1, 999_999, 1_000_000, 1_000_001];
    let asked = nanos.map(|nanos| {
        let mut poll = Poll::new().unwrap();
        play([]);
        told(&mut poll, Some(Duration::from_nanos(nanos)));
        waits().first().map_or("nothing".to_owned(), |asked| format!("{asked} ms"))
    });
    let what = format!("timeouts of {nanos:?} ns");
    must(
        &what,
        "to ask for 0 ms, 1 ms, 1 ms, 1 ms, 2 ms",
        &format!("to ask for {}", asked.join(", ")),
    );
}

#[test]
fn a_wait_that_has_time_left_sleeps() {
    let mut poll = Poll::new().unwrap();
    play([]);
    let told = told(&mut poll, millis(100));
    must("a timeout of 100 ms, nothing happens", "no events after 100 ms", &told);
    // A look when the time is over does no harm.
    let waits = waits();
    assert!(
        waits == [100] || waits == [100, 0],
        "a timeout of 100 ms, nothing happens: expected a wait of 100 ms; got waits of {waits:?} ms"
    );
}

#[test]
fn no_time_is_time_for_a_look() {
    let (mut poll, _ours, [mut peer]) = streams();
    peer.write_all(b"hi").unwrap();
    play([]);
    let told = told(&mut poll, millis(0));
    must("bytes are there, a timeout of 0", "events of [0] after 0 ms", &told);
}

#[test]
fn an_error_is_told_and_the_old_events_are_gone() {
    let (mut poll, _ours, [mut peer]) = streams();
    let mut events = Events::with_capacity(8);
    peer.write_all(b"hi").unwrap();
    poll.poll(&mut events, millis(0)).unwrap();
    must("bytes", "events of [0]", &words(&events, &Ok(())));
    play([Fails(libc::ENOMEM)]);
    let polled = poll.poll(&mut events, None);
    let right = "no events and the error OutOfMemory";
    must("bytes were told, then the next wait fails", right, &words(&events, &polled));
}

#[test]
fn a_poll_brings_as_many_events_as_there_is_room_for() {
    let (mut poll, _ours, mut peers) = streams::<5>();
    peers.iter_mut().for_each(|peer| peer.write_all(b"hi").unwrap());
    let mut events = Events::with_capacity(3);
    let polls = [(); 2].map(|()| {
        let polled = poll.poll(&mut events, millis(0));
        polled.map_or_else(|error| error.to_string(), |()| events.iter().count().to_string())
    });
    must("5 streams have bytes, room for 3", "3, 2", &polls.join(", "));
}

#[test]
fn an_arrival_is_told_once() {
    let (mut poll, _ours, [mut peer]) = streams();
    peer.write_all(b"hi").unwrap();
    play([]);
    let polls = [told(&mut poll, millis(0)), told(&mut poll, millis(0))].join(", then ");
    must("bytes, and nobody reads", "events of [0] after 0 ms, then no events after 0 ms", &polls);
}

#[test]
fn what_arrives_after_an_event_is_told_again() {
    let (mut poll, _ours, [mut peer]) = streams();
    peer.write_all(b"hi").unwrap();
    play([]);
    let first = told(&mut poll, millis(0));
    peer.write_all(b"again").unwrap();
    let polls = [first, told(&mut poll, millis(0))].join(", then ");
    let right = "events of [0] after 0 ms, then events of [0] after 0 ms";
    must("bytes, and after their event more", right, &polls);
}

#[test]
fn a_token_comes_back_whole() {
    for token in [7, u64::MAX - 7, 1 << 32] {
        let mut poll = Poll::new().unwrap();
        let (ours, mut peer) = UnixStream::pair().unwrap();
        poll.registry().register(&ours, Token(token), Interest::READABLE).unwrap();
        peer.write_all(b"hi").unwrap();
        play([]);
        let right = format!("events of [{token}] after 0 ms");
        must(&format!("token {token}"), &right, &told(&mut poll, millis(0)));
    }
}

#[test]
fn a_registration_that_the_kernel_refuses_is_an_error() {
    let poll = Poll::new().unwrap();
    let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
    let told = poll.registry().register(&file, Token(0), Interest::READABLE);
    must("a regular file is registered", "the error PermissionDenied", &answered(told));
}

#[test]
fn a_stream_is_registered_once_and_changed_and_removed() {
    let (poll, [stream], _peers) = streams();
    let registry = poll.registry();
    let twice = registry.register(&stream, Token(1), Interest::READABLE);
    must("a stream is registered twice", "the error AlreadyExists", &answered(twice));
    let changed = registry.reregister(&stream, Token(2), Interest::WRITABLE);
    must("then it is reregistered", "no error", &answered(changed));
    must("then it is deregistered", "no error", &answered(registry.deregister(&stream)));
    let again = answered(registry.deregister(&stream));
    must("then it is deregistered again", "the error NotFound", &again);
}

/// What the registry answered, in words.
fn answered(told: io::Result<()>) -> String {
    told.map_or_else(|error| format!("the error {:?}", error.kind()), |()| "no error".to_owned())
}

//! What the note *Herds and fairness* claims.

use std::io::{ErrorKind, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net;
use std::time::Duration;

use my_mio::net::UnixStream;
use my_mio::{Events, Interest, Poll, Token};

use firehose::{Firehose, starved_for};
use sleepers::{Kind, Listener, THREADS};
use turns::Turns;

#[path = "../examples/firehose/firehose.rs"]
mod firehose;
#[path = "../examples/herd/sleepers.rs"]
mod sleepers;
#[path = "../examples/firehose/turns.rs"]
mod turns;

const LEVEL: i32 = libc::EPOLLIN;
const EDGE: i32 = libc::EPOLLIN | libc::EPOLLET;
const EXCLUSIVE: i32 = LEVEL | libc::EPOLLEXCLUSIVE;
const KINDS: [Kind; 2] = [Kind::Unix, Kind::Tcp];
const ONCE: i32 = LEVEL | libc::EPOLLONESHOT;

fn polls(n: usize) -> Vec<Poll> {
    (0..n).map(|_| Poll::new().unwrap()).collect()
}

fn woken(polls: &[Poll], flags: i32, kind: Kind) -> Vec<usize> {
    sleepers::woken(polls, flags, kind).unwrap()
}

#[test]
fn one_connection_wakes_every_epoll_that_watches_the_listener() {
    for kind in KINDS {
        for flags in [LEVEL, EDGE] {
            assert_eq!(woken(&polls(THREADS), flags, kind).len(), THREADS, "{kind:?}");
        }
    }
}

#[test]
fn exclusive_registrations_wake_fewer() {
    for _ in 0..20 {
        for kind in KINDS {
            let woken = woken(&polls(THREADS), EXCLUSIVE, kind);
            // epoll_ctl(2) promises at least one.
            assert!((1..THREADS).contains(&woken.len()), "{kind:?}: {woken:?}");
        }
    }
}

#[test]
fn threads_in_one_epoll_all_wake_for_one_event_on_levels_and_one_does_on_edges() {
    for kind in KINDS {
        for (flags, returned) in [(LEVEL, THREADS), (EDGE, 1), (ONCE, 1)] {
            let woken = woken(&polls(1), flags, kind);
            assert_eq!(woken.len(), returned, "{kind:?}: {woken:?}");
        }
    }
}

#[test]
fn exclusive_wakes_the_one_that_registered_first_each_time() {
    for kind in KINDS {
        let polls = polls(THREADS);
        for _ in 0..20 {
            assert_eq!(woken(&polls, EXCLUSIVE, kind), [0], "{kind:?}");
        }
    }
}

/// The descriptor that is reported, without waiting.
fn reported(poll: &Poll) -> Option<RawFd> {
    sleepers::wait(poll, 0).unwrap()
}

#[test]
fn exclusive_spares_only_those_who_sleep() {
    for kind in KINDS {
        let listener = Listener::new(kind).unwrap();
        let polls = polls(THREADS);
        for poll in &polls {
            sleepers::watch(poll, listener.as_raw_fd(), EXCLUSIVE).unwrap();
        }
        let _connection = listener.connect().unwrap();
        let told = polls.iter().filter(|poll| reported(poll).is_some()).count();
        assert_eq!(told, THREADS, "{kind:?}: none slept, so all are told");
    }
}

#[test]
fn without_a_budget_a_firehose_starves_a_quiet_stream() {
    for bytes in [1 << 20, 1 << 24] {
        assert_eq!(starved_for(bytes, usize::MAX).unwrap(), bytes + 1);
    }
}

#[test]
fn with_a_budget_a_quiet_stream_is_read_after_one_turn_of_the_firehose() {
    let (budget, buffer) = (1 << 16, 1 << 12);
    for bytes in [1 << 20, 1 << 24] {
        let poured = starved_for(bytes, budget).unwrap();
        let most = budget + buffer;
        assert!(poured <= most, "the quiet stream is read after {poured} bytes of the firehose");
    }
}

#[test]
fn a_budget_loses_nothing() {
    let (ours, mut peer) = UnixStream::pair().unwrap();
    let (quiet, _quiet_peer) = UnixStream::pair().unwrap();
    let mut turns = Turns::new(vec![ours, quiet], 1).unwrap();
    let message: Vec<u8> = (0..50_000).map(|i| i as u8).collect();
    peer.write_all(&message).unwrap();
    let (mut read, mut ended) = (Vec::new(), false);
    while read.len() < message.len() {
        turns.round(None, |_, bytes| read.extend_from_slice(bytes.unwrap())).unwrap();
    }
    assert_eq!(read, message, "no event has told of the rest");
    drop(peer);
    while !ended {
        turns.round(None, |_, bytes| ended = bytes.unwrap().is_empty()).unwrap();
    }
}

#[test]
fn a_round_gives_nobody_two_turns() {
    let bytes = 1 << 20;
    let mut turns = Turns::new(vec![Firehose::new(bytes).unwrap()], 1).unwrap();
    for round in 0..10 {
        let mut reads = 0;
        // Each read makes new bytes arrive: an event, for a stream that is on the list already.
        turns.round(None, |_, _| reads += 1).unwrap();
        assert_eq!(reads, 1, "in round {round} the firehose had {reads} turns");
    }
}

#[test]
fn a_stream_that_fails_or_ends_costs_the_others_nothing() {
    let mut pairs: Vec<_> = (0..3).map(|_| UnixStream::pair().unwrap()).collect();
    let (broken, ended, alive) = (0, 1, 2);
    // Who closes without having read resets the connection.
    pairs[broken].0.write_all(b"unread").unwrap();
    let (streams, mut peers): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    let mut turns = Turns::new(streams, 1).unwrap();
    peers[alive].write_all(b"hello").unwrap();
    let mut alive_peer = peers.remove(alive);
    drop(peers);
    let mut told = Vec::new();
    turns.round(None, |i, read| told.push((i, read.map(<[u8]>::len)))).unwrap();
    told.sort_by_key(|(i, _)| *i);
    let [(_, failed), others @ ..] = &told[..] else { panic!("nothing was reported") };
    assert_eq!(failed.as_ref().unwrap_err().kind(), ErrorKind::ConnectionReset);
    let others: Vec<_> = others.iter().map(|(i, len)| (*i, *len.as_ref().unwrap())).collect();
    assert_eq!(others, [(ended, 0), (alive, 5)]);

    alive_peer.write_all(b"again").unwrap();
    let mut read = 0;
    turns.round(None, |i, bytes| read += [0, 0, 1][i] * bytes.unwrap().len()).unwrap();
    assert_eq!(read, 5);
}

#[test]
fn the_end_of_a_stream_is_told_once_and_a_duplicate_keeps_nothing_alive() {
    let (ours, mut peer) = UnixStream::pair().unwrap();
    let ours = net::UnixStream::from(OwnedFd::from(ours));
    let _duplicate = ours.try_clone().unwrap();
    let mut turns = Turns::new(vec![UnixStream::from_std(ours)], 1).unwrap();
    let mut told = Vec::new();
    let mut round = |turns: &mut Turns<UnixStream>| {
        let now = Some(Duration::ZERO);
        turns.round(now, |_, read| told.push(read.unwrap().len())).unwrap();
    };
    // A direction ends, then the connection: two edges, and an end to read at each of them.
    peer.write_all(b"last").unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    (0..3).for_each(|_| round(&mut turns));
    drop(peer);
    (0..3).for_each(|_| round(&mut turns));
    assert_eq!(told, [4, 0], "the stream has ended twice");
}

#[test]
fn without_a_budget_at_all_a_turn_has_one_read() {
    let (ours, mut peer) = UnixStream::pair().unwrap();
    let mut turns = Turns::new(vec![ours], 0).unwrap();
    peer.write_all(&[7; 10_000]).unwrap();
    let mut reads = Vec::new();
    while reads.iter().sum::<usize>() < 10_000 {
        turns.round(None, |_, read| reads.push(read.unwrap().len())).unwrap();
    }
    assert_eq!(reads, [4096, 4096, 10_000 - 2 * 4096]);
}

#[test]
fn with_room_for_one_event_everyone_is_reported_in_turn() {
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(1);
    let mut pairs: Vec<_> = (0..8).map(|_| UnixStream::pair().unwrap()).collect();
    for (i, (ours, _)) in pairs.iter_mut().enumerate() {
        poll.registry().register(ours, Token(i), Interest::READABLE).unwrap();
    }
    for (_, peer) in &mut pairs {
        peer.write_all(b"!").unwrap();
    }
    let mut told = Vec::new();
    for _ in 0..8 {
        // The first has news before each poll.
        pairs[0].1.write_all(b"!").unwrap();
        poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
        told.extend(events.iter().map(|event| event.token().0));
        assert_eq!(events.iter().count(), 1);
    }
    assert_eq!(told, [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn on_levels_the_kernel_keeps_the_list_and_takes_turns() {
    let poll = Poll::new().unwrap();
    let mut pairs: Vec<_> = (0..8).map(|_| UnixStream::pair().unwrap()).collect();
    for (ours, peer) in &mut pairs {
        peer.write_all(b"!").unwrap();
        sleepers::watch(&poll, ours.as_raw_fd(), LEVEL).unwrap();
    }
    let told: Vec<_> = (0..24).map(|_| reported(&poll).unwrap()).collect();
    let each: Vec<_> = pairs.iter().map(|(ours, _)| ours.as_raw_fd()).collect();
    assert_eq!(told, each.repeat(3), "nobody reads, and everybody is reported in turn");
}

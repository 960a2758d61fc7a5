//! What the note *Ask, or be told* claims.

use std::io::{self, Write};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use readiness::{Ask, Told, ask, be_told, make_ready, medians, room_for, sources, wait_for_a_byte};

const FEW: usize = 10;
const MANY: usize = 1_000;
const ROUNDS: usize = 101;

/// How many calls are measured at once, so that reading the clock counts for little.
const CALLS: usize = 10;

#[test]
fn who_asks_runs_or_waits_for_a_core_for_half_of_the_wait_and_who_is_told_runs_under_a_tenth() {
    let after = Duration::from_millis(100);
    let told = wait_for_a_byte(be_told, after).unwrap();
    assert!(told.ran() < 0.1, "{told:?}");
    let asked = wait_for_a_byte(ask, after).unwrap();
    let Some(queued) = asked.queued() else {
        println!("\nskipped: this kernel does not count how long a thread waits for a core");
        return;
    };
    assert!(asked.ran() + queued >= 0.5, "{asked:?}");
}

#[test]
fn who_asks_never_sleeps_and_who_is_told_asks_twice() {
    let after = Duration::from_millis(100);
    let (asked, told) =
        (wait_for_a_byte(ask, after).unwrap(), wait_for_a_byte(be_told, after).unwrap());
    // A lock of the socket may have to be waited for, now and then, while the byte comes in.
    let locks = 1 + asked.asked as i64 / 1_000;
    assert!(asked.asked >= 100 && asked.slept <= locks, "{asked:?}");
    assert!(told.asked <= 2, "asked {} times instead of sleeping", told.asked);
}

#[test]
fn both_name_the_sources_that_are_ready() {
    let sources = sources(FEW).unwrap();
    [2, 3, 7].into_iter().try_for_each(|number| make_ready(&sources[number])).unwrap();
    let (mut asked, mut heard) = (Vec::new(), Vec::new());
    Ask::new(&sources).wait(&mut asked).unwrap();
    Told::new(&sources).unwrap().wait(&mut heard).unwrap();
    heard.sort_unstable();
    assert_eq!((asked, heard), (vec![2, 3, 7], vec![2, 3, 7]));
}

/// The processor time of so many calls of poll and of epoll_wait, first with few sources and then
/// with many; measured in turns.
struct Costs {
    poll: [Duration; 2],
    epoll: [Duration; 2],
}

fn costs(few: &[OwnedFd], many: &[OwnedFd]) -> Costs {
    let (mut ask_few, mut ask_many) = (Ask::new(few), Ask::new(many));
    let (mut told_few, mut told_many) = (Told::new(few).unwrap(), Told::new(many).unwrap());
    let mut ready: [Vec<usize>; 4] = [const { Vec::new() }; 4];
    let [a, b, c, d] = &mut ready;
    let [poll_few, poll_many, epoll_few, epoll_many] = medians(
        ROUNDS,
        [
            &mut || (0..CALLS).try_for_each(|_| ask_few.wait(a)),
            &mut || (0..CALLS).try_for_each(|_| ask_many.wait(b)),
            &mut || (0..CALLS).try_for_each(|_| told_few.wait(c)),
            &mut || (0..CALLS).try_for_each(|_| told_many.wait(d)),
        ],
    )
    .unwrap();
    Costs { poll: [poll_few, poll_many], epoll: [epoll_few, epoll_many] }
}

#[test]
fn with_one_ready_of_n_poll_grows_with_n_and_epoll_wait_stays_within_twice() {
    for (kind, few, many) in with_ready(|n| n - 1..n) {
        let Costs { poll, epoll } = costs(&few.sources, &many.sources);
        assert!(poll[1] >= 10 * poll[0], "{kind}: poll takes {poll:?}");
        assert!(epoll[1] <= 2 * epoll[0], "{kind}: epoll_wait grows with n: {epoll:?}");
    }
}

#[test]
fn poll_grows_with_n_even_if_the_first_source_is_the_ready_one() {
    for (kind, few, many) in with_ready(|_| 0..1) {
        let Costs { poll, .. } = costs(&few.sources, &many.sources);
        assert!(poll[1] >= 5 * poll[0], "{kind}: {poll:?}");
    }
}

#[test]
fn with_all_of_a_thousand_eventfds_ready_poll_is_faster() {
    if !room() {
        return;
    }
    let (few, many) = (eventfds(FEW, 0..FEW), eventfds(MANY, 0..MANY));
    let Costs { poll, epoll } = costs(&few.sources, &many.sources);
    let ratio = epoll[1].as_secs_f64() / poll[1].as_secs_f64();
    assert!(ratio >= 1.2, "epoll_wait takes {ratio:.2} times as long as poll");
}

#[test]
fn with_one_source_neither_takes_half_as_long_again() {
    for make in [eventfds, sockets] {
        let one = make(1, 0..1);
        let Costs { poll, epoll } = costs(&one.sources, &one.sources);
        let ratio = epoll[0].as_secs_f64() / poll[0].as_secs_f64();
        assert!((0.67..=1.5).contains(&ratio), "epoll_wait takes {ratio:.2} times as long as poll");
    }
}

/// Sources, of which some are ready, and what must live as long.
struct Sources {
    sources: Vec<OwnedFd>,
    _peers: Vec<UnixStream>,
}

/// Few sources and many of each kind, with those `ready` that it names among so many. None where
/// there is no [`room`] for them.
fn with_ready(ready: fn(usize) -> Range<usize>) -> Vec<(&'static str, Sources, Sources)> {
    if !room() {
        return Vec::new();
    }
    let kinds = [("eventfds", eventfds as fn(_, _) -> _), ("sockets", sockets)];
    kinds.map(|(kind, make)| (kind, make(FEW, ready(FEW)), make(MANY, ready(MANY)))).into()
}

fn eventfds(n: usize, ready: Range<usize>) -> Sources {
    let sources = sources(n).unwrap();
    sources[ready].iter().try_for_each(make_ready).unwrap();
    Sources { sources, _peers: Vec::new() }
}

fn sockets(n: usize, ready: Range<usize>) -> Sources {
    let pairs: io::Result<Vec<_>> = (0..n).map(|_| UnixStream::pair()).collect();
    let (ours, mut peers): (Vec<_>, Vec<_>) = pairs.unwrap().into_iter().unzip();
    peers[ready].iter_mut().try_for_each(|peer| peer.write_all(b"!")).unwrap();
    Sources { sources: ours.into_iter().map(OwnedFd::from).collect(), _peers: peers }
}

/// Whether this process may open what all tests together open at one time.
fn room() -> bool {
    let room = room_for(10 * MANY).unwrap();
    if !room {
        println!("\nskipped: the hard limit of descriptors is too low (RLIMIT_NOFILE)");
    }
    room
}

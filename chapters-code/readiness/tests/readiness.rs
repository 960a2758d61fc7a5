//! What the note *Ask, or be told* claims.

use std::io::{self, Write};
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
fn who_asks_has_the_processor_for_half_of_the_wait_and_who_is_told_under_a_tenth() {
    let told = wait_for_a_byte(be_told, Duration::from_millis(20)).unwrap();
    assert!(told.share() < 0.1, "{told:?}");
    // Where other programs want the processor too, some waits are spent without it.
    let alone = (0..1_000).any(|_| {
        let asked = wait_for_a_byte(ask, Duration::from_millis(2)).unwrap();
        asked.share() >= 0.5
    });
    assert!(alone, "the asking thread never had the processor for half of a wait");
}

#[test]
fn who_asks_never_sleeps_and_who_is_told_asks_twice() {
    let after = Duration::from_millis(100);
    let (asked, told) =
        (wait_for_a_byte(ask, after).unwrap(), wait_for_a_byte(be_told, after).unwrap());
    // A lock of the socket may have to be waited for, once, while the byte comes in.
    assert!(asked.asked >= 100 && asked.slept <= 1, "{asked:?}");
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
    if !room() {
        return;
    }
    for (kind, few, many) in [eventfds(1, 1), sockets(1, 1)] {
        let Costs { poll, epoll } = costs(&few.sources, &many.sources);
        assert!(poll[1] >= 10 * poll[0], "{kind}: poll takes {poll:?}");
        assert!(epoll[1] <= 2 * epoll[0], "{kind}: epoll_wait grows with n: {epoll:?}");
    }
}

#[test]
fn poll_grows_with_n_even_if_the_first_source_is_the_ready_one() {
    if !room() {
        return;
    }
    let (few, many) = (sources(FEW).unwrap(), sources(MANY).unwrap());
    make_ready(&few[0]).unwrap();
    make_ready(&many[0]).unwrap();
    let Costs { poll, .. } = costs(&few, &many);
    assert!(poll[1] >= 5 * poll[0], "{poll:?}");
}

#[test]
fn with_all_ready_poll_is_faster() {
    if !room() {
        return;
    }
    for (kind, few, many) in [eventfds(FEW, MANY), sockets(FEW, MANY)] {
        let Costs { poll, epoll } = costs(&few.sources, &many.sources);
        assert!(poll[1] < epoll[1], "{kind}: poll takes {poll:?}, epoll_wait {epoll:?}");
    }
}

/// Sources of which the last ones are ready, and what must live as long.
struct Sources {
    sources: Vec<OwnedFd>,
    _peers: Vec<UnixStream>,
}

fn eventfds(few: usize, many: usize) -> (&'static str, Sources, Sources) {
    let make = |n, ready| {
        let sources = sources(n).unwrap();
        sources[n - ready..].iter().try_for_each(make_ready).unwrap();
        Sources { sources, _peers: Vec::new() }
    };
    ("eventfds", make(FEW, few), make(MANY, many))
}

fn sockets(few: usize, many: usize) -> (&'static str, Sources, Sources) {
    let make = |n, ready| {
        let pairs: io::Result<Vec<_>> = (0..n).map(|_| UnixStream::pair()).collect();
        let (ours, mut peers): (Vec<_>, Vec<_>) = pairs.unwrap().into_iter().unzip();
        peers[n - ready..].iter_mut().try_for_each(|peer| peer.write_all(b"!")).unwrap();
        Sources { sources: ours.into_iter().map(OwnedFd::from).collect(), _peers: peers }
    };
    ("sockets", make(FEW, few), make(MANY, many))
}

/// Whether this process may open what all tests together open at one time.
fn room() -> bool {
    let room = room_for(10 * MANY).unwrap();
    if !room {
        println!("\nskipped: the hard limit of descriptors is too low (RLIMIT_NOFILE)");
    }
    room
}

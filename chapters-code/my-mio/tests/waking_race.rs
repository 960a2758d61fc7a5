//! Two threads that wake at the same moment, with a counter that is full.

use std::fs::File;
use std::hint;
use std::io::{self, Read, Write};
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use my_mio::{Token, Waker};

use watched::{Watched, registrations};

#[allow(dead_code)]
mod watched;

const WAKER: Token = Token(usize::MAX);

/// Waits until both threads are here. They spin, so that they leave within some nanoseconds of each
/// other, and yield when one of them has to wait for a core.
fn meet(arrived: &AtomicUsize, round: usize) {
    arrived.fetch_add(1, Ordering::AcqRel);
    let mut spins = 0;
    while arrived.load(Ordering::Acquire) < 2 * round {
        spins += 1;
        if spins % 10_000 == 0 { thread::yield_now() } else { hint::spin_loop() }
    }
}

#[test]
fn two_threads_that_find_the_counter_full_both_wake() {
    let mut watched = Watched::new();
    let waker = Waker::new(watched.poll.registry(), WAKER).unwrap();
    let [(eventfd, WAKER)] = registrations(&watched.poll)[..] else { panic!("no waker") };
    // SAFETY: the waker owns it and outlives this, which never closes it.
    let mut counter = ManuallyDrop::new(unsafe { File::from_raw_fd(eventfd) });
    let (arrived, rounds) = (AtomicUsize::new(0), 1..=3_000);
    let woken: io::Result<()> = thread::scope(|scope| {
        let both = rounds.clone().map(|round| (2 * round - 1, 2 * round));
        let other = scope.spawn(|| {
            let woken = both.map(|(begin, end)| {
                meet(&arrived, begin);
                let woken = waker.wake();
                meet(&arrived, end);
                woken
            });
            woken.fold(Ok(()), Result::and)
        });
        let mut ours = Ok(());
        for round in rounds {
            counter.write_all(&(u64::MAX - 1).to_ne_bytes()).unwrap();
            assert_eq!(watched.reported(), [WAKER]);
            meet(&arrived, 2 * round - 1);
            ours = ours.and(waker.wake());
            meet(&arrived, 2 * round);
            assert_eq!(watched.reported(), [WAKER], "in round {round}");
            counter.read_exact(&mut [0; 8]).unwrap();
        }
        ours.and(other.join().unwrap())
    });
    woken.expect("the one that finds it read already has nothing to do but wake");
}

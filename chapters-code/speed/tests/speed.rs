//! What the note on the cost of an event claims: counts, no times.

use std::env;
use std::process::Command;
use std::time::Duration;

use lab::doomed::{self, Ended, Ending};
use speed::{CONTENDERS, Contender, Idle, Ring, calls, connected, contest, cores, named, room_for};

#[global_allocator]
static COUNTED: speed::Counted = speed::Counted;

/// The system calls for 1,000 requests, counted in this binary started again with one test.
fn calls(name: &str, connections: usize) -> u64 {
    let mut again = Command::new(env::current_exe().unwrap());
    again.args(["the_server_whose_calls_are_counted", "--exact", "--test-threads=1"]);
    calls::for_1000_requests(again, named(name).unwrap(), connections).unwrap()
}

/// No test, unless this process was started by [`calls`].
#[test]
fn the_server_whose_calls_are_counted() {
    calls::played().unwrap();
}

fn no_trace() -> bool {
    calls::refused().inspect(|why| println!("\nskipped: {why}")).is_some()
}

fn no_ring() -> bool {
    Ring::refused().inspect(|why| println!("\nskipped: {why}")).is_some()
}

#[test]
fn a_request_at_one_connection_takes_three_system_calls_on_mio_my_mio_and_bare_epoll() {
    if !no_trace() {
        let counted = ["bare epoll", "mio", "my-mio"].map(|name| calls(name, 1));
        assert_eq!(counted, [3_000; 3], "system calls for 1,000 requests");
    }
}

#[test]
fn n_requests_at_once_take_two_system_calls_each_and_one_for_all() {
    if no_trace() || !room_for(400).unwrap() {
        return;
    }
    for connections in [10, 100] {
        let counted = ["bare epoll", "mio", "my-mio"].map(|name| calls(name, connections));
        let expected = 2_000 + 1_000 / connections as u64;
        assert_eq!(counted, [expected; 3], "system calls for 1,000 requests");
    }
}

#[test]
fn my_mio_makes_no_more_system_calls_than_mio() {
    if !no_trace() {
        for connections in [1, 2, 64] {
            let (mine, mios) = (calls("my-mio", connections), calls("mio", connections));
            assert!(mine <= mios, "{mine} for 1,000 requests, and mio {mios}");
        }
    }
}

#[test]
fn a_thread_that_reads_makes_two_system_calls_and_a_ring_makes_one() {
    if no_trace() {
        return;
    }
    assert_eq!(calls("read(2)", 1), 2_000);
    if !no_ring() {
        assert_eq!(calls("io_uring", 1), 1_000, "system calls for 1,000 requests");
    }
}

#[test]
fn polling_makes_more_system_calls_than_mio_and_fewer_with_edges() {
    if no_trace() {
        return;
    }
    let [edges, once] = ["polling, edges", "polling"].map(|name| calls(name, 1));
    assert!(calls("mio", 1) < edges && edges < once, "{edges} and {once} for 1,000 requests");
}

#[test]
fn an_event_allocates_nothing_once_warm() {
    passes(doomed::child("an_event_allocates_nothing_once_warm", || {
        let core = *cores().unwrap().last().unwrap();
        let mut took = Vec::with_capacity(10_000);
        for Contender { name, start, .. } in CONTENDERS.iter().filter(|one| one.many) {
            let mut session = start(16, core).unwrap();
            session.ask(160, &mut took).unwrap();
            let before = speed::allocations();
            session.ask(1_000, &mut took).unwrap();
            let allocated = speed::allocations() - before;
            assert_eq!(allocated, 0, "{name} allocated for 1,000 requests and replies");
        }
    }));
}

#[test]
fn an_idle_registration_takes_nothing_from_the_heap() {
    passes(doomed::child("an_idle_registration_takes_nothing_from_the_heap", || {
        let idle = Idle::new(500).unwrap();
        for name in ["mio", "my-mio"] {
            let (one, _kept) = named(name).unwrap().register.unwrap()(&idle, 5_000).unwrap();
            assert_eq!(one.heap, 0, "{name}: {one:?}");
        }
    }));
}

#[test]
fn an_allocation_is_counted() {
    let before = speed::allocations();
    drop(std::hint::black_box(Box::new(1)));
    assert!(speed::allocations() > before);
}

#[test]
fn all_take_part_in_a_contest_and_answer_everything() {
    passes(doomed::child("all_take_part_in_a_contest_and_answer_everything", || {
        let all = CONTENDERS.iter().filter(|one| one.name != "io_uring" || !no_ring());
        let all: Vec<&Contender> = all.collect();
        let effort = speed::Effort { time: Duration::ZERO, requests: 50 };
        let free = cores().unwrap();
        let outcome = contest(&all, 1, effort).unwrap();
        assert_eq!(cores().unwrap(), free, "the next contest has fewer cores");
        for contender in &all {
            let waits = outcome.table.median(contender.name, "waits/1000").unwrap();
            // At one connection each request is waited for; the last wait of a round may be counted
            // in the next.
            assert!((900..=1_100).contains(&waits), "{}\n{}", contender.name, outcome.table);
        }
        assert_eq!(outcome.table.median("mio", "requests/s"), Some(100));
    }));
}

#[test]
fn connections_are_paired_in_order() {
    let (ours, theirs) = connected(3).unwrap();
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours.local_addr().unwrap(), theirs.peer_addr().unwrap());
    }
}

fn passes(ended: Ended) {
    print!("\n{}", ended.stdout);
    assert!(ended.how == Ending::Passed, "{ended}");
}

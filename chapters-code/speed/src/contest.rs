//! Everything in turns, and the tables of it.

use std::io;
use std::panic::resume_unwind;
use std::thread;
use std::time::{Duration, Instant};

use lab::measure::{Table, median};

use crate::allocations;
use crate::contenders::Contender;
use crate::end::Took;
use crate::session::{Session, Spent, cores, pin};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// How long there are new rounds, in each of which all contenders have their turn. There are at
    /// least three.
    pub time: Duration,
    /// How many requests a contender makes in its turn, at least one on each connection.
    pub requests: usize,
}

/// What one contender has done in all rounds.
struct Done<'a> {
    name: &'a str,
    session: Box<dyn Session>,
    /// Of each round: nanoseconds a request, by the clock and by the processor.
    rounds: Vec<[f64; 2]>,
    took: Vec<Took>,
    waits: u64,
    allocations: u64,
}

/// What came of a contest, at one number of connections.
pub struct Outcome {
    /// The contenders against the first of them.
    pub table: Table,
    /// What the first one made, in requests a second, and its p50 and p99 in microseconds.
    pub first: [u64; 3],
}

/// Lets all of them have their turn in each round, in an order that changes, the client on the first
/// core and the servers on the second.
pub fn contest(
    contenders: &[&Contender],
    connections: usize,
    effort: Effort,
) -> io::Result<Outcome> {
    let cores = cores()?;
    let (ours, theirs) = (cores[0], *cores.get(1).unwrap_or(&cores[0]));
    // In a thread of its own: the caller, and what it starts later, stays free to move.
    let client = || {
        pin(ours)?;
        in_turns(contenders, connections, effort, theirs)
    };
    thread::scope(|scope| scope.spawn(client).join()).unwrap_or_else(|panic| resume_unwind(panic))
}

fn in_turns(
    contenders: &[&Contender],
    connections: usize,
    effort: Effort,
    core: usize,
) -> io::Result<Outcome> {
    let requests = effort.requests.max(connections);
    let mut done = Vec::new();
    for contender in contenders {
        let mut session = (contender.start)(connections, core)?;
        session.ask(requests, &mut Vec::new())?;
        let (took, rounds) = (Vec::new(), Vec::new());
        done.push(Done { name: contender.name, session, rounds, took, waits: 0, allocations: 0 });
    }
    let (began, mut round) = (Instant::now(), 0);
    while round < 3 || began.elapsed() < effort.time {
        done.rotate_left(round % contenders.len());
        if round % 2 == 1 {
            done.reverse();
        }
        done.iter_mut().try_for_each(|done| done.round(requests))?;
        round += 1;
    }
    done.sort_by_key(|done| contenders.iter().position(|one| one.name == done.name));
    Ok(outcome(&mut done, connections, requests * round))
}

impl Done<'_> {
    fn round(&mut self, requests: usize) -> io::Result<()> {
        self.took.reserve(requests);
        let (allocated, before, began) = (allocations(), self.session.spent(), Instant::now());
        self.session.ask(requests, &mut self.took)?;
        let took = began.elapsed();
        let Spent { processor, waits } = self.session.spent();
        self.allocations += allocations() - allocated;
        self.waits += waits - before.waits;
        let each = |time: Duration| time.as_nanos() as f64 / requests as f64;
        self.rounds.push([each(took), each(processor - before.processor)]);
        Ok(())
    }

    /// The time that so many thousandths of the requests did not exceed.
    fn percentile(&self, thousandths: usize) -> f64 {
        self.took[self.took.len() * thousandths / 1000] as f64
    }
}

fn outcome(done: &mut [Done<'_>], connections: usize, requests: usize) -> Outcome {
    let corner = match connections {
        1 => "1 connection".to_owned(),
        n => format!("{} connections", lab::measure::thousands(n as u64)),
    };
    let mut table =
        Table::new(&corner, &["requests/s", "p50", "p99", "processor", "waits/1000", "allocated"]);
    done.iter_mut().for_each(|done| done.took.sort_unstable());
    let first = &done[0];
    for done in &*done {
        // In each round against the first in the same round.
        let in_turns = |at: usize| {
            let pairs = first.rounds.iter().zip(&done.rounds);
            median(&pairs.map(|(first, round)| first[at] / round[at]).collect::<Vec<_>>())
        };
        let against = |thousandths| done.percentile(thousandths) / first.percentile(thousandths);
        for (column, ratio) in [
            ("requests/s", in_turns(0)),
            ("p50", against(500)),
            ("p99", against(990)),
            ("processor", 1.0 / in_turns(1)),
        ] {
            table.add(done.name, column, (ratio * 100.0).round() as u64);
        }
        let waits = done.waits as f64 * 1000.0 / requests as f64;
        table.add(done.name, "waits/1000", waits.round() as u64);
        table.add(done.name, "allocated", done.allocations);
    }
    let nanos = median(&first.rounds.iter().map(|round| round[0]).collect::<Vec<_>>());
    let micros = |thousandths| (first.percentile(thousandths) / 1000.0).round() as u64;
    Outcome { table, first: [(1e9 / nanos) as u64, micros(500), micros(990)] }
}

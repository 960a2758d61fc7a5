//! All contenders in turns, and the table of it.

use std::fmt;
use std::io;
use std::panic::resume_unwind;
use std::thread;
use std::time::{Duration, Instant};

use lab::measure::{median, thousands};

use crate::allocations;
use crate::contenders::Contender;
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
struct Done {
    name: &'static str,
    session: Box<dyn Session>,
    /// Of each round: nanoseconds a request, by the clock and by the processor.
    rounds: Vec<[f64; 2]>,
    waits: u64,
    allocations: u64,
}

/// What came of a contest, at one number of connections.
pub struct Outcome {
    connections: usize,
    /// One for each contender, in their order.
    pub lines: Vec<Line>,
    /// What a request took with the first one, by the clock, in nanoseconds: the median round.
    pub first: u64,
}

/// What one contender did. Of each round the quotient is taken with what the first one did in the same
/// round; a line has the quartiles of these, in percent.
pub struct Line {
    /// The contender.
    pub name: &'static str,
    /// By the clock: a quarter of the rounds took less than the first number, half less than the second
    /// and a quarter more than the third.
    pub elapsed: [u64; 3],
    /// The same of the time that client and server had a processor.
    pub processor: [u64; 3],
    /// How often the server has slept, or found something without sleeping, for 1,000 requests.
    pub waits: u64,
    /// How often memory was allocated in all rounds.
    pub allocated: u64,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.connections == 1 { "" } else { "s" };
        let corner = format!("{} connection{s}", thousands(self.connections as u64));
        let names = ["time of a request", "of the processor", "waits/1000", "allocated"];
        let [elapsed, processor, waits, allocated] = names;
        writeln!(f, "{corner:<18}{elapsed:>19}{processor:>19}{waits:>12}{allocated:>11}")?;
        for line in &self.lines {
            write!(f, "{:<18}", line.name)?;
            for [low, middle, high] in [line.elapsed, line.processor] {
                write!(f, "{low:>9}{middle:>5}{high:>5}")?;
            }
            writeln!(f, "{:>12}{:>11}", thousands(line.waits), thousands(line.allocated))?;
        }
        Ok(())
    }
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
        session.ask(requests)?;
        let rounds = Vec::new();
        done.push(Done { name: contender.name, session, rounds, waits: 0, allocations: 0 });
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
    Ok(outcome(&done, connections, requests * round))
}

impl Done {
    fn round(&mut self, requests: usize) -> io::Result<()> {
        let (allocated, before, began) = (allocations(), self.session.spent(), Instant::now());
        self.session.ask(requests)?;
        let took = began.elapsed();
        let Spent { processor, waits } = self.session.spent();
        self.allocations += allocations() - allocated;
        self.waits += waits - before.waits;
        let each = |time: Duration| time.as_nanos() as f64 / requests as f64;
        self.rounds.push([each(took), each(processor - before.processor)]);
        Ok(())
    }
}

fn outcome(done: &[Done], connections: usize, requests: usize) -> Outcome {
    let first = &done[0].rounds;
    let lines = done.iter().map(|done| {
        let in_turns = |at: usize| {
            let pairs = first.iter().zip(&done.rounds);
            quartiles(pairs.map(|(first, round)| round[at] / first[at] * 100.0).collect())
        };
        Line {
            name: done.name,
            elapsed: in_turns(0),
            processor: in_turns(1),
            waits: (done.waits as f64 * 1000.0 / requests as f64).round() as u64,
            allocated: done.allocations,
        }
    });
    let elapsed: Vec<f64> = first.iter().map(|round| round[0]).collect();
    Outcome { connections, lines: lines.collect(), first: median(&elapsed) as u64 }
}

/// The values below which a quarter, a half and three quarters of them lie.
fn quartiles(mut values: Vec<f64>) -> [u64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4].round() as u64)
}

#[test]
fn half_of_the_rounds_lie_between_the_outer_quartiles() {
    assert_eq!(quartiles((0..=100).rev().map(f64::from).collect()), [25, 50, 75]);
    assert_eq!(quartiles(vec![7.0]), [7, 7, 7]);
}

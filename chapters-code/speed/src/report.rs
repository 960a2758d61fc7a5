//! What the benchmark prints.

use std::io;
use std::num::ParseIntError;
use std::process::Command;
use std::str::FromStr;
use std::time::Duration;

use lab::measure::{Table, machine};

use crate::contenders::{CONTENDERS, Contender};
use crate::contest::{Effort, contest};
use crate::{Idle, Ring, calls, cores, room_for};

const BUILD: &str = if cfg!(debug_assertions) { "a debug build" } else { "a release build" };

/// How many idle registrations are made with each to see what one costs.
const REGISTERED: usize = 100_000;

/// What is measured: at how many connections, and how hard.
pub type Plan = [(usize, Effort); 3];

/// Some seconds.
pub const QUICK: Plan = plan(Duration::from_secs(3));

/// A minute and a half.
pub const THOROUGH: Plan = plan(Duration::from_secs(28));

const fn plan(time: Duration) -> Plan {
    [
        (1, Effort { time, requests: 100 }),
        (64, Effort { time, requests: 640 }),
        (1_000, Effort { time, requests: 1_000 }),
    ]
}

/// What is printed: the system calls, the contest at one of the plan's numbers of connections, and what
/// idle registrations cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `calls`
    Calls,
    /// `1`, `64` or `1000`
    Contest(usize),
    /// `idle`
    Idle,
}

impl FromStr for Part {
    type Err = ParseIntError;

    fn from_str(word: &str) -> Result<Part, ParseIntError> {
        Ok(match word {
            "calls" => Part::Calls,
            "idle" => Part::Idle,
            connections => Part::Contest(connections.parse()?),
        })
    }
}

/// Measures and prints these parts, or all if there are none. `again` starts this program so that it comes to
/// [`calls::played`].
pub fn report(plan: &Plan, parts: &[Part], again: impl Fn() -> Command) -> io::Result<()> {
    let wanted = |part: Part| parts.is_empty() || parts.contains(&part);
    println!("{}", machine());
    let refused = Ring::refused();
    if let Some(why) = &refused {
        println!("skipped: {why}");
    }
    let takes_part = |contender: &&Contender| refused.is_none() || contender.name != "io_uring";
    let all: Vec<&Contender> = CONTENDERS.iter().filter(takes_part).collect();
    if wanted(Part::Calls) {
        system_calls(plan, &all, again)?;
    }
    for &(connections, effort) in plan {
        if wanted(Part::Contest(connections)) {
            times(&all, connections, effort)?;
        }
    }
    if wanted(Part::Idle) { registrations() } else { Ok(()) }
}

fn times(all: &[&Contender], connections: usize, effort: Effort) -> io::Result<()> {
    if !room_for((2 * connections * all.len() + 200) as u64)? {
        println!("\nskipped: this process may not have {connections} connections");
        return Ok(());
    }
    let able = |one: &&Contender| one.many || connections == 1;
    let some: Vec<&Contender> = all.iter().copied().filter(able).collect();
    let outcome = contest(&some, connections, effort)?;
    let cores = if cores()?.len() > 1 { "a core each" } else { "one core for both" };
    let (build, first) = (BUILD, outcome.first / 1_000);
    println!("\n{cores}, {build}; mio: {first} µs a request");
    print!("in % of mio in the same round, the quartiles of all rounds\n{outcome}");
    Ok(())
}

fn system_calls(plan: &Plan, all: &[&Contender], again: impl Fn() -> Command) -> io::Result<()> {
    if let Some(why) = calls::refused() {
        println!("\nskipped: {why}");
        return Ok(());
    }
    let names = plan.map(|(connections, _)| connections.to_string());
    let mut table =
        Table::new("system calls, 1,000 requests", &names.each_ref().map(String::as_str));
    for contender in all.iter().filter(|one| !one.is_again()) {
        for (&(connections, _), column) in plan.iter().zip(&names) {
            if contender.many || connections == 1 {
                let calls = calls::for_1000_requests(again(), contender, connections)?;
                table.add(contender.name, column, calls);
            }
        }
    }
    print!("\n{table}");
    Ok(())
}

fn registrations() -> io::Result<()> {
    const DESCRIPTORS: usize = 5_000;
    if !room_for(DESCRIPTORS as u64 + 300)? {
        println!("\nskipped: this process may not have {DESCRIPTORS} descriptors to register");
        return Ok(());
    }
    let (idle, mut kept) = (Idle::new(DESCRIPTORS)?, Vec::new());
    let mut table = Table::new("bytes, one idle registration", &["handle", "heap", "kernel"]);
    for _ in 0..5 {
        for Contender { name, register, .. } in &CONTENDERS {
            if let Some(register) = register {
                let (one, alive) = register(&idle, REGISTERED / 5)?;
                kept.push(alive);
                table.add(name, "handle", one.handle);
                table.add(name, "heap", one.heap);
                table.add(name, "kernel", one.kernel);
            }
        }
    }
    print!("\n{table}");
    Ok(())
}

//! Prints how many more threads each limit allows here. Then two processes bring one limit close
//! each and meet it: this program, started again with what they are to leave.

use std::env;
use std::io;
use std::process::Command;
use std::time::Duration;

use cost::limits::{Met, Squeeze, limits, meet, one_thread, too_many_mappings};
use lab::doomed;
use lab::measure::{machine, thousands};

/// How many threads the limits are to leave room for.
const ROOM: u64 = 500;

fn main() -> io::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    if let [what, left] = &args[..] {
        let left = left.parse().expect("a number");
        return meet(if what == "mappings" {
            Squeeze::Mappings(left)
        } else {
            Squeeze::Addresses(left)
        });
    }
    if let Some(reason) = too_many_mappings()? {
        println!("skipped: {reason}");
        return Ok(());
    }
    println!("{}\n\nmore threads that each limit allows:", machine());
    let one = one_thread()?;
    for limit in limits(&one)? {
        println!("  {:<24} {:>10}", limit.name, thousands(limit.threads()));
    }
    println!("\nwith one limit brought close:");
    // Half a thread's addresses are left over, and two of the mappings of a thread.
    show("addresses", ROOM * one.address_space + one.address_space / 2)?;
    show("mappings", ROOM * one.mappings + 2)
}

/// Starts this program again and prints how it met the limit.
fn show(what: &str, left: u64) -> io::Result<()> {
    let mut command = Command::new(env::current_exe()?);
    command.args([what, &left.to_string()]);
    let ended = doomed::watch(command, Duration::from_secs(30))?;
    let met = Met::parse(&ended.stdout).ok_or_else(|| io::Error::other(ended.to_string()))?;
    let Met { limit, predicted, started, error } = met;
    let then = error.map_or(ended.how.to_string(), |error| format!("spawn failed: {error}"));
    println!("  {limit}: {predicted} predicted, {started} started, then {then}");
    let panicked = ended.stderr.lines().find(|line| line.contains("alternative stack"));
    panicked.into_iter().for_each(|line| println!("    {line}"));
    Ok(())
}

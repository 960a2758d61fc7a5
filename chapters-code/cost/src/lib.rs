//! What it costs to wait: crowds of threads, tasks, fibers and goroutines that all wait for a word which is
//! never given, and what the kernel charges for one of them.
//!
//! [`Threads`], [`Tasks`], [`Fibers`] and [`Goroutines`] are measured by [`measure`]; [`limits`] says how many
//! threads there can be.

mod fibers;
mod goroutines;
pub mod limits;
mod tasks;
mod threads;

use std::io;
use std::time::Duration;

use lab::measure::{Memory, Table};

pub use fibers::Fibers;
pub use goroutines::Goroutines;
pub use tasks::{Tasks, read, scoped, wait_as_task, wait_for_byte, with_buffer};
pub use threads::{DEEP, Threads, Word, go_deep, wait_as_thread};

/// How many bytes of its own every waiter keeps while it waits.
pub const KEPT: usize = 128;

/// Those who wait. More can be added; none leaves before its process ends, so that no allocator
/// gives the memory of the first to the last.
pub trait Crowd {
    /// What they are called in tables.
    fn name(&self) -> &'static str;

    /// The process in which they wait.
    fn pid(&self) -> u32;

    /// Adds more and returns when all of them wait: how long that took.
    fn add(&mut self, count: usize) -> io::Result<Duration>;

    /// Two that wait for each other pass a token there and back: how long one pass took.
    fn pass(&mut self, round_trips: u32) -> io::Result<Duration>;

    /// The same with a byte on a pair of sockets for the token, which has to go through the kernel.
    fn pass_byte(&mut self, round_trips: u32) -> io::Result<Duration>;
}

/// The row of [`measure`] that the claim is about: pages of the process and their tables.
pub const MEMORY: &str = "memory, bytes";

/// The row of [`measure`] that says what a switch takes if a byte on a socket causes it.
pub const BY_A_BYTE: &str = "to switch by a byte, ns";

/// Adds to each crowd its number of waiters, `rounds` times in turns, and tells what one costs. Then
/// passes the token, unless there are no `round_trips` to make.
pub fn measure(
    crowds: &mut [(&mut dyn Crowd, usize)],
    rounds: usize,
    round_trips: u32,
) -> io::Result<Table> {
    let names: Vec<&str> = crowds.iter().map(|(crowd, _)| crowd.name()).collect();
    let mut table = Table::new("for one of them", &names);
    for _ in 0..rounds {
        for (crowd, count) in &mut *crowds {
            let before = Memory::of(crowd.pid())?;
            let took = crowd.add(*count)?;
            let each = Memory::of(crowd.pid())?.each_since(&before, *count);
            for (row, value) in [
                (MEMORY, each.own()),
                ("of it page tables", each.page_tables),
                ("kernel, bytes", each.kernel),
                ("10,000 of them, MB", (each.own() + each.kernel + 50) / 100),
                ("addresses, bytes", each.address_space),
                ("to create, ns", took.as_nanos() as u64 / *count as u64),
            ] {
                table.add(row, crowd.name(), value);
            }
            if round_trips > 0 {
                let passed = crowd.pass(round_trips)?;
                table.add("to switch, ns", crowd.name(), passed.as_nanos() as u64);
                let passed = crowd.pass_byte(round_trips)?;
                table.add(BY_A_BYTE, crowd.name(), passed.as_nanos() as u64);
            }
        }
    }
    Ok(table)
}

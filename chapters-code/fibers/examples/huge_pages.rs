//! What the first touch of a stack costs: with pages of 4 KiB, and with huge ones.

use std::io;
use std::time::Instant;

use fibers::huge::{STACK, touched};
use lab::measure::{Memory, machine};

/// How many stacks are touched in each row.
const COUNT: usize = 2048;

fn main() -> io::Result<()> {
    println!("{}", machine());
    println!("one byte of each stack of {} KiB touched", STACK >> 10);
    println!("advice            bytes each   ns each");
    for (name, huge) in [("MADV_NOHUGEPAGE", false), ("MADV_HUGEPAGE", true)] {
        let (before, from) = (Memory::now()?, Instant::now());
        let (time, after) = touched(COUNT, huge, || (from.elapsed(), Memory::now()))?;
        let each = after?.each_since(&before, COUNT).own();
        println!("{name:<16}  {each:<11}  {}", time.as_nanos() / COUNT as u128);
    }
    Ok(())
}

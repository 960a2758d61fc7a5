//! A stream that does not run dry, and one that has had a byte to read since the beginning.

mod firehose;
mod turns;

use std::io;

use firehose::starved_for;

const BYTES: usize = 1 << 24;

fn main() -> io::Result<()> {
    println!("budget of a turn   read of the firehose before the quiet stream");
    for budget in [usize::MAX, 1 << 20, 1 << 16, 1] {
        let name = if budget == usize::MAX { "none".to_owned() } else { budget.to_string() };
        println!("{name:>16}   {:>8} bytes", starved_for(BYTES, budget)?);
    }
    Ok(())
}

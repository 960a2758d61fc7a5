//! Two threads wait 100 ms for one byte: one asks again and again, the other is told.

use std::io;
use std::time::Duration;

use readiness::{ask, be_told, wait_for_a_byte};

fn main() -> io::Result<()> {
    for (name, how) in [("ask", ask as fn(&_) -> _), ("be told", be_told)] {
        let waited = wait_for_a_byte(how, Duration::from_millis(100))?;
        let share = 100.0 * waited.share();
        println!("{name:<8} {:>7} reads, {share:>5.1} % of the wait on a processor", waited.asked);
    }
    Ok(())
}

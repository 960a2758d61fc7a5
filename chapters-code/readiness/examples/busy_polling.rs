//! Two threads wait 100 ms for one byte: one asks again and again, the other is told.

use std::io;
use std::time::Duration;

use readiness::{ask, be_told, wait_for_a_byte};

fn main() -> io::Result<()> {
    println!("           reads    % ran   % waited for a core");
    for (name, how) in [("ask", ask as fn(&_) -> _), ("be told", be_told)] {
        let waited = wait_for_a_byte(how, Duration::from_millis(100))?;
        let reads = waited.asked;
        let [ran, queued] =
            [waited.ran(), waited.queued().unwrap_or(f64::NAN)].map(|part| 100. * part);
        println!("{name:<8} {reads:>7} {ran:>8.1} {queued:>21.1}");
    }
    Ok(())
}

//! Prints what a thread, a goroutine, a fiber and a task cost that wait, on this machine.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use cost::{Fibers, Goroutines, KEPT, Tasks, Threads, measure, wait_as_task};
use lab::measure::machine;

const ROUNDS: usize = 5;

/// How often a token goes there and back between two in each round.
const ROUND_TRIPS: u32 = 5_000;

fn main() -> io::Result<()> {
    let mut goroutines = match Goroutines::new() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("skipped: there is no `go` here to run the goroutines");
            return Ok(());
        }
        goroutines => goroutines?,
    };
    let (mut tasks, mut fibers, mut threads) = (Tasks::new()?, Fibers::new(), Threads::new());
    println!("{}, {}", machine(), goroutines.version());
    let table = measure(
        &mut [
            (&mut tasks, 10_000),
            (&mut goroutines, 10_000),
            (&mut fibers, 10_000),
            (&mut threads, 400),
        ],
        ROUNDS,
        ROUND_TRIPS,
    )?;
    let future = size_of_val(&wait_as_task(Arc::default(), Arc::default()));
    println!("medians of {ROUNDS} rounds; each keeps {KEPT} bytes and waits");
    println!("the future of such a task has {future} bytes\n");
    print!("{table}");
    Ok(())
}

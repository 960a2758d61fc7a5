//! How many fibers there can be, and what each costs: with guards that are mappings, and with guards
//! in the page table. Each row in a process of its own.

use std::env;
use std::fs;
use std::io;
use std::process::Command;
use std::thread;
use std::time::Instant;

use fibers::fiber::{Fiber, suspend};
use fibers::stack::{Guard, guard_by};
use lab::measure::{Memory, machine};

const STACK: usize = 64 << 10;

fn main() -> io::Result<()> {
    if let [guard, count] = &env::args().skip(1).collect::<Vec<_>>()[..] {
        let guard = if guard == "mprotect" { Guard::Mapping } else { Guard::PageTable };
        let count = count.parse().expect("a number");
        // When this thread ends, its stacks go: at the limit there would be no mapping for a print.
        print!("{}", thread::spawn(move || row(guard, count)).join().expect("it does not panic")?);
        return Ok(());
    }
    println!("{}", machine());
    println!("fibers    guard       made      predicted   mappings   bytes each   ns each");
    for (count, guard) in [("10000", "mprotect"), ("100000", "mprotect"), ("100000", "page table")]
    {
        let row = Command::new(env::current_exe()?).args([guard, count]).output()?;
        println!("{count:<8}  {guard:<10}  {}", String::from_utf8_lossy(&row.stdout));
    }
    Ok(())
}

// ANCHOR: row
/// Makes so many fibers, each suspended in its first line, or as many as there can be.
fn row(guard: Guard, count: usize) -> io::Result<String> {
    guard_by(guard);
    let mut fibers = Vec::with_capacity(count);
    let (before, from) = (Memory::now()?, Instant::now());
    let predicted = match guard {
        Guard::Mapping => ((max_map_count()? - before.mappings) / 2).min(count as u64),
        Guard::PageTable => count as u64,
    };
    while fibers.len() < count {
        let Ok(mut fiber) = Fiber::new(STACK, suspend) else { break };
        let _ = fiber.resume();
        fibers.push(fiber);
    }
    let (made, time) = (fibers.len(), from.elapsed());
    // Some go before anything is read or printed, which takes mappings of its own.
    fibers.truncate(made - made / 100);
    let after = Memory::now()?;
    let mappings = after.mappings - before.mappings;
    let each = after.each_since(&before, made).own();
    let ns = time.as_nanos() / made as u128;
    Ok(format!("{made:<8}  {predicted:<10}  {mappings:<9}  {each:<11}  {ns}"))
}
// ANCHOR_END: row

fn max_map_count() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/sys/vm/max_map_count")?;
    text.trim().parse().map_err(io::Error::other)
}

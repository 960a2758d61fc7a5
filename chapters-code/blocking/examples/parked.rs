//! A thread that waits for a reply, as the kernel sees it.

use std::error::Error;

use blocking::ask;
use blocking::parked::{kernel_tells, watch};
use delayserver::Delayserver;

fn main() -> Result<(), Box<dyn Error>> {
    if !kernel_tells() {
        println!("skipped: this kernel does not tell in which system call a thread sleeps");
        return Ok(());
    }
    let server = Delayserver::start()?;
    let wait = watch(ask(server.addr(), "/500/1")?)?;
    println!("state:          {}, in recvfrom", wait.seen.state);
    println!("time:           {:.2} ms", wait.time.as_secs_f64() * 1e3);
    println!("CPU time:       {:.2} ms", wait.cpu.as_secs_f64() * 1e3);
    println!("times asleep:   {}", wait.switches);
    Ok(())
}

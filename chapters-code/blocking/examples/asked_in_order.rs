//! Five requests, the slowest first, and one thread that waits in a read.

use std::error::Error;
use std::time::Instant;

use blocking::experiment::paths;
use blocking::{all_requests_first, one_after_the_other};
use delayserver::Delayserver;

fn main() -> Result<(), Box<dyn Error>> {
    let server = Delayserver::start()?;
    println!("asked for: {}", paths().join(" "));
    for (name, run) in [
        ("one after the other", one_after_the_other as fn(_, &_) -> _),
        ("all requests first", all_requests_first),
    ] {
        println!("{name}:");
        let start = Instant::now();
        for reply in run(server.addr(), &paths())? {
            println!("  reply {} after {} ms", reply.body, (reply.at - start).as_millis());
        }
    }
    Ok(())
}

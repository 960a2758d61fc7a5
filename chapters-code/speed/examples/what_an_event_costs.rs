//! Prints what a request and its reply cost on mio, on my-mio and on the rest, in some seconds, or the
//! parts of it that are named: `calls`, `1`, `64`, `1000`, `idle`.

use std::env;
use std::io;
use std::process::Command;

#[global_allocator]
static COUNTED: speed::Counted = speed::Counted;

fn main() -> io::Result<()> {
    if speed::calls::played()? {
        return Ok(());
    }
    let program = env::current_exe()?;
    let parts: Result<Vec<speed::Part>, _> = env::args().skip(1).map(|arg| arg.parse()).collect();
    speed::report(&speed::QUICK, &parts.map_err(io::Error::other)?, || Command::new(&program))
}

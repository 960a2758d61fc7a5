//! `cargo bench --bench round_trips [-- [--quick] [calls] [1] [64] [1000] [idle]]`: request and reply on
//! mio, on my-mio and on the rest, or the parts of it that are named, in a minute and a half, or in some
//! seconds.

use std::env;
use std::io;
use std::process::Command;

#[global_allocator]
static COUNTED: speed::Counted = speed::Counted;

fn main() -> io::Result<()> {
    if speed::calls::played()? {
        return Ok(());
    }
    let quick = env::args().any(|arg| arg == "--quick");
    let program = env::current_exe()?;
    let plan = if quick { &speed::QUICK } else { &speed::THOROUGH };
    // Cargo adds `--bench`.
    let parts = env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    let parts: Result<Vec<speed::Part>, _> = parts.map(|arg| arg.parse()).collect();
    speed::report(plan, &parts.map_err(io::Error::other)?, || Command::new(&program))
}

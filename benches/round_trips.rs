//! `cargo bench --bench round_trips [-- --quick]`: request and reply on mio, on my-mio and on the rest,
//! in less than a minute, or in some seconds.

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
    speed::report(plan, &[], || Command::new(&program))
}

//! The signals that end reading.

use std::fs;
use std::io;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Listens for Ctrl-C, for a polite `kill`, and for the end of the terminal. As process 1 of a
/// container a program gets no signal that it does not listen for.
pub fn listen() -> io::Result<Signals> {
    let signals = Signals::new([SIGINT, SIGTERM])?;
    // `nohup` asks for that.
    if !is_ignored(SIGHUP) {
        signals.add_signal(SIGHUP)?;
    }
    Ok(signals)
}

/// Whether whoever started this program had it ignore a signal (`proc(5)`, `SigIgn`).
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

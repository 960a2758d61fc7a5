//! Children that signals end, whatever the tests were started by: a shell that starts something in
//! the background makes it ignore SIGINT, and a child inherits that.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// The command, with SIGINT, SIGTERM and SIGHUP as a terminal's shell hands them on.
pub fn with_default_signals(command: &mut Command) -> &mut Command {
    // SAFETY: signal(2) with SIG_DFL may be called between fork and exec (signal-safety(7)), and
    // nothing else is done there.
    unsafe {
        command.pre_exec(|| {
            for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
                libc::signal(signal, libc::SIG_DFL);
            }
            Ok(())
        })
    }
}

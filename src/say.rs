//! What is said to a reader who may have left: `cargo book check | head -1`.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::panic;
use std::process::{self, ExitCode};

use anyhow::{Context, Result};

/// From now on the program ends where `println!` and its relatives can't print: well, if the reader
/// of a pipe has left; with an error, if a disk is full.
///
/// They panic then, and the panic's message is all that tells. To die of `SIGPIPE` instead would be
/// simpler, but a verb that talks to sockets would die of those too.
pub fn end_with_the_reader() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or_default();
        match message.strip_prefix("failed printing to ") {
            Some(why) if why.contains(GONE) => process::exit(0),
            Some(why) => {
                line(&mut io::stderr(), format_args!("error: can't print to {why}"));
                process::exit(1)
            }
            None => usual(panic),
        }
    }));
}

/// What an error of a broken pipe prints, on Linux and elsewhere: `EPIPE` is 32.
const GONE: &str = "(os error 32)";

/// Prints all of `text`. That its reader has left is no error.
pub fn all(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("can't print to stdout")
        }
        _ => Ok(()),
    }
}

/// What a verb's program ends with: its error is told, unless it is that the reader has left.
pub fn ended(verb: Result<()>) -> ExitCode {
    match verb.and_then(|()| all("")) {
        Err(error) if !is_reader_gone(&error) => {
            line(&mut io::stderr(), format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Prints a line where somebody reads it, for a program that goes on where nobody does.
pub fn line(to: &mut impl Write, text: Arguments<'_>) {
    let _ = writeln!(to, "{text}").and_then(|()| to.flush());
}

/// Whether an error is no more than that the reader of a pipe has left.
pub fn is_reader_gone(error: &anyhow::Error) -> bool {
    let gone = |cause: &io::Error| cause.kind() == ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref().is_some_and(gone))
}

//! The command: its arguments, and what it prints.

use std::ffi::OsString;
use std::io::{self, Error, Write};
use std::time::Duration;

use lab::peer::Mode;

use crate::{Gauntlet, TASK, Verdict};

/// How wide the help and the list are.
const WIDTH: usize = 92;

/// How many threads of a client are named when it hangs.
const NAMED: usize = 8;

/// The arguments of `gauntlet`.
#[derive(clap::Args, Clone, Debug)]
#[command(override_usage = "cargo book gauntlet [OPTIONS] -- COMMAND...\n       \
                            cargo book gauntlet --list")]
#[command(after_help = TASK)]
pub struct Args {
    /// Only these peers, with commas between
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    mode: Vec<Mode>,
    /// What the peers do and which fault each finds
    #[arg(long)]
    list: bool,
    /// When to stop the client, for each peer
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    deadline: u64,
    /// When the client shall give up on a peer that never replies; and before that is over nothing
    /// is called a hang
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 2000)]
    patience: u64,
    /// The client and its arguments; if it must be built, build it first
    #[arg(last = true, required_unless_present = "list", value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the command. The error says what is wrong with the arguments or with the client.
pub fn run(args: &Args) -> io::Result<()> {
    let modes = if args.mode.is_empty() { Mode::ALL } else { &args.mode };
    if args.list {
        return list(modes);
    }
    let patience = Duration::from_millis(args.patience);
    let deadline = Duration::from_secs(args.deadline);
    if deadline < patience + Duration::from_secs(2) {
        return Err(Error::other("the deadline must be 2 s later than the patience, or more"));
    }
    let gauntlet = Gauntlet { command: args.command.clone(), patience, deadline };
    let mut right = 0;
    for &mode in modes {
        print!("{mode:<24}");
        io::stdout().flush()?;
        let verdict = gauntlet.run(mode).inspect_err(|_| println!())?;
        println!("{verdict}");
        print_threads(&verdict);
        right += usize::from(verdict.is_right());
    }
    match modes.len() {
        all if all == right => Ok(()),
        all => Err(Error::other(format!("right against {right} of {all} peers"))),
    }
}

/// Where each thread was, if the verdict's one line does not say it all.
fn print_threads(verdict: &Verdict) {
    if verdict.asleep.len() < 2 {
        return;
    }
    let first = verdict.asleep[0].pid;
    for thread in verdict.asleep.iter().take(NAMED) {
        let process = match thread.pid == first {
            true => String::new(),
            false => format!("another process, pid {}: ", thread.pid),
        };
        println!("{:<26}{process}{thread}", "");
    }
    if let more @ 1.. = verdict.asleep.len().saturating_sub(NAMED) {
        println!("{:<26}and {more} more", "");
    }
}

fn list(modes: &[Mode]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for mode in modes {
        let mut name = mode.name();
        // What is written for who reads the code calls the others by their variants.
        let about = Mode::ALL.iter().fold(mode.about(), |about, other| {
            about.replace(&format!("`{other:?}`"), other.name())
        });
        for line in wrapped(&about, WIDTH - 24) {
            writeln!(out, "{name:<24}{line}")?;
            name = "";
        }
    }
    Ok(())
}

/// The words of `text` in lines of at most `width` bytes, where the words allow it.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("it begins with one");
        match line.len() + 1 + word.len() {
            _ if line.is_empty() => line.push_str(word),
            len if len <= width => line.extend([" ", word]),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

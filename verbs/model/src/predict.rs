//! `cargo book predict`: a script in the model of epoll, and on the kernel.

use std::io::{IsTerminal, stdout};

use anyhow::{Context, Result, bail};
use model::{Script, draw, program, trial};

/// Runs a script in both, and prints both lists and both answers after each step.
///
/// Fails if they differ; a program to paste is then printed, or if it is asked for.
pub fn run(script: &str, as_program: bool) -> Result<()> {
    let script: Script = match script.parse() {
        Ok(script) => script,
        Err(wrong) => bail!("{wrong}\n\n`cargo book predict --help` has all steps and an example"),
    };
    let lines = trial::run(&script).context("the kernel would not open what the script needs")?;
    let agree = lines.iter().all(trial::Line::agrees);
    if as_program {
        print!("{}", program(&script, &lines));
        return Ok(());
    }
    let table = draw::table(&script, &lines);
    match stdout().is_terminal() {
        true => print!("{}", coloured(&table)),
        false => print!("{table}"),
    }
    if !agree {
        bail!(
            "the model is wrong; the script as a program to paste:\n\n{}",
            program(&script, &lines)
        );
    }
    Ok(())
}

/// The head is faint, and what differs is red.
fn coloured(table: &str) -> String {
    let line = |(at, line): (usize, &str)| match line {
        _ if at == 0 => format!("\x1b[2m{line}\x1b[0m\n"),
        _ if line.contains("they differ") || line.starts_with("They differ") => {
            format!("\x1b[31m{line}\x1b[0m\n")
        }
        _ => format!("{line}\n"),
    };
    table.lines().enumerate().map(line).collect()
}

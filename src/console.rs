//! Console blocks: the commands they show, run again, and their output compared.

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lab::doomed::{self, Ending};
use regex::Regex;
use similar::TextDiff;

use crate::cargo::Built;

/// How long a command of the book may take. None needs a tenth of it.
const DEADLINE: Duration = Duration::from_secs(120);

/// What a command of the book may look like; shown in errors.
const COMMANDS: &str = "\
a console block shows `$ cargo run -q --example NAME [-- ARGS]`, where NAME is an example of a chapter crate";

/// A command and what it printed.
#[derive(Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// Without the `$ `.
    pub command: &'a str,
    /// What stands below it.
    pub output: String,
}

/// The commands of a block with their outputs.
pub fn steps(body: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    for line in body.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push(Step { command, output: String::new() }),
            (None, Some(step)) => step.output.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    steps
}

/// Runs a command of the book and returns what it printed, without blanks at line ends.
pub fn run(root: &Path, built: &Built, command: &str) -> Result<String> {
    let ended = doomed::watch(program(root, built, command)?, DEADLINE)
        .with_context(|| format!("`{command}` could not be started"))?;
    if ended.how != Ending::Passed {
        bail!("`{command}` {}\n{}{}", ended.how, ended.stdout, ended.stderr);
    }
    let lines = ended.stdout.lines().chain(ended.stderr.lines());
    Ok(lines.flat_map(|line| [line.trim_end(), "\n"]).collect())
}

fn program(root: &Path, built: &Built, command: &str) -> Result<Command> {
    let mut words = command.split_whitespace().filter(|word| *word != "-q" && *word != "--quiet");
    let [Some("cargo"), Some("run"), Some("--example"), Some(name)] =
        [words.next(), words.next(), words.next(), words.next()]
    else {
        bail!("can't run `{command}`: {COMMANDS}");
    };
    let args: Vec<&str> = words.collect();
    let args = match args.split_first() {
        None => &[],
        Some((&"--", args)) => args,
        Some((other, _)) => bail!("can't run `{command}`: `{other}`: {COMMANDS}"),
    };
    let example = built.find("example", name).with_context(|| {
        let there = built.executables.iter().filter(|exe| exe.kind == "example");
        let names: Vec<&str> = there.map(|exe| exe.name.as_str()).collect();
        format!("there is no example `{name}`; the examples are: {}", names.join(", "))
    })?;
    let mut program = Command::new(&example.path);
    program.current_dir(root).args(args);
    Ok(program)
}

/// `None` if both say the same after normalising, else the differences.
pub fn differences(recorded: &str, printed: &str, varies: bool) -> Option<String> {
    let (recorded, printed) = (normalise(recorded, varies), normalise(printed, varies));
    (recorded != printed).then(|| {
        let diff = TextDiff::from_lines(&recorded, &printed);
        diff.unified_diff().header("on the page", "printed now").to_string()
    })
}

/// Puts names in the place of what differs from run to run: times, addresses, ports and process
/// ids; where the numbers vary, all of them, with the blanks that line them up.
pub fn normalise(text: &str, varies: bool) -> String {
    static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        let rules = [
            (r"\b\d+(\.\d+)? ?(ns|µs|us|ms|s)\b", "[TIME]"),
            (r"0x[0-9a-f]{4,}", "[ADDRESS]"),
            (r"(127\.0\.0\.1|\[::1\]|localhost):\d+", "$1:[PORT]"),
            (r"\bpid \d+", "pid [PID]"),
        ];
        rules.map(|(rule, name)| (Regex::new(rule).expect("a rule is a regex"), name)).into()
    });
    static NUMBERS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r" *[.,]*\d[\d,.]*").expect("the rule is a regex"));
    let text = RULES.iter().fold(text.trim_end().to_owned(), |text, (rule, name)| {
        rule.replace_all(&text, *name).into_owned()
    });
    let text = match varies {
        true => NUMBERS.replace_all(&text, " [N]").into_owned(),
        false => text,
    };
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_commands_with_their_output() {
        let found = steps("$ a b\none\ntwo\n$ c\n");
        let step = |command, output: &str| Step { command, output: output.into() };
        assert_eq!(found, [step("a b", "one\ntwo\n"), step("c", "")]);
    }

    #[test]
    fn only_what_differs_from_run_to_run_is_normalised() {
        assert_eq!(differences("took 3 ms, pid 7\n", "took 4.5 s, pid 812\n", false), None);
        assert_eq!(differences("127.0.0.1:80 at 0xabcd", "127.0.0.1:8123 at 0x12345", false), None);
        assert!(differences("5 replies\n", "4 replies\n", false).is_some());
        assert!(differences("5 replies\n", "5 Replies\n", true).is_some());
        assert_eq!(differences("a   9 of 400\n", "a 203 of 400\n", true), None);
    }
}

//! Console blocks: the commands they show, run again, and their output compared.

use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lab::doomed::{self, Ending};
use regex::Regex;
use weave::{Fence, Varies};

use crate::cargo::Built;

/// How long a command of the book may take. None needs a tenth of it.
const DEADLINE: Duration = Duration::from_secs(120);

/// How long a verb of the book may take, which may run whole test suites.
const VERB_DEADLINE: Duration = Duration::from_secs(3600);

/// Whether a block that takes minutes runs: where `BOOK_SLOW` is 1, or words of its command.
pub fn slow(body: &str) -> bool {
    std::env::var("BOOK_SLOW").is_ok_and(|wanted| {
        wanted == "1" || steps(body).iter().any(|step| step.command.contains(&wanted))
    })
}

/// What a command of the book may look like; shown in errors.
const COMMANDS: &str = "\
a console block shows one of
    $ cargo run -q --example NAME [-- ARGS]     an example of a chapter crate
    $ strace ARGS cargo run -q --example NAME   the same, watched
    $ go run FILE ARGS                          a Go program beside a chapter crate
    $ cargo book VERB ARGS [-- COMMAND]         a verb of the book; the command is one as above
with `NAME=value`, `timeout SECONDS` and `taskset -c CORE` before it where they are needed";

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

/// What a command did.
#[derive(Debug)]
pub enum Printed {
    /// It printed this, without blanks at line ends; how it ended stands last if not well.
    Output(String),
    /// It can't be run here, and why.
    Skipped(String),
}

/// Runs a command of the book.
pub fn run(root: &Path, built: &Built, command: &str) -> Result<Printed> {
    let words = words(command);
    let is_variable = |word: &&&str| word.split_once('=').is_some_and(|(name, _)| is_name(name));
    let variables = words.iter().take_while(is_variable).count();
    let mut line =
        program(built, &words[variables..]).with_context(|| format!("can't run `{command}`"))?;
    if let Some(missing) = line.iter().find(|word| is_missing(word)) {
        return Ok(Printed::Skipped(format!("{missing} not found")));
    }
    let mut program = Command::new(line.remove(0));
    program.current_dir(root).args(line).env("GO111MODULE", "off");
    program.envs(words[..variables].iter().filter_map(|word| word.split_once('=')));
    let verb = words[variables..].starts_with(&["cargo", "book"]);
    let ended = doomed::watch(program, if verb { VERB_DEADLINE } else { DEADLINE })?;
    let lines = ended.stdout.lines().chain(ended.stderr.lines());
    let mut output: String = lines.flat_map(|line| [line.trim_end(), "\n"]).collect();
    match ended.how {
        Ending::Passed => {}
        Ending::Failed(status) => output += &format!("[exit status {status}]\n"),
        Ending::Killed(signal) => output += &format!("[killed by {signal}]\n"),
        how => bail!("`{command}` {how}\n{output}"),
    }
    Ok(Printed::Output(output))
}

/// The words of a command, parted by blanks; what stands in single quotes is one word.
fn words(command: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for (at, part) in command.split('\'').enumerate() {
        match at % 2 {
            0 => words.extend(part.split_whitespace()),
            _ => words.push(part),
        }
    }
    words
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// Whether a word is a program that commands may use and that is not on this machine.
fn is_missing(word: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    ["go", "strace", "taskset"].contains(&word)
        && !std::env::split_paths(&path).any(|dir| dir.join(word).is_file())
}

/// The command as it is started: the example that cargo built in the place of `cargo run`.
fn program(built: &Built, words: &[&str]) -> Result<Vec<String>> {
    let owned = |words: &[&str]| words.iter().map(|word| word.to_string()).collect::<Vec<_>>();
    match words {
        ["timeout", seconds, rest @ ..] if seconds.parse::<u32>().is_ok() => {
            Ok([owned(&words[..2]), program(built, rest)?].concat())
        }
        ["taskset", "-c", core, rest @ ..] if core.parse::<u32>().is_ok() => {
            Ok([owned(&words[..3]), program(built, rest)?].concat())
        }
        ["strace", ..] => {
            let at = words.iter().position(|word| *word == "cargo").unwrap_or(words.len());
            Ok([owned(&words[..at]), program(built, &words[at..])?].concat())
        }
        ["go", "run", ..] => Ok(owned(words)),
        ["cargo", "book", rest @ ..] => {
            let book = built.find("bin", "book").context("the book's own program is not built")?;
            let at = rest.iter().position(|word| *word == "cargo").unwrap_or(rest.len());
            let command = if at < rest.len() { program(built, &rest[at..])? } else { Vec::new() };
            let book = vec![book.path.to_string_lossy().into_owned()];
            Ok([book, owned(&rest[..at]), command].concat())
        }
        ["cargo", "run", "-q", "--example", name, rest @ ..] => {
            let args = match rest {
                [] => rest,
                ["--", args @ ..] => args,
                [other, ..] => bail!("`{other}`: {COMMANDS}"),
            };
            Ok([vec![example(built, name)?], owned(args)].concat())
        }
        _ => bail!("{COMMANDS}"),
    }
}

fn example(built: &Built, name: &str) -> Result<String> {
    let found = built.find("example", name).with_context(|| {
        let there = built.executables.iter().filter(|exe| exe.kind == "example");
        let names: Vec<&str> = there.map(|exe| exe.name.as_str()).collect();
        format!("there is no example `{name}`; the examples are: {}", names.join(", "))
    })?;
    Ok(found.path.to_string_lossy().into_owned())
}

/// Which numbers of a block's output differ from run to run.
pub fn varies(fence: &Fence) -> &Varies {
    match fence {
        Fence::Console { varies } => varies,
        _ => &Varies::Everything,
    }
}

/// Puts names in the place of what differs from run to run: times, addresses, ports, process ids,
/// the line that names the machine; and the numbers that vary, with the blanks that line them up.
pub fn normalise(text: &str, varies: &Varies) -> String {
    static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        let rules = [
            (r"(?m)^machine: .*$", "machine: [MACHINE]"),
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
        Varies::Everything => NUMBERS.replace_all(&text, " [N]").into_owned(),
        Varies::Words(words) => without_numbers_at(&text, words, &NUMBERS),
        Varies::Nothing => text,
    };
    text + "\n"
}

/// Puts a name in the place of each number that stands before one of the words, or behind it as in
/// `word=7`, or under one that heads a column: a word without such a number, for the lines down to the next empty
/// one.
fn without_numbers_at(text: &str, words: &[String], numbers: &Regex) -> String {
    let mut columns: Vec<Range<usize>> = Vec::new();
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        if line.trim().is_empty() {
            columns.clear();
        }
        let at = |byte: usize| line[..byte].chars().count();
        let found: Vec<Range<usize>> =
            numbers.find_iter(line).map(|number| number.range()).collect();
        let places: Vec<Range<usize>> = words.iter().flat_map(|word| places(line, word)).collect();
        let is_at = |number: &Range<usize>, word: &Range<usize>| {
            let before = number.end <= word.start;
            before && line[number.end..word.start].trim().is_empty()
                || word.end <= number.start && &line[word.end..number.start] == "="
        };
        let is_under = |number: &Range<usize>| {
            let blanks = line[number.clone()].len() - line[number.clone()].trim_start().len();
            let (from, to) = (at(number.start + blanks), at(number.end));
            columns.iter().any(|column| from < column.end && column.start < to)
        };
        let mut done = 0;
        for number in &found {
            if is_under(number) || places.iter().any(|word| is_at(number, word)) {
                out += &line[done..number.start];
                out += " [N]";
                done = number.end;
            }
        }
        out += &line[done..];
        let heads = places.iter().filter(|word| !found.iter().any(|number| is_at(number, word)));
        columns.extend(heads.map(|word| at(word.start)..at(word.end)));
    }
    out
}

/// Where a line has a word, or some, whole.
fn places(line: &str, word: &str) -> Vec<Range<usize>> {
    let is_whole = |at: &usize| {
        let (before, after) = (&line[..*at], &line[*at + word.len()..]);
        let joins = |a: Option<char>, b: Option<char>| {
            a.is_some_and(char::is_alphabetic) && b.is_some_and(char::is_alphabetic)
        };
        !joins(before.chars().last(), word.chars().next())
            && !joins(word.chars().last(), after.chars().next())
    };
    let found = line.match_indices(word).map(|(at, _)| at).filter(is_whole);
    found.map(|at| at..at + word.len()).collect()
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
    fn what_stands_in_quotes_is_one_word() {
        assert_eq!(
            words("cargo book predict 'add IN|ET;  wait'  --x"),
            ["cargo", "book", "predict", "add IN|ET;  wait", "--x"]
        );
    }

    #[test]
    fn only_what_differs_from_run_to_run_is_normalised() {
        let exact = |a, b| normalise(a, &Varies::Nothing) == normalise(b, &Varies::Nothing);
        assert!(exact("took 3 ms, pid 7\n", "took 4.5 s, pid 812\n"));
        assert!(exact("127.0.0.1:80 at 0xabcd", "127.0.0.1:8123 at 0x12345"));
        assert!(!exact("5 replies\n", "4 replies\n"));
        let loose = |a, b| normalise(a, &Varies::Everything) == normalise(b, &Varies::Everything);
        assert!(!loose("5 replies\n", "5 Replies\n"));
        assert!(loose("a   9 of 400\n", "a 203 of 400\n"));
    }

    fn same(words: &[&str], a: &str, b: &str) -> bool {
        let varies = Varies::Words(words.iter().map(|word| word.to_string()).collect());
        normalise(a, &varies) == normalise(b, &varies)
    }

    #[test]
    fn a_word_erases_the_numbers_before_it_and_no_others() {
        assert!(same(&["of 400"], "4 runs, 9 of 400\n", "4 runs,  203 of 400\n"));
        assert!(!same(&["of 400"], "4 runs, 9 of 400\n", "5 runs, 9 of 400\n"));
        assert!(!same(&["of 400"], "9 of 400\n", "9 of 401\n"));
        assert!(same(&["replies", "KB"], "5 replies, 1.5 KB\n", "4 replies, 22 KB\n"));
        assert!(!same(&["rep"], "5 replies\n", "4 replies\n"), "a word is whole");
        assert!(!same(&["replies"], "5 and replies\n", "4 and replies\n"));
        assert!(same(&["u32"], "{u32=5, u64=7}\n", "{u32=61, u64=7}\n"));
        assert!(!same(&["u32"], "{u32=5, u64=7}\n", "{u32=5, u64=8}\n"));
    }

    #[test]
    fn a_word_at_the_head_of_a_column_erases_what_stands_under_it() {
        let table = |a: &str, b: &str| {
            format!(
                "\
who         MB   count
thread   {a:>5}   {b:>5}
task        12       7

thread 3
"
            )
        };
        assert!(same(&["MB"], &table("355", "9"), &table("1,204", "9")));
        assert!(!same(&["MB"], &table("355", "9"), &table("355", "8")));
        assert!(same(&["MB", "count"], &table("355", "9"), &table("1,204", "12345")));
        assert!(!same(&["MB"], "MB\n\n 4\n", "MB\n\n 5\n"), "the column ends at an empty line");
        assert!(!same(&["MB"], "so 3 MB\n     4\n", "so 3 MB\n     5\n"), "a unit heads no column");
        assert!(!same(&["MB"], "MB\n4\n", "MB\nx\n"), "a number is a number");
    }
}

//! The note "who may interrupt you", claim by claim: the Go scheduler. Its programs are in the folder
//! `go`; where Go is not installed these tests are skipped.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::LazyLock;
use std::time::Duration;

use lab::doomed::{Ending, watch};

/// A build from nothing compiles Go's runtime.
const DEADLINE: Duration = Duration::from_secs(120);

/// More rounds than any of these loops needs to be interrupted; a matter of seconds.
const MANY: u64 = 10_000_000_000;

#[test]
fn a_goroutine_that_calls_nothing_is_preempted() {
    let Some(spin) = &*SPIN else { return skip() };
    assert!(interrupted(spin, "nothing store", MANY, &[ONE_P]).is_some());
}

#[test]
fn with_asyncpreemptoff_and_one_p_it_never_is() {
    let Some(spin) = &*SPIN else { return skip() };
    let rounds = interrupted(spin, "nothing store", MANY, &[ONE_P]).expect("it is preempted");
    let rounds = (20 * rounds).max(100_000_000);
    assert_eq!(interrupted(spin, "nothing store", rounds, &[ONE_P, OFF]), None);
}

#[test]
fn with_asyncpreemptoff_a_call_that_checks_the_stack_is_where_a_goroutine_is_preempted() {
    let Some(spin) = &*SPIN else { return skip() };
    let rounds = interrupted(spin, "frame store", MANY, &[ONE_P, OFF]).expect("it is preempted");
    if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
        let rounds = (20 * rounds).max(100_000_000);
        assert_eq!(interrupted(spin, "leaf store", rounds, &[ONE_P, OFF]), None);
    }
}

#[test]
fn with_asyncpreemptoff_a_second_p_helps_until_garbage_is_collected() {
    let Some(spin) = &*SPIN else { return skip() };
    let rounds = interrupted(spin, "nothing store", MANY, &[TWO_P, OFF]).expect("beside the loop");
    let rounds = (20 * rounds).max(100_000_000);
    assert_eq!(interrupted(spin, "nothing collect", rounds, &[TWO_P, OFF]), None);
    assert!(interrupted(spin, "nothing collect", MANY, &[TWO_P]).is_some());
}

#[test]
fn a_local_moves_when_its_goroutine_s_stack_grows_and_pointers_follow() {
    let Some(stack) = build("stack") else { return skip() };
    let said = run(Command::new(stack));
    let [before, after] = ["before", "after"].map(|when| {
        let line = said.lines().find(|line| line.starts_with(when)).expect("a line for each");
        line.rsplit(' ').next().expect("an address").to_owned()
    });
    assert_ne!(before, after, "{said}");
    assert!(said.ends_with("the pointer from before points to it: true\n"), "{said}");
}

type Variable = (&'static str, &'static str);

const ONE_P: Variable = ("GOMAXPROCS", "1");
const TWO_P: Variable = ("GOMAXPROCS", "2");
const OFF: Variable = ("GODEBUG", "asyncpreemptoff=1");

static SPIN: LazyLock<Option<PathBuf>> = LazyLock::new(|| build("spin"));

/// In which round the loop saw that the other goroutine had run; `None` if in none of them.
fn interrupted(spin: &Path, what: &str, rounds: u64, variables: &[Variable]) -> Option<u64> {
    let mut command = Command::new(spin);
    command.args(what.split(' ')).arg(rounds.to_string());
    command.env_remove("GODEBUG").envs(variables.iter().copied());
    let said = run(command);
    let (_version, result) = said.trim_end().split_once(": ").expect("the version, a colon");
    if result == format!("the other goroutine did not run in {rounds} rounds") {
        return None;
    }
    let round = result.strip_prefix("the other goroutine ran during the loop, in round ");
    Some(round.and_then(|round| round.parse().ok()).expect(&said))
}

/// Builds a program of the folder `go`. `None` if there is no Go.
fn build(name: &str) -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mine = dir.join(format!("preempt-{name}-{}", process::id()));
    let mut go = Command::new("go");
    go.args(["build", "-o"]).arg(&mine).arg(format!("{name}.go"));
    go.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/go")).env("GO111MODULE", "off");
    match watch(go, DEADLINE) {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        built => {
            let built = built.expect("go can be started");
            assert_eq!(built.how, Ending::Passed, "{}", built.stderr);
        }
    }
    // Another process may be running the program that it built.
    let program = dir.join(format!("preempt-{name}"));
    fs::rename(mine, &program).expect("a file beside it");
    Some(program)
}

fn run(command: Command) -> String {
    let ended = watch(command, DEADLINE).expect("what was built can be started");
    assert_eq!(ended.how, Ending::Passed, "{}", ended.stderr);
    ended.stdout
}

fn skip() {
    println!("\nskipped: go not found");
}

//! A test that a page names exists among the compiled tests, and passes.
//!
//! A good verdict is kept while the test's program stays the same. What else the test may depend on
//! does not count here: `cargo test` runs it every time, with the other tests of its crate.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use book::broken::full_name;
use book::verdict::Verdict;
use lab::doomed::{self, Ending};
use weave::source::folder;

use crate::works::Works;
use crate::{Outcome, Proof, skipped};

/// How long a test may take. One builds a server on another mio.
const DEADLINE: Duration = Duration::from_secs(600);

pub fn prove(works: &Works, test: &str) -> Outcome {
    let (of, name) = test.split_once("::").context("a test is `crate::name`")?;
    let this = std::env::current_exe()?;
    let package = folder(works.root(), of);
    let programs = works.built()?.tests_of(&package);
    // This program has a test of that name as well: the one that is running. It would start itself.
    for program in programs.filter(|program| program.path != this) {
        let tests = works.tests(&program.path)?;
        let Some(full) = full_name(&tests.names, name) else {
            continue;
        };
        let verdict = Verdict::new(works.root(), name, (tests.program, full));
        if verdict.stands() {
            return Ok(Proof::Holds);
        }
        let mut command = Command::new(&program.path);
        command.args([full, "--exact", "--nocapture", "--test-threads=1"]);
        command.current_dir(&program.package);
        let ended = doomed::watch(command, DEADLINE)?;
        let said = format!("{}{}", ended.stdout, ended.stderr);
        return match (ended.how, skipped(&said)) {
            (Ending::Passed, Some(why)) => Ok(Proof::Skipped(why.to_owned())),
            (Ending::Passed, None) if said.contains("1 passed") => {
                verdict.keep()?;
                Ok(Proof::Holds)
            }
            (how, _) => bail!("the test `{test}` {how}\n{said}"),
        };
    }
    bail!("no compiled test of `{of}` is called `{name}`: is it compiled on this platform?")
}

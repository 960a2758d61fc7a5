//! `cargo book prove faults`: which of tokio's tests each fault of the book kills.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use weave::patch::Patch;
use weave::{belongs, text};

use super::suite::{AS_MIO, Plan, Suite, Test, Verdict, version};
use crate::target;

/// One file for each fault: a line `# what is wrong`, then a diff of `my-mio`.
const FAULTS: &str = "chapters-code/my-mio/faults";
/// The crate that they break.
const MY_MIO: &str = "chapters-code/my-mio";
/// When a test is given up on that is not seen to hang.
const DEADLINE: Duration = Duration::from_secs(20);
/// The fault that tells which tests use mio at all: no other fault can kill the rest.
const NO_POLL: &str = "no-poll";

/// A fault that can be planted in `my-mio`.
#[derive(Debug)]
struct Fault {
    name: String,
    says: String,
    diff: String,
}

/// Plants one fault after the other, and runs tokio's tests on what comes out; or `only` one, whose
/// victims it names.
pub fn run(root: &Path, only: Option<&str>) -> Result<()> {
    let faults = faults(root)?;
    let names: Vec<&str> = faults.iter().map(|fault| fault.name.as_str()).collect();
    if let Some(only) = only.filter(|only| !names.contains(only)) {
        return Err(anyhow!("no fault `{only}`; the faults are: {}", names.join(", ")));
    }
    let no_poll = faults.iter().find(|fault| fault.name == NO_POLL);
    plant(root, None)?;
    crate::progress("building tokio's tests, for a mio that can be swapped…");
    let as_mio = copy_of(root).join("as-mio");
    let plan = Plan { name: "faulty", mio: Some(&as_mio), tokio: true, swappable: true };
    let suite = Suite::build(root, &plan)?;
    crate::progress("running them without a fault, and without a poll…");
    let right = suite.run(DEADLINE, |_| true)?;
    plant(root, Some(no_poll.context("no fault shows which tests use mio")?))?;
    suite.swap()?;
    let no_poll = suite.run(DEADLINE, |test| right.get(test) == Some(&Verdict::Passed))?;
    let uses_mio = |test: &Test| no_poll.get(test).is_some_and(|how| *how != Verdict::Passed);
    let users = no_poll.keys().filter(|test| uses_mio(test)).count();

    println!(
        "tokio {} on my-mio with one fault at a time; {users} of {} tests use mio",
        version(root, "tokio")?,
        right.len()
    );
    println!("{:<22}{:>5}{:>6}   the program with most of them", "fault", "fail", "hang");
    let wanted = faults.iter().filter(|fault| fault.name != NO_POLL);
    for fault in wanted.filter(|fault| only.is_none_or(|only| fault.name == only)) {
        crate::progress(&format!("{}: {}…", fault.name, fault.says));
        plant(root, Some(fault))?;
        suite.swap()?;
        let verdicts = suite.run(DEADLINE, uses_mio)?;
        let count = |of| verdicts.values().filter(|verdict| **verdict == of).count();
        let fail = count(Verdict::Failed);
        let hang = count(Verdict::Hung) + count(Verdict::TooLong);
        println!("{:<22}{fail:>5}{hang:>6}   {}", fault.name, most(&verdicts).unwrap_or("none"));
        if only.is_some() {
            killed(&verdicts).for_each(|(program, test)| println!("    {program}::{test}"));
        }
    }
    Ok(())
}

/// The tests that a fault killed.
fn killed(verdicts: &BTreeMap<Test, Verdict>) -> impl Iterator<Item = &Test> {
    let passes = |verdict| matches!(verdict, Verdict::Passed | Verdict::Ignored);
    verdicts.iter().filter(move |(_, verdict)| !passes(**verdict)).map(|(test, _)| test)
}

/// The test program with most of the tests that were killed.
fn most(verdicts: &BTreeMap<Test, Verdict>) -> Option<&str> {
    let mut of: BTreeMap<&str, usize> = BTreeMap::new();
    for (program, _) in killed(verdicts) {
        *of.entry(program).or_default() += 1;
    }
    of.into_iter().max_by_key(|(_, n)| *n).map(|(program, _)| program)
}

fn faults(root: &Path) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for path in belongs::files(&root.join(FAULTS))? {
        let text = text::read(&path).with_context(|| path.display().to_string())?;
        let (says, diff) = text.split_once('\n').unwrap_or_default();
        let says = says
            .trim_end()
            .strip_prefix("# ")
            .with_context(|| format!("{}: the first line is `# what is wrong`", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        faults.push(Fault { name, says: says.to_owned(), diff: diff.to_owned() });
    }
    faults.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(faults)
}

/// Where the faulty `my-mio` lies.
fn copy_of(root: &Path) -> PathBuf {
    target(root).join("book/prove/faulty/my-mio")
}

/// Makes a copy of `my-mio` that has the fault, if there is to be one.
fn plant(root: &Path, fault: Option<&Fault>) -> Result<()> {
    let copy = copy_of(root);
    super::suite::copy(&root.join(MY_MIO).join("src"), &copy.join("src"))?;
    super::suite::copy(&root.join(AS_MIO), &copy.join("as-mio"))?;
    if let Some(fault) = fault {
        let changed = Patch::parse(&fault.diff).and_then(|patch| patch.apply(root));
        for (file, text) in changed.map_err(|(line, wrong)| {
            anyhow!("{FAULTS}/{}.diff:{}: {wrong}", fault.name, line + 2)
        })? {
            fs::write(copy.join(file.strip_prefix(MY_MIO)?), text)?;
        }
    }
    let as_mio = fs::read_to_string(root.join(AS_MIO).join("Cargo.toml"))?;
    let library = "\n[lib]\ncrate-type = [\"dylib\"]\n";
    fs::write(copy.join("as-mio/Cargo.toml"), as_mio + library)?;
    Ok(fs::write(copy.join("Cargo.toml"), manifest(root)?)?)
}

/// The crate's manifest without what it takes from the book's workspace, of which the copy is no
/// member.
fn manifest(root: &Path) -> Result<String> {
    let text = fs::read_to_string(root.join(MY_MIO).join("Cargo.toml"))?;
    let mut book: toml::Table = toml::from_str(&text)?;
    let features = book.remove("features").context("my-mio has features")?;
    let mut manifest = toml::toml! {
        [package]
        name = "my-mio"
        version = "0.1.0"
        edition = "2024"
        [dependencies]
        libc = "0.2"
        [workspace]
    };
    manifest.insert("features".into(), features);
    Ok(toml::to_string(&manifest)?)
}

//! `cargo book prove faults`: which of tokio's tests each fault of the book kills.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use weave::patch::Patch;

use super::suite::{AS_MIO, Packages, Suite, Test, Verdict, version};
use crate::target;

/// One file for each fault: a line `# what is wrong`, then a diff of `my-mio`.
const FAULTS: &str = "chapters-code/my-mio/faults";
/// The crate that they break.
const MY_MIO: &str = "chapters-code/my-mio";
/// When a test is given up on that is not seen to hang.
const DEADLINE: Duration = Duration::from_secs(20);

/// A fault that can be planted in `my-mio`.
#[derive(Debug)]
struct Fault {
    name: String,
    says: String,
    diff: String,
}

/// Plants one fault after the other, and runs tokio's tests on what comes out; or `only` one.
pub fn run(root: &Path, only: Option<&str>) -> Result<()> {
    let faults = faults(root)?;
    let names: Vec<&str> = faults.iter().map(|fault| fault.name.as_str()).collect();
    if let Some(only) = only.filter(|only| !names.contains(only)) {
        return Err(anyhow!("no fault `{only}`; the faults are: {}", names.join(", ")));
    }
    println!(
        "tokio {}, its own tests, on my-mio with one fault at a time",
        version(root, "tokio")?
    );
    println!("{:<24}{:>6}{:>6}  the program with most of them", "fault", "fail", "hang");
    for fault in faults.iter().filter(|fault| only.is_none_or(|only| fault.name == only)) {
        eprintln!("{}: {}…", fault.name, fault.says);
        let mio = plant(root, fault)?;
        let suite = Suite::build(root, "faulty", Some(&mio), Packages::All)?;
        let verdicts = suite.run(DEADLINE)?;
        let count = |of| verdicts.values().filter(|verdict| **verdict == of).count();
        let (fail, hang) = (count(Verdict::Failed), count(Verdict::Hung));
        println!("{:<24}{fail:>6}{hang:>6}  {}", fault.name, most(&verdicts).unwrap_or("none"));
    }
    Ok(())
}

/// The test program with most of the tests that were killed.
fn most(verdicts: &BTreeMap<Test, Verdict>) -> Option<&str> {
    let mut killed: BTreeMap<&str, usize> = BTreeMap::new();
    for ((program, _), verdict) in verdicts {
        if matches!(verdict, Verdict::Failed | Verdict::Hung) {
            *killed.entry(program).or_default() += 1;
        }
    }
    killed.into_iter().max_by_key(|(_, n)| *n).map(|(program, _)| program)
}

fn faults(root: &Path) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for entry in fs::read_dir(root.join(FAULTS)).with_context(|| format!("can't read {FAULTS}"))? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        let (says, diff) = text.split_once('\n').unwrap_or_default();
        let says = says
            .strip_prefix("# ")
            .with_context(|| format!("{}: the first line is `# what is wrong`", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        faults.push(Fault { name, says: says.to_owned(), diff: diff.to_owned() });
    }
    faults.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(faults)
}

/// A copy of `my-mio` with the fault, and the folder of the package that puts it in mio's place.
fn plant(root: &Path, fault: &Fault) -> Result<PathBuf> {
    let copy = target(root).join("book/prove/faulty/my-mio");
    let from = root.join(MY_MIO);
    let changed = Patch::parse(&fault.diff).and_then(|patch| patch.apply(root));
    let changed = changed
        .map_err(|(line, wrong)| anyhow!("{FAULTS}/{}.diff:{}: {wrong}", fault.name, line + 2))?;
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    super::suite::copy(&from.join("src"), &copy.join("src"))?;
    super::suite::copy(&root.join(AS_MIO), &copy.join("as-mio"))?;
    for (file, text) in changed {
        fs::write(copy.join(file.strip_prefix(MY_MIO)?), text)?;
    }
    fs::write(copy.join("Cargo.toml"), manifest(root)?)?;
    Ok(copy.join("as-mio"))
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

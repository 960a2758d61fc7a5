//! Whether mio's contract finds the bugs that are planted in a copy of the crate on trial.
//!
//! One copy, under `target/book/planted`, gets the bugs one after the other. Cargo compiles the suite
//! against it each time and links it into the same target folder, so all that does not change is
//! built once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use lab::doomed::{self, Ending};
use weave::patch::Patch;

use crate::broken::{files, workspace, write_if_changed};
use crate::{cargo, target, write};

/// The crate that the bugs are planted in, and the one whose tests must find them.
const TRIAL: &str = "chapters-code/my-mio";
const CONTRACT: &str = "chapters-code/mio-contract";
/// When the whole suite is given up on. Each of its tests is given up on long before.
const DEADLINE: Duration = Duration::from_secs(600);

/// A bug, and what it is in a sentence.
struct Bug {
    name: String,
    what: String,
    patch: Patch,
}

/// What the suite says of a bug.
enum Verdict {
    /// The suite no longer compiles: what it needs is gone.
    Refused,
    /// These tests fail; none if nobody notices.
    Failed(Vec<String>),
}

/// Plants every bug, prints what finds it, and records that beside the bugs.
///
/// Fails if a bug survives without a reason, or has a reason and does not survive.
pub fn run(root: &Path) -> Result<()> {
    let bugs = all(root)?;
    let (mut verdicts, mut faults) = (BTreeMap::new(), Vec::new());
    let copy = Copy::new(root)?;
    copy.must_pass_unchanged()?;
    for (at, bug) in bugs.iter().enumerate() {
        print!("{:>3}/{} ", at + 1, bugs.len());
        match copy.try_out(bug) {
            Ok(verdict) => {
                println!("{}", row(bug, &verdict));
                verdicts.insert(bug.name.as_str(), verdict);
            }
            Err(error) => {
                println!("{:<38} is no bug", bug.name);
                faults.push(format!("{error:#}"));
            }
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n\n"));
    let table = table(&bugs, &verdicts);
    write::atomically(&root.join(CONTRACT).join("planted/RESULT.txt"), table.as_bytes())?;
    let unexplained = disagreements(&verdicts, &explained(root)?);
    ensure!(unexplained.is_empty(), "{}", unexplained.join("\n"));
    Ok(())
}

/// Plants one bug, and prints everything that finds it.
pub fn one(root: &Path, name: &str) -> Result<()> {
    let bug = all(root)?.into_iter().find(|bug| bug.name == name);
    let bug = bug.with_context(|| format!("no bug `{name}` in {CONTRACT}/planted"))?;
    let verdict = Copy::new(root)?.try_out(&bug)?;
    println!("{}: {}", bug.name, bug.what);
    match verdict {
        Verdict::Refused => println!("the suite does not compile"),
        Verdict::Failed(tests) => {
            println!("{} tests fail", tests.len());
            tests.iter().for_each(|test| println!("    {test}"));
        }
    }
    Ok(())
}

/// All bugs, by name.
fn all(root: &Path) -> Result<Vec<Bug>> {
    let mut found = files(&root.join(CONTRACT).join("planted"))?;
    found.retain(|file| file.extension().is_some_and(|extension| extension == "diff"));
    found.sort();
    found.iter().map(|file| Bug::read(file)).collect()
}

impl Bug {
    fn read(file: &Path) -> Result<Bug> {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(file)?;
        let (what, diff) = text.split_once('\n').unwrap_or_default();
        let what = what.strip_prefix("# ").with_context(|| format!("{name}: what is it?"))?;
        let patch =
            Patch::parse(diff).map_err(|(line, fault)| anyhow!("{name}, {}: {fault}", line + 2))?;
        Ok(Bug { name, what: what.to_owned(), patch })
    }
}

/// A copy of the two crates, in a workspace of their own.
struct Copy<'a> {
    root: &'a Path,
    dir: PathBuf,
}

impl Copy<'_> {
    fn new(root: &Path) -> Result<Copy<'_>> {
        let copy = Copy { root, dir: target(root).join("book/planted") };
        let mut manifest = workspace(root, &["on-trial", "contract"])?;
        let trial = copy.dir.join("on-trial").to_string_lossy().into_owned();
        manifest["workspace"]["dependencies"]["on-trial"]["path"] = trial.into();
        write_if_changed(&copy.dir.join("Cargo.toml"), &toml::to_string(&manifest)?)?;
        if !copy.dir.join("Cargo.lock").exists() {
            fs::copy(root.join("Cargo.lock"), copy.dir.join("Cargo.lock"))?;
        }
        let contract = root.join(CONTRACT);
        for file in files(&contract)? {
            let inside = file.strip_prefix(&contract)?;
            if !inside.starts_with("planted") {
                let to = copy.dir.join("contract").join(inside);
                write_if_changed(&to, fs::read(&file)?)?;
            }
        }
        Ok(copy)
    }

    /// A suite that fails without a bug would find every bug.
    fn must_pass_unchanged(&self) -> Result<()> {
        self.write(Vec::new())?;
        match self.test()? {
            Verdict::Failed(tests) if tests.is_empty() => Ok(()),
            Verdict::Failed(tests) => bail!("without any bug these fail: {}", tests.join(", ")),
            Verdict::Refused => bail!("without any bug the suite does not compile"),
        }
    }

    fn try_out(&self, bug: &Bug) -> Result<Verdict> {
        let changed = bug.patch.apply(self.root);
        let changed = changed.map_err(|(_, fault)| anyhow!("{}: {fault}", bug.name))?;
        let outside = changed.iter().find(|(file, _)| !file.starts_with(TRIAL));
        ensure!(outside.is_none(), "{}: a bug is planted in {TRIAL} alone", bug.name);
        self.write(changed)?;
        self.test().with_context(|| format!("with the bug `{}`", bug.name))
    }

    /// The crate on trial as it is, but for the files that a bug has changed.
    fn write(&self, changed: Vec<(PathBuf, String)>) -> Result<()> {
        let trial = self.root.join(TRIAL);
        for file in files(&trial)?.iter().filter(|file| !file.starts_with(trial.join("as-mio"))) {
            let bug = changed.iter().find(|(path, _)| file.strip_prefix(self.root) == Ok(path));
            let text = match bug {
                Some((_, text)) => text.clone().into_bytes(),
                None => fs::read(file)?,
            };
            write_if_changed(&self.dir.join("on-trial").join(file.strip_prefix(&trial)?), text)?;
        }
        Ok(())
    }

    /// Builds the suite and runs it.
    fn test(&self) -> Result<Verdict> {
        let target = target(self.root);
        let target = target.to_str().context("the target folder's path is not UTF-8")?;
        let args = ["test", "--no-run", "-p", "mio-contract", "--test", "on_trial"];
        let built = cargo::build(&self.dir, &[&args[..], &["--target-dir", target]].concat())?;
        let refuses = |package| built.errors.iter().find(|(of, _)| *of == self.dir.join(package));
        if let Some((_, error)) = refuses("on-trial") {
            bail!("the crate on trial does not compile:\n{error}");
        }
        if refuses("contract").is_some() {
            return Ok(Verdict::Refused);
        }
        let suite = built.find("test", "on_trial").context("cargo built no suite")?;
        let mut command = Command::new(&suite.path);
        // Most of them wait rather than compute when a bug is in their way.
        command.arg("--test-threads=8").env("RUST_BACKTRACE", "0");
        let ended = doomed::watch(command, DEADLINE)?;
        match ended.how {
            Ending::Passed => Ok(Verdict::Failed(Vec::new())),
            Ending::Failed(_) => Ok(Verdict::Failed(failed(&ended.stdout))),
            _ => bail!("the suite itself {ended}"),
        }
    }
}

/// The tests that libtest lists as failed, at the end.
fn failed(stdout: &str) -> Vec<String> {
    let (_, list) = stdout.rsplit_once("\nfailures:\n").unwrap_or_default();
    let tests = list.lines().map_while(|line| line.strip_prefix("    "));
    let mut tests: Vec<String> = tests.map(|test| test.replace("suite::", "")).collect();
    tests.sort();
    tests
}

fn row(bug: &Bug, verdict: &Verdict) -> String {
    let found = match verdict {
        Verdict::Refused => "does not compile".to_owned(),
        Verdict::Failed(tests) => match &tests[..] {
            [] => "survives".to_owned(),
            [first, ..] => format!("{:>3}  {first}", tests.len()),
        },
    };
    format!("{:<38} {found}", bug.name)
}

/// How many are found, and for each bug how many tests find it and the first of them.
fn table(bugs: &[Bug], verdicts: &BTreeMap<&str, Verdict>) -> String {
    let survive = verdicts.values().filter(|verdict| survives(verdict)).count();
    let mut table = String::from("Written by `cargo book prove contract`.\n\n");
    let found = bugs.len() - survive;
    let _ = writeln!(table, "{} bugs planted, {found} found, {survive} survive.\n", bugs.len());
    for bug in bugs {
        let _ = writeln!(table, "{}", row(bug, &verdicts[bug.name.as_str()]));
    }
    table
}

fn survives(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Failed(tests) if tests.is_empty())
}

/// The bugs of which `SURVIVORS.md` says why no program can see them, one `- name: reason` each.
fn explained(root: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(root.join(CONTRACT).join("planted/SURVIVORS.md"))?;
    let items = text.lines().filter_map(|line| line.strip_prefix("- `"));
    Ok(items.filter_map(|item| Some(item.split_once("`: ")?.0.to_owned())).collect())
}

/// Where the verdicts and the explanations do not agree.
fn disagreements(verdicts: &BTreeMap<&str, Verdict>, explained: &[String]) -> Vec<String> {
    let is_explained = |name: &str| explained.iter().any(|explained| explained == name);
    let mut found = Vec::new();
    for (name, verdict) in verdicts {
        match (survives(verdict), is_explained(name)) {
            (true, false) => found.push(format!("`{name}` survives, and nothing says why")),
            (false, true) => found.push(format!("`{name}` is found: SURVIVORS.md says otherwise")),
            _ => {}
        }
    }
    let gone = explained.iter().filter(|name| !verdicts.contains_key(name.as_str()));
    found.extend(gone.map(|name| format!("SURVIVORS.md explains `{name}`, which is no bug here")));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bug_can_still_be_planted_and_is_in_the_recorded_result() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let recorded = fs::read_to_string(root.join(CONTRACT).join("planted/RESULT.txt")).unwrap();
        let mut rows = recorded.lines().skip(4).filter_map(|line| line.split_whitespace().next());
        for bug in all(root).unwrap() {
            let applied = bug.patch.apply(root);
            assert!(applied.is_ok(), "{}: {}", bug.name, applied.unwrap_err().1);
            assert_eq!(rows.next(), Some(&*bug.name), "`cargo book prove contract` records it");
        }
        assert_eq!(rows.next(), None);
    }
}

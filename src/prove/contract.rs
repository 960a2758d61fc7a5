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

use super::share::Share;
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
    /// What must find it: a test by its module and name, or the compiler; nothing for one that no
    /// program can see.
    finder: Option<String>,
    patch: Patch,
}

/// In the place of a test, where a bug takes something away that the suite needs.
const COMPILER: &str = "the compiler";

/// What the suite says of a bug.
enum Verdict {
    /// The suite no longer compiles: what it needs is gone.
    Refused,
    /// These tests fail; none if nobody notices.
    Failed(Vec<String>),
}

/// Plants every bug, or a share of them, and prints what finds it, which is recorded beside the bugs.
///
/// Fails if a bug is not found by what must find it, survives without a reason, or has a reason and does
/// not survive.
pub fn run(root: &Path, share: Option<Share>) -> Result<()> {
    let mut bugs = all(root)?;
    let names: Vec<String> = bugs.iter().map(|bug| bug.name.clone()).collect();
    if let Some(share) = share {
        share.keep(&mut bugs);
    }
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
    record(root, &names, &bugs, &verdicts)?;
    let wrong = disagreements(&bugs, &verdicts, &names, &explained(root)?);
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} bugs, each found by what must find it or explained", bugs.len());
    Ok(())
}

/// Plants one bug, and prints everything that finds it.
pub fn one(root: &Path, name: &str) -> Result<()> {
    let mut bugs = all(root)?;
    let names: Vec<String> = bugs.iter().map(|bug| bug.name.clone()).collect();
    bugs.retain(|bug| bug.name == name);
    let [bug] = &bugs[..] else {
        bail!("no bug `{name}` in {CONTRACT}/planted");
    };
    let verdict = Copy::new(root)?.try_out(bug)?;
    println!("{}: {}", bug.name, bug.what);
    match &verdict {
        Verdict::Refused => println!("the suite does not compile"),
        Verdict::Failed(tests) => {
            println!("{} tests fail", tests.len());
            tests.iter().for_each(|test| println!("    {test}"));
        }
    }
    let verdicts = BTreeMap::from([(name, verdict)]);
    record(root, &names, &bugs, &verdicts)?;
    let explained = explained(root)?;
    let wrong = disagreements(&bugs, &verdicts, &names, &explained);
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// All bugs, by name.
fn all(root: &Path) -> Result<Vec<Bug>> {
    let mut found = files(&root.join(CONTRACT).join("planted"))?;
    found.retain(|file| file.extension().is_some_and(|extension| extension == "diff"));
    let mut bugs = found.iter().map(|file| Bug::read(file)).collect::<Result<Vec<_>>>()?;
    bugs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(bugs)
}

impl Bug {
    fn read(file: &Path) -> Result<Bug> {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(file)?;
        let (what, rest) = text.split_once('\n').unwrap_or_default();
        let what = what.strip_prefix("# ").with_context(|| format!("{name}: what is it?"))?;
        let finder = rest.strip_prefix("# found by ").and_then(|rest| rest.split_once('\n'));
        let (finder, diff) = finder.map_or((None, rest), |(finder, diff)| (Some(finder), diff));
        let above = text.lines().count() - diff.lines().count();
        let patch = Patch::parse(diff)
            .map_err(|(line, fault)| anyhow!("{name}, {}: {fault}", above + line + 1))?;
        Ok(Bug { name, what: what.to_owned(), finder: finder.map(str::to_owned), patch })
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

/// Writes how many bugs are found, and for each how many tests find it and the first of them. Of those
/// that were not planted this time it keeps what an earlier time has written.
fn record(
    root: &Path,
    names: &[String],
    bugs: &[Bug],
    verdicts: &BTreeMap<&str, Verdict>,
) -> Result<()> {
    let file = root.join(CONTRACT).join("planted/RESULT.txt");
    let before = fs::read_to_string(&file)?;
    let rows = before.lines().skip(4).map(|row| (row.split(' ').next().unwrap_or_default(), row));
    let mut rows: BTreeMap<&str, String> = rows.map(|(name, row)| (name, row.to_owned())).collect();
    rows.retain(|name, _| names.iter().any(|known| known == name));
    rows.extend(bugs.iter().map(|bug| (&*bug.name, row(bug, &verdicts[bug.name.as_str()]))));
    let survive = rows.values().filter(|row| row.ends_with(" survives")).count();
    let (all, found) = (rows.len(), rows.len() - survive);
    let mut table = format!(
        "Written by `cargo book prove contract`.\n\n\
         {all} bugs planted, {found} found, {survive} survive.\n\n"
    );
    for row in rows.into_values() {
        let _ = writeln!(table, "{row}");
    }
    write::atomically(&file, table.as_bytes())
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

/// Where the verdicts do not agree with what the bugs name as their finders, and with the
/// explanations. `names` are those of all bugs.
fn disagreements(
    bugs: &[Bug],
    verdicts: &BTreeMap<&str, Verdict>,
    names: &[String],
    explained: &[String],
) -> Vec<String> {
    let mut found = Vec::new();
    for Bug { name, finder, .. } in bugs {
        let is_explained = explained.contains(name);
        match (finder, &verdicts[name.as_str()]) {
            (_, verdict) if survives(verdict) && is_explained && finder.is_none() => {}
            (None, verdict) if survives(verdict) => {
                found.push(format!("`{name}` survives, and nothing says why"));
            }
            (_, _) if is_explained => {
                found.push(format!("`{name}` is to be found: SURVIVORS.md says otherwise"));
            }
            (None, _) => found.push(format!("`{name}`: its second line is `# found by TEST`")),
            (Some(finder), Verdict::Refused) if finder == COMPILER => {}
            (Some(finder), Verdict::Failed(tests)) if tests.contains(finder) => {}
            (Some(finder), verdict) => {
                let by = match verdict {
                    Verdict::Refused => "only by the compiler".to_owned(),
                    Verdict::Failed(tests) if tests.is_empty() => "by nothing".to_owned(),
                    Verdict::Failed(tests) => format!("only by {}", tests.join(", ")),
                };
                found.push(format!("`{name}` must be found by {finder}, and is found {by}"));
            }
        }
    }
    let gone = explained.iter().filter(|name| !names.contains(name));
    found.extend(gone.map(|name| format!("SURVIVORS.md explains `{name}`, which is no bug here")));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    #[test]
    fn every_bug_can_still_be_planted_and_is_in_the_recorded_result() {
        let root = root();
        let recorded = fs::read_to_string(root.join(CONTRACT).join("planted/RESULT.txt")).unwrap();
        let mut rows = recorded.lines().skip(4).filter_map(|line| line.split_whitespace().next());
        for bug in all(root).unwrap() {
            let applied = bug.patch.apply(root);
            assert!(applied.is_ok(), "{}: {}", bug.name, applied.unwrap_err().1);
            assert_eq!(rows.next(), Some(&*bug.name), "`cargo book prove contract` records it");
        }
        assert_eq!(rows.next(), None);
    }

    #[test]
    fn every_bug_names_a_rule_that_must_find_it_or_is_explained() {
        let rules = super::super::rules::of_the_suite(root()).unwrap();
        let explained = explained(root()).unwrap();
        for Bug { name, finder, .. } in all(root()).unwrap() {
            match finder {
                Some(finder) => assert!(
                    finder == COMPILER || rules.contains(&finder),
                    "{name}: no rule is called {finder}"
                ),
                None => assert!(explained.contains(&name), "{name}: what finds it?"),
            }
        }
    }

    #[test]
    fn a_bug_that_its_test_does_not_find_is_a_fault_whatever_else_finds_it() {
        let patch = || Patch::parse("--- a\n-a\n+b\n").unwrap();
        let bug = |name: &str, finder: Option<&str>| Bug {
            name: name.into(),
            what: String::new(),
            finder: finder.map(str::to_owned),
            patch: patch(),
        };
        let failed =
            |tests: &[&str]| Verdict::Failed(tests.iter().map(|t| t.to_string()).collect());
        let say = |finder: Option<&str>, verdict: Verdict, explained: &[&str]| {
            let bugs = [bug("x", finder)];
            let explained: Vec<String> = explained.iter().map(|name| name.to_string()).collect();
            disagreements(&bugs, &BTreeMap::from([("x", verdict)]), &["x".into()], &explained)
                .join("; ")
        };
        assert_eq!(say(Some("a::b"), failed(&["a::a", "a::b"]), &[]), "");
        assert_eq!(say(Some(COMPILER), Verdict::Refused, &[]), "");
        assert_eq!(say(None, failed(&[]), &["x"]), "");
        let must = "`x` must be found by a::b, and is found ";
        assert_eq!(say(Some("a::b"), failed(&["a::a"]), &[]), format!("{must}only by a::a"));
        assert_eq!(say(Some("a::b"), failed(&[]), &[]), format!("{must}by nothing"));
        assert_eq!(say(Some("a::b"), Verdict::Refused, &[]), format!("{must}only by the compiler"));
        assert!(say(None, failed(&[]), &[]).contains("nothing says why"));
        assert!(say(None, failed(&["a::b"]), &[]).contains("# found by TEST"));
        assert!(say(None, failed(&["a::b"]), &["x"]).contains("SURVIVORS.md says otherwise"));
        assert!(say(Some("a::b"), failed(&["a::b"]), &["x"]).contains("says otherwise"));
        assert!(say(Some("a::b"), failed(&["a::b"]), &["y"]).contains("which is no bug here"));
    }
}

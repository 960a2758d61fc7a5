//! tokio's own published tests, unmodified, and those of delayserver, on one mio or another.

use std::collections::BTreeMap;
use std::fs;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lab::doomed;
use toml::{Table, Value};

use crate::broken;
use crate::cargo::{self, Built, Executable};
use crate::target;

/// The versions that these tests were proven with.
const LOCKFILE: &str = "chapters-code/my-mio/tokio.lock";
/// The package that puts `my-mio` in the place of mio.
pub const AS_MIO: &str = "chapters-code/my-mio/as-mio";
/// Most tests wait rather than work.
const WORKERS: usize = 4;
/// A test that fails may have been unlucky on a busy machine; one that fails so often is broken.
const TRIES: usize = 3;

/// The tests, built.
#[derive(Debug)]
pub struct Suite {
    built: Built,
}

/// Whose tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packages {
    /// Those of delayserver.
    Delayserver,
    /// Those of tokio too.
    All,
}

/// A test: the program that it is in, and its name there.
pub type Test = (String, String);

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It passed.
    Passed,
    /// It ignores itself.
    Ignored,
    /// It failed or died, each time.
    Failed,
    /// It hung, or took too long.
    Hung,
}

/// The version of a package of the book's own lockfile.
pub fn version(root: &Path, package: &str) -> Result<String> {
    let packages = metadata(root)?;
    let found = packages.iter().find(|found| found["name"] == package);
    let version = found.and_then(|found| found["version"].as_str());
    Ok(version.with_context(|| format!("the book does not use {package}"))?.to_owned())
}

fn metadata(root: &Path) -> Result<Vec<serde_json::Value>> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let output = cargo.current_dir(root).args(["metadata", "--format-version=1"]).output()?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    Ok(metadata["packages"].as_array().cloned().unwrap_or_default())
}

impl Suite {
    /// Copies tokio as it was published, and delayserver, which axum serves, and builds the tests of
    /// `packages` with what lies in the folder `mio` in the place of mio, or with mio itself. The
    /// `name` tells the copies apart.
    pub fn build(root: &Path, name: &str, mio: Option<&Path>, packages: Packages) -> Result<Suite> {
        let dir = target(root).join("book/prove").join(name);
        let used = metadata(root)?;
        let found = used.iter().find(|package| package["name"] == "tokio");
        let manifest = found.and_then(|found| found["manifest_path"].as_str());
        let published = Path::new(manifest.context("the book does not use tokio")?);
        copy(published.parent().context("a manifest lies in a folder")?, &dir.join("tokio"))?;
        copy(&root.join("chapters-code/delayserver"), &dir.join("delayserver"))?;
        let mut manifest = broken::workspace(root, &["tokio", "delayserver"])?;
        // axum and the crates that tokio's tests use get the same tokio.
        let mut patch = Table::from_iter([("tokio".into(), path(Path::new("tokio")))]);
        patch.extend(mio.map(|mio| ("mio".to_owned(), path(mio))));
        let patches = Table::from_iter([("crates-io".into(), Value::Table(patch))]);
        manifest.insert("patch".into(), Value::Table(patches));
        manifest.insert("profile".into(), Value::Table(toml::toml! { dev.debug = false }));
        fs::write(dir.join("Cargo.toml"), toml::to_string(&manifest)?)?;
        fs::copy(root.join(LOCKFILE), dir.join("Cargo.lock"))?;
        let shared = target(root).join("book/prove/target");
        let shared = shared.to_str().context("the target folder's path is not UTF-8")?;
        let mut args: Vec<&str> = vec!["test", "--tests", "--no-run", "--target-dir", shared];
        args.extend(match packages {
            Packages::Delayserver => ["-p", "delayserver"].as_slice(),
            Packages::All => &["--workspace", "--features=tokio/full,tokio/test-util"],
        });
        let built = cargo::build(&dir, &args)?;
        match built.errors.first() {
            Some((_, error)) => bail!("the tests do not compile on it:\n{error}"),
            None => Ok(Suite { built }),
        }
    }

    /// Every test, each in a process of its own.
    pub fn tests(&self) -> Result<Vec<(&Executable, Test)>> {
        let mut tests = Vec::new();
        for program in self.built.executables.iter().filter(|exe| exe.kind == "test") {
            let listed =
                Command::new(&program.path).args(["--list", "--format", "terse"]).output()?;
            let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
            let names = listed.lines().filter_map(|line| line.strip_suffix(": test"));
            tests.extend(names.map(|test| (program, (program.name.clone(), test.to_owned()))));
        }
        Ok(tests)
    }

    /// Runs every test, and says how each ended.
    pub fn run(&self, deadline: Duration) -> Result<BTreeMap<Test, Verdict>> {
        let tests = self.tests()?;
        let (next, verdicts) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
        let work = || -> Result<()> {
            while let Some((program, test)) = tests.get(next.fetch_add(1, Ordering::Relaxed)) {
                let verdict = self.verdict(program, &test.1, deadline)?;
                let mut verdicts = verdicts.lock().expect("no worker panics");
                verdicts.insert(test.clone(), verdict);
                progress(verdicts.len(), tests.len());
            }
            Ok(())
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().expect("no worker panics"))
        })?;
        Ok(verdicts.into_inner().expect("no worker panics"))
    }

    fn verdict(&self, program: &Executable, test: &str, deadline: Duration) -> Result<Verdict> {
        let mut verdict = Verdict::Failed;
        for _ in 0..TRIES {
            let mut command = Command::new(&program.path);
            command.args([test, "--exact", "--test-threads=1"]).current_dir(&program.package);
            let ended = doomed::watch(command, deadline)?;
            verdict = match ended.how {
                doomed::Ending::Passed if ended.stdout.contains(" 1 passed;") => Verdict::Passed,
                doomed::Ending::Passed => Verdict::Ignored,
                doomed::Ending::Failed(_) | doomed::Ending::Killed(_) => Verdict::Failed,
                doomed::Ending::Hung(_) | doomed::Ending::TooLong => Verdict::Hung,
            };
            if verdict != Verdict::Failed {
                break;
            }
        }
        Ok(verdict)
    }
}

fn path(path: &Path) -> Value {
    Value::Table(Table::from_iter([("path".into(), Value::from(path.to_string_lossy().as_ref()))]))
}

fn progress(done: usize, all: usize) {
    if std::io::stderr().is_terminal() {
        eprint!("\r  {done} of {all}{}", if done == all { "\n" } else { "" });
        let _ = std::io::stderr().flush();
    }
}

/// Copies a folder of sources. Files that are there already keep their time, so that cargo builds
/// only what changed.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &to)?,
            false if fs::read(&to).is_ok_and(|old| fs::read(entry.path()).ok() == Some(old)) => {}
            false => fs::write(&to, fs::read(entry.path())?)?,
        }
    }
    Ok(())
}

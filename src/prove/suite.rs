//! tokio's own published tests, unmodified, and those of delayserver, on one mio or another.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lab::doomed;
use toml::{Table, Value};
use weave::belongs;

use super::linked;
use crate::broken;
use crate::cargo::{self, Built, Executable};
use crate::target;

/// The versions that these tests were proven with.
pub(super) const LOCKFILE: &str = "chapters-code/my-mio/tokio.lock";
/// The package that puts `my-mio` in the place of mio.
pub const AS_MIO: &str = "chapters-code/my-mio/as-mio";
const FEATURES: &str = "--features=tokio/full,tokio/test-util";
/// Most tests wait rather than work.
const WORKERS: usize = 4;
/// A test that fails may have been unlucky on a busy machine; one that fails so often is broken.
const TRIES: usize = 3;

/// The tests, built.
#[derive(Debug)]
pub struct Suite {
    dir: PathBuf,
    /// What cargo is told each time, so that it finds what it has built before.
    options: Vec<String>,
    built: Built,
    /// Where the programs find their libraries, if they have any.
    libraries: Option<OsString>,
}

/// What to build.
#[derive(Debug)]
pub struct Plan<'a> {
    /// Tells the copies apart.
    pub name: &'a str,
    /// The folder of a package in the place of mio; `None` for mio itself.
    pub mio: Option<&'a Path>,
    /// Whether tokio's tests are built, or those of delayserver alone.
    pub tokio: bool,
    /// Whether that package is a library which is found when a program starts, so that another can
    /// be put in its place and no test has to be built again.
    pub swappable: bool,
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
    /// It was seen to hang.
    Hung,
    /// It took too long, each time.
    TooLong,
}

/// The version of a package of the book's own lockfile.
pub fn version(root: &Path, package: &str) -> Result<String> {
    let packages = metadata(root)?;
    let found = packages.iter().find(|found| found["name"] == package);
    let version = found.and_then(|found| found["version"].as_str());
    Ok(version.with_context(|| format!("the book does not use {package}"))?.to_owned())
}

pub(super) fn metadata(root: &Path) -> Result<Vec<serde_json::Value>> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let output = cargo.current_dir(root).args(["metadata", "--format-version=1"]).output()?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    Ok(metadata["packages"].as_array().cloned().unwrap_or_default())
}

impl Suite {
    /// Copies tokio as it was published, and delayserver, which axum serves, and builds the tests.
    ///
    /// Fails if they would be built, or were built, on another mio than the plan says.
    pub fn build(root: &Path, plan: &Plan<'_>) -> Result<Suite> {
        let dir = target(root).join("book/prove").join(plan.name);
        copy(&published(root, "tokio")?, &dir.join("tokio"))?;
        copy(&root.join("chapters-code/delayserver"), &dir.join("delayserver"))?;
        fs::write(dir.join("Cargo.toml"), toml::to_string(&manifest(root, plan.mio)?)?)?;
        fs::copy(root.join(LOCKFILE), dir.join("Cargo.lock"))?;
        let stands_for = linked::resolved(&dir, plan.mio)?;
        let shared = if plan.swappable { "swappable-target" } else { "target" };
        let shared = target(root).join("book/prove").join(shared);
        let mut options = vec!["--target-dir".to_owned(), shared.to_string_lossy().into_owned()];
        if plan.swappable {
            options.extend(["--config", "build.rustflags=['-Cprefer-dynamic']"].map(str::to_owned));
        }
        let libraries = plan.swappable.then(|| libraries(&shared)).transpose()?;
        let mut suite = Suite { dir, options, built: Built::default(), libraries };
        suite.built = suite.cargo(match plan.tokio {
            true => &["test", "--tests", "--no-run", "--workspace", FEATURES],
            false => &["test", "--tests", "--no-run", "-p", "delayserver"],
        })?;
        // One that is swapped is not in the program.
        if !plan.swappable {
            linked::programs(&suite.built, stands_for.as_deref())?;
        }
        Ok(suite)
    }

    /// Builds what stands in the place of mio again, and only one small test. It is built as part of
    /// the whole, since otherwise its dependencies get other features, and it other symbols.
    pub fn swap(&self) -> Result<()> {
        self.cargo(&["test", "--no-run", "--workspace", "--test", "tcp_accept", FEATURES])?;
        Ok(())
    }

    fn cargo(&self, args: &[&str]) -> Result<Built> {
        let options = self.options.iter().map(String::as_str);
        let built =
            cargo::build(&self.dir, &args.iter().copied().chain(options).collect::<Vec<_>>())?;
        match built.errors.first() {
            Some((_, error)) => bail!("it does not compile:\n{error}"),
            None => Ok(built),
        }
    }

    /// Every test, each in a process of its own.
    pub fn tests(&self) -> Result<Vec<(&Executable, Test)>> {
        let mut tests = Vec::new();
        for program in self.built.executables.iter().filter(|exe| exe.kind == "test") {
            let mut list = Command::new(&program.path);
            list.args(["--list", "--format", "terse"]);
            list.envs(self.libraries.iter().map(|path| ("LD_LIBRARY_PATH", path)));
            let listed = list.output()?;
            if !listed.status.success() {
                let said = String::from_utf8_lossy(&listed.stderr).into_owned();
                bail!("{} does not list its tests: {said}", program.path.display());
            }
            let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
            let names = listed.lines().filter_map(|line| line.strip_suffix(": test"));
            tests.extend(names.map(|test| (program, (program.name.clone(), test.to_owned()))));
        }
        Ok(tests)
    }

    /// Runs the tests that are `wanted`, and says how each ended.
    pub fn run(
        &self,
        deadline: Duration,
        wanted: impl Fn(&Test) -> bool,
    ) -> Result<BTreeMap<Test, Verdict>> {
        let mut tests = self.tests()?;
        tests.retain(|(_, test)| wanted(test));
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
            command.envs(self.libraries.iter().map(|path| ("LD_LIBRARY_PATH", path)));
            let ended = doomed::watch(command, deadline)?;
            verdict = match ended.how {
                doomed::Ending::Passed if ended.stdout.contains(" 1 passed;") => Verdict::Passed,
                doomed::Ending::Passed => Verdict::Ignored,
                doomed::Ending::Failed(_) | doomed::Ending::Killed(_) => Verdict::Failed,
                doomed::Ending::Hung(_) => Verdict::Hung,
                doomed::Ending::TooLong => Verdict::TooLong,
            };
            if !matches!(verdict, Verdict::Failed | Verdict::TooLong) {
                break;
            }
        }
        Ok(verdict)
    }
}

/// The workspace of tokio and delayserver: axum and the crates that tokio's tests use get the same
/// tokio, and tokio gets `mio`.
fn manifest(root: &Path, mio: Option<&Path>) -> Result<Table> {
    let mut manifest = broken::workspace(root, &["tokio", "delayserver"])?;
    let mut patch = Table::from_iter([("tokio".into(), path(Path::new("tokio")))]);
    patch.extend(mio.map(|mio| ("mio".to_owned(), path(mio))));
    let patches = Table::from_iter([("crates-io".into(), Value::Table(patch))]);
    manifest.insert("patch".into(), Value::Table(patches));
    let light = toml::toml! {
        dev.debug = false
        dev.strip = "debuginfo"
        dev.incremental = false
    };
    manifest.insert("profile".into(), Value::Table(light));
    Ok(manifest)
}

/// The folder of a package as the registry has it.
pub fn published(root: &Path, package: &str) -> Result<PathBuf> {
    let used = metadata(root)?;
    let found = used.iter().find(|found| found["name"] == package);
    let manifest = found.and_then(|found| found["manifest_path"].as_str());
    let manifest = Path::new(manifest.with_context(|| format!("the book does not use {package}"))?);
    Ok(manifest.parent().context("a manifest lies in a folder")?.to_owned())
}

/// Where a program built for swapping finds its libraries: what cargo built, and std.
fn libraries(target: &Path) -> Result<OsString> {
    let std = Command::new("rustc").args(["--print", "target-libdir"]).output()?.stdout;
    let std = PathBuf::from(String::from_utf8(std)?.trim());
    Ok(std::env::join_paths([target.join("debug/deps"), std])?)
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
    for file in belongs::files(from)? {
        let text = fs::read(&file).with_context(|| file.display().to_string())?;
        broken::write_if_changed(&to.join(file.strip_prefix(from)?), text)?;
    }
    Ok(())
}

//! The diffs of the book, applied to copies of the crates and run; `cargo book break NAME`.
//!
//! All copies together form one workspace under `target/book/broken`, built by one cargo.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use lab::doomed::{self, Ended};
use toml::{Table, Value};
use weave::belongs;
use weave::patch::Patch;
use weave::source::{CRATES, without_marks};
use weave::{Block, Book, Ending, Fence};

use crate::cargo::{self, Built};
use crate::target;
use crate::verdict::Verdict;

/// When a broken test is given up on. That it hangs is seen long before.
const DEADLINE: Duration = Duration::from_secs(30);

/// A diff of the book.
#[derive(Debug, Clone, Copy)]
pub struct Diff<'a> {
    /// Its name.
    pub name: &'a str,
    /// The test that it breaks, `crate::test`.
    pub test: &'a str,
    /// How that test must end.
    pub ending: &'a Ending,
    /// What it changes.
    pub body: &'a str,
}

impl<'a> Diff<'a> {
    /// `None` if the block is no diff.
    pub fn of(block: &'a Block) -> Option<Diff<'a>> {
        match &block.fence {
            Fence::Diff { name, test, ending } => {
                Some(Diff { name, test, ending, body: &block.body })
            }
            _ => None,
        }
    }

    /// All diffs of the book.
    pub fn all(book: &'a Book) -> impl Iterator<Item = Diff<'a>> {
        book.pages.iter().flat_map(|page| &page.blocks).filter_map(Diff::of)
    }

    fn of_crate(&self) -> &'a str {
        self.test.split("::").next().unwrap_or(self.test)
    }

    fn test_name(&self) -> &'a str {
        self.test.rsplit("::").next().unwrap_or(self.test)
    }
}

/// Broken copies, built.
#[derive(Debug)]
pub struct Copies {
    dir: PathBuf,
    built: Built,
    /// The diffs without a copy, and why.
    missing: Vec<(String, String)>,
}

impl Copies {
    /// Copies the broken crates of all diffs to `dir` and builds them, or `only` one. Where there is
    /// no copy, or it does not compile, that is told when the diff is run.
    pub fn build(book: &Book, dir: PathBuf, only: Option<Diff<'_>>) -> Result<Copies> {
        let root = &book.root;
        let (mut members, mut missing) = (Vec::new(), Vec::new());
        for diff in Diff::all(book) {
            match copy(book, &dir.join(diff.name), diff) {
                Ok(()) => members.push(diff.name.to_owned()),
                Err(error) if only.is_some_and(|only| only.name == diff.name) => return Err(error),
                Err(error) => missing.push((diff.name.to_owned(), format!("{error:#}"))),
            }
        }
        write_if_changed(&dir.join("Cargo.toml"), &toml::to_string(&workspace(root, &members)?)?)?;
        if !dir.join("Cargo.lock").exists() {
            let copied = fs::copy(root.join("Cargo.lock"), dir.join("Cargo.lock"));
            copied.context("Cargo.lock can't be copied")?;
        }
        let target = target(root);
        let target = target.to_str().context("the target folder's path is not UTF-8")?;
        let package = only.map_or("*".into(), |diff| format!("broken-{}", diff.name));
        let args = ["build", "--tests", "-p", &package, "--keep-going", "--target-dir", target];
        Ok(Copies { built: cargo::build(&dir, &args)?, dir, missing })
    }

    /// Runs the test that the diff breaks, and says how it ended.
    pub fn run(&self, diff: Diff<'_>) -> Result<Ended> {
        let (program, test) = self.find(diff)?;
        let mut command = Command::new(program);
        command.args([&test, "--exact", "--nocapture", "--test-threads=1"]);
        Ok(doomed::watch(command, DEADLINE)?)
    }

    /// Like `run` and [`judge`], but keeps a good verdict under the hash of the broken program:
    /// as long as nothing that it is built from changes, it will end the same way.
    pub fn prove(&self, root: &Path, diff: Diff<'_>) -> Result<()> {
        let (program, test) = self.find(diff)?;
        let on = (fs::read(program)?, test, format!("{:?}", diff.ending));
        let verdict = Verdict::new(root, diff.name, on);
        if verdict.stands() {
            return Ok(());
        }
        judge(diff, &self.run(diff)?)?;
        verdict.keep()
    }

    /// The program that holds the diff's test, and the test's full name in it.
    fn find(&self, diff: Diff<'_>) -> Result<(&Path, String)> {
        if let Some((_, why)) = self.missing.iter().find(|(name, _)| name == diff.name) {
            bail!("{why}");
        }
        let package = self.dir.join(diff.name);
        if let Some((_, error)) = self.built.errors.iter().find(|(of, _)| *of == package) {
            bail!("with the diff `{}` the crate does not compile:\n{error}", diff.name);
        }
        for program in self.built.tests_of(&package) {
            if let Some(test) = full_name(&tests_in(&program.path)?, diff.test_name()) {
                return Ok((&program.path, test.to_owned()));
            }
        }
        Err(anyhow!("the broken crate has no test `{}`", diff.test))
    }
}

/// The full names, modules included, of the tests in a test program.
pub fn tests_in(program: &Path) -> Result<Vec<String>> {
    let listed = Command::new(program).args(["--list", "--format", "terse"]).output()?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    Ok(listed.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
}

/// The full name of the test `name`, if it is among these.
pub fn full_name<'a>(tests: &'a [String], name: &str) -> Option<&'a str> {
    tests.iter().map(String::as_str).find(|test| test.rsplit("::").next() == Some(name))
}

/// Whether a death by this signal is one `of` the kind that a diff says: `SIGSEGV`, or with the code,
/// which the process itself has `said` ([`lab::fatal`]), `SIGSEGV, SI_KERNEL`.
fn is_of(signal: &str, of: &str, said: &str) -> bool {
    match of.split_once(", ") {
        None => signal == of,
        Some((named, _)) => signal == named && said.contains(&format!("died of {of}")),
    }
}

/// Whether the test ended as the diff says.
pub fn judge(diff: Diff<'_>, ended: &Ended) -> Result<()> {
    let said = format!("{}{}", ended.stdout, ended.stderr);
    let (right, promise) = match (diff.ending, &ended.how) {
        (Ending::Hangs, how) => (matches!(how, doomed::Ending::Hung(_)), "hang".to_owned()),
        (Ending::Dies(signal), how) => {
            let right = match (how, signal) {
                (doomed::Ending::Killed(by), Some(of)) => is_of(&by.to_string(), of, &said),
                (how, None) => matches!(how, doomed::Ending::Killed(_)),
                _ => false,
            };
            (right, format!("die of {}", signal.as_deref().unwrap_or("a signal")))
        }
        (Ending::Fails(words), how) => {
            let failed = matches!(how, doomed::Ending::Failed(_));
            let words = words.as_deref().unwrap_or("");
            (failed && said.contains(words), format!("fail and print `{words}`"))
        }
    };
    match right {
        true => Ok(()),
        false => bail!(
            "with the diff `{}` the test `{}` should {promise}, but it {}\n{said}",
            diff.name,
            diff.test,
            ended.how
        ),
    }
}

/// Copies the diff's crate to `to`, changed. Files that stay the same keep their time, so cargo
/// builds only what changed.
fn copy(book: &Book, to: &Path, diff: Diff<'_>) -> Result<()> {
    let root = &book.root;
    let changed = Patch::parse(diff.body)
        .and_then(|patch| patch.apply(root))
        .map_err(|(_, fault)| anyhow!("{fault}"))?;
    let test = book.tests.get(diff.test).map_err(|fault| anyhow!("{fault}"))?;
    copy_changed(root, to, diff, &root.join(&test.file), &changed)
        .with_context(|| format!("no copy can be made for the diff `{}`", diff.name))
}

fn copy_changed(
    root: &Path,
    to: &Path,
    diff: Diff<'_>,
    test: &Path,
    changed: &[(PathBuf, String)],
) -> Result<()> {
    let from = root.join(CRATES).join(diff.of_crate());
    let test = test.strip_prefix(&from)?;
    let mut kept = Vec::new();
    for file in files(&from)? {
        let inside = file.strip_prefix(&from)?;
        let of_book = file.strip_prefix(root)?;
        let bytes = match changed.iter().find(|(path, _)| path == of_book) {
            Some((_, text)) => text.clone().into_bytes(),
            None => fs::read(&file).with_context(|| of_book.display().to_string())?,
        };
        let bytes = match inside == Path::new("Cargo.toml") {
            true => manifest(&decode(bytes, of_book)?, test, diff)?.into_bytes(),
            false if file.extension().is_some_and(|of| of == "rs") => plain(bytes),
            false => bytes,
        };
        write_if_changed(&to.join(inside), bytes)?;
        kept.push(to.join(inside));
    }
    for stale in files(to)?.into_iter().filter(|file| !kept.contains(file)) {
        fs::remove_file(stale)?;
    }
    Ok(())
}

fn decode(bytes: Vec<u8>, file: &Path) -> Result<String> {
    weave::text::decode(bytes).with_context(|| file.display().to_string())
}

/// A source without its anchors, so that a new one builds nothing. What is not UTF-8 stays: cargo
/// says so if it needs it.
fn plain(source: Vec<u8>) -> Vec<u8> {
    match String::from_utf8(source) {
        Ok(text) => without_marks(&text).into_bytes(),
        Err(error) => error.into_bytes(),
    }
}

/// The copy's manifest: another package name, since they share a workspace, and the old name for
/// the library, since the code says that. `test` is the file of the test that is run.
fn manifest(text: &str, test: &Path, diff: Diff<'_>) -> Result<String> {
    let mut manifest: Table = toml::from_str(text)?;
    let mut lib = Table::from_iter([("name".to_owned(), diff.of_crate().replace('-', "_").into())]);
    let package =
        manifest.get_mut("package").and_then(Value::as_table_mut).context("no package")?;
    package.insert("name".into(), Value::from(format!("broken-{}", diff.name)));
    // Of a crate with many test programs only the one that is run is built.
    if let Some(program) = test.to_str().filter(|_| test.parent() == Some(Path::new("tests"))) {
        package.insert("autotests".into(), Value::from(false));
        lib.insert("test".into(), Value::from(false));
        let name = Value::from(program.trim_start_matches("tests/").trim_end_matches(".rs"));
        let test = [("name".to_owned(), name), ("path".to_owned(), Value::from(program))];
        let tests = Value::Array(vec![Value::Table(Table::from_iter(test))]);
        manifest.insert("test".into(), tests);
    }
    let all = manifest.entry("lib").or_insert_with(|| Value::Table(Table::new()));
    all.as_table_mut().context("`lib` is a table")?.extend(lib);
    Ok(toml::to_string(&manifest)?)
}

/// The manifest of a workspace of copies: the book's own dependencies, paths made absolute.
pub fn workspace(root: &Path, members: &[impl AsRef<str>]) -> Result<Table> {
    let book = weave::text::read(&root.join("Cargo.toml")).context("Cargo.toml")?;
    let book: Table = toml::from_str(&book).context("Cargo.toml")?;
    let mut workspace = book["workspace"].as_table().context("a workspace")?.clone();
    workspace.remove("default-members");
    workspace.remove("exclude");
    let members = members.iter().map(|member| Value::from(member.as_ref()));
    workspace.insert("members".into(), Value::Array(members.collect()));
    let dependencies = workspace.get_mut("dependencies").and_then(Value::as_table_mut);
    for (_, dependency) in dependencies.into_iter().flatten() {
        if let Some(Value::String(path)) = dependency.get_mut("path") {
            *path = root.join(&path).to_string_lossy().into_owned();
        }
    }
    let mut manifest = Table::from_iter([("workspace".to_owned(), Value::Table(workspace))]);
    if let Some(profile) = book.get("profile") {
        manifest.insert("profile".into(), profile.clone());
    }
    Ok(manifest)
}

/// Writes a file, and the folders that lead to it, unless it is the same: it then keeps its time, so
/// that cargo builds only what changed.
pub fn write_if_changed(file: &Path, text: impl AsRef<[u8]>) -> Result<()> {
    if fs::read(file).is_ok_and(|old| old == text.as_ref()) {
        return Ok(());
    }
    fs::create_dir_all(file.parent().unwrap_or(file))?;
    fs::write(file, text).with_context(|| format!("can't write {}", file.display()))
}

/// All files of the book in a folder and the folders in it.
pub fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    Ok(belongs::files(dir)?)
}

/// `cargo book break`: lists the diffs, or breaks one and shows what happens.
pub fn run(root: &Path, name: Option<&str>) -> Result<()> {
    let book = crate::sound_book(root)?;
    let Some(name) = name else {
        for page in &book.pages {
            for diff in page.blocks.iter().filter_map(Diff::of) {
                println!("{:<28} {}", diff.name, page.title());
            }
        }
        println!(
            "\n`cargo book break NAME` applies one to a copy and runs the test that it breaks."
        );
        return Ok(());
    };
    let diff = named(&book, name)?;
    println!("{}", diff.body);
    crate::progress(&format!("building a broken copy, then running `{}` in it…", diff.test));
    let copies = Copies::build(&book, target(root).join("book/broken"), Some(diff))?;
    let ended = copies.run(diff)?;
    print!("{}", ended.stdout);
    eprint!("{}", ended.stderr);
    println!("\n`{}` {} ({:.1} s)", diff.test, ended.how, ended.after.as_secs_f64());
    judge(diff, &ended)
}

/// The diff of that name, or an error that lists all names.
fn named<'a>(book: &'a Book, name: &str) -> Result<Diff<'a>> {
    Diff::all(book).find(|diff| diff.name == name).ok_or_else(|| {
        let names: Vec<&str> = Diff::all(book).map(|diff| diff.name).collect();
        anyhow!("no diff `{name}`; the diffs are: {}", names.join(", "))
    })
}

/// `cargo book break --times N`: runs the broken test of a diff, or of each, so often, a few at a
/// time, and says in how many runs it ended as the book says.
pub fn count(root: &Path, name: Option<&str>, times: usize) -> Result<()> {
    const AT_A_TIME: usize = 4;
    let book = crate::sound_book(root)?;
    let only = name.map(|name| named(&book, name)).transpose()?;
    crate::progress("building the broken copies…");
    let copies = Copies::build(&book, target(root).join("book/broken"), only)?;
    let mut missed = 0;
    for diff in Diff::all(&book).filter(|diff| only.is_none_or(|only| only.name == diff.name)) {
        let next = AtomicUsize::new(0);
        let work = || -> Result<Vec<String>> {
            let mut otherwise = Vec::new();
            while next.fetch_add(1, Ordering::Relaxed) < times {
                let ended = copies.run(diff)?;
                otherwise.extend(judge(diff, &ended).err().map(|error| error.to_string()));
            }
            Ok(otherwise)
        };
        let otherwise = thread::scope(|scope| {
            let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(work)).collect();
            let ended = workers.into_iter().map(|worker| worker.join().expect("it does not panic"));
            ended.collect::<Result<Vec<_>>>().map(|found| found.concat())
        })?;
        println!("{:<28} {} of {times}", diff.name, times - otherwise.len());
        if let Some(first) = otherwise.first() {
            println!("{first}");
        }
        missed += otherwise.len();
    }
    match missed {
        0 => Ok(()),
        missed => bail!("{missed} runs ended otherwise"),
    }
}

#[cfg(test)]
mod tests {
    use super::is_of;

    #[test]
    fn a_death_is_of_its_signal_and_where_the_diff_says_so_of_its_code() {
        let said = "died of SIGSEGV, SI_KERNEL, no address\n";
        assert!(is_of("SIGSEGV", "SIGSEGV", ""));
        assert!(is_of("SIGSEGV", "SIGSEGV, SI_KERNEL", said));
        assert!(!is_of("SIGSEGV", "SIGSEGV, SEGV_ACCERR", said));
        assert!(!is_of("SIGSEGV", "SIGSEGV, SI_KERNEL", ""));
        assert!(!is_of("SIGBUS", "SIGSEGV, SI_KERNEL", said));
        assert!(!is_of("SIGBUS", "SIGSEGV", said));
    }
}

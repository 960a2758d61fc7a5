//! The tests of a fork, each run alone, and how each ended.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lab::doomed::{self, Asleep, Ended, Ending};
use regex::Regex;

use super::exercise::Exercise;
use super::files::member;
use super::seen::{self, Bad, Endings};
use crate::broken::tests_in;
use crate::cargo::{self, Built, Executable, Shown};

/// How many tests run at once: most wait for a peer, and need no core for that.
const AT_A_TIME: usize = 4;

/// For how many times the patience with one test another waits for processes, of which there are no more.
const TURNS_OF_OTHERS: u32 = 4;

/// What the test harness says of a single test that passed.
const PASSED: &str = "test result: ok. 1 passed";

/// What a function prints that is not written yet.
const TODO: &str = "not yet implemented: ";

/// How a test ended, as a reader is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// It passed.
    Passed,
    /// This machine can't show what it shows, and why.
    Skipped(String),
    /// A task that is not done yet, by its name.
    Waits(String),
    /// It ended badly.
    Badly(Bad, Said),
}

impl How {
    /// Whether nothing is left to do for it here.
    pub fn is_good(&self) -> bool {
        matches!(self, How::Passed | How::Skipped(_))
    }
}

/// What is known of a bad end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The words of a panic, or where a thread hangs.
    pub words: String,
    /// Where the panic was: `file:line:column`, or nothing.
    pub place: String,
}

/// How each test ended, by its name.
pub type Outcomes = BTreeMap<String, How>;

/// A fork that was built: what the compiler refuses, or the programs that hold its tests.
pub struct Trial<'a> {
    exercise: &'a Exercise,
    dir: PathBuf,
    built: Built,
    /// Held until the tests have run.
    _turn: Turn,
}

impl<'a> Trial<'a> {
    /// Builds the fork in `dir` with all its tests, in the target folder that all forks share.
    pub fn build(
        exercise: &'a Exercise,
        dir: &Path,
        target: &Path,
        shown: Shown,
    ) -> Result<Trial<'a>> {
        let turn = Turn::take(dir, target)?;
        let target = target.to_string_lossy();
        let args = ["test", "--no-run", "--tests", "--target-dir", &target];
        let built = cargo::build_shown(dir, &args, shown)?;
        Ok(Trial { exercise, dir: dir.to_owned(), built, _turn: turn })
    }

    /// What the compiler refuses, in its own words and order.
    pub fn refused(&self) -> Option<&str> {
        self.built.errors.first().map(|(_, said)| said.as_str())
    }

    /// What the compiler warns of.
    pub fn warnings(&self) -> &[String] {
        &self.built.warnings
    }

    /// Runs every test of the fork's crate.
    pub fn run(&self) -> Result<Outcomes> {
        self.run_some(|_| true)
    }

    /// Runs the tests of the fork's crate that are wanted.
    pub fn run_some(&self, is_wanted: impl Fn(&str) -> bool) -> Result<Outcomes> {
        let outcomes = self.run_programs(self.built.tests_of(&self.dir), is_wanted)?;
        if outcomes.is_empty() {
            bail!("{} has no tests any more", self.dir.display());
        }
        Ok(outcomes)
    }

    /// Runs the tests of another crate that are about this one: how many pass, and of how many.
    pub fn run_member(&self, name: &str) -> Result<(usize, usize)> {
        let outcomes =
            self.run_programs(self.built.tests_of(&self.dir.join(member(name))), |_| true)?;
        Ok((outcomes.values().filter(|how| how.is_good()).count(), outcomes.len()))
    }

    fn run_programs<'b>(
        &self,
        programs: impl Iterator<Item = &'b Executable>,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Outcomes> {
        let mut wanted = Vec::new();
        for program in programs {
            let tests = tests_in(&program.path)?.into_iter().filter(|test| is_wanted(test));
            wanted.extend(tests.map(|test| (program, test)));
        }
        wanted.reverse();
        let told = Told::new(wanted.len());
        let (wanted, outcomes) = (Mutex::new(wanted), Mutex::new(Ok(Outcomes::new())));
        let work = || {
            while let Some((program, test)) = { wanted.lock().expect("nobody panics").pop() } {
                let how = self.one(&program.path, &program.package, &test);
                told.one_more();
                let mut outcomes = outcomes.lock().expect("nobody panics");
                match (how, &mut *outcomes) {
                    (Ok(how), Ok(all)) if all.contains_key(&test) => {
                        drop(how);
                        *outcomes =
                            Err(anyhow::anyhow!("two tests are called `{test}`: rename one"));
                    }
                    (Ok(how), Ok(all)) => drop(all.insert(test, how)),
                    (Err(error), Ok(_)) => *outcomes = Err(error),
                    (_, Err(_)) => {}
                }
            }
        };
        thread::scope(|scope| (0..AT_A_TIME).for_each(|_| drop(scope.spawn(work))));
        outcomes.into_inner().expect("nobody panics")
    }

    fn one(&self, program: &Path, package: &Path, test: &str) -> Result<How> {
        let patience = Duration::from_secs(self.exercise.plan.patience);
        let watch = || {
            let mut command = Command::new(program);
            command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
            command.current_dir(package).env("RUST_BACKTRACE", "0");
            doomed::watch(command, patience)
        };
        let from = Instant::now();
        loop {
            match watch() {
                // A test beside it has started all processes that there may be, until its own end.
                Err(error)
                    if error.kind() == ErrorKind::WouldBlock
                        && from.elapsed() < patience * TURNS_OF_OTHERS =>
                {
                    thread::sleep(Duration::from_millis(100));
                }
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("the test `{test}` can't be started"));
                }
                Ok(ended) => return Ok(self.judge(&ended)),
            }
        }
    }

    fn judge(&self, ended: &Ended) -> How {
        let said = format!("{}{}", ended.stdout, ended.stderr);
        let skipped = said.lines().find_map(|line| line.strip_prefix("skipped: "));
        let plain = |words: String| Said { words, place: String::new() };
        match (&ended.how, skipped, self.waits_for(&said)) {
            (Ending::Passed, ..) if !ended.stdout.contains(PASSED) => {
                let words =
                    "its process ended well, and before the test did: something called `exit`";
                How::Badly(Bad::Failed, plain(words.to_owned()))
            }
            (Ending::Passed, Some(why), _) => How::Skipped(why.to_owned()),
            (Ending::Passed, None, _) => How::Passed,
            (_, _, Some(task)) => How::Waits(task),
            (Ending::Failed(status), ..) => {
                let exit = || plain(format!("exit status {status}"));
                How::Badly(Bad::Failed, panic(&said).unwrap_or_else(exit))
            }
            (Ending::Hung(threads), ..) => {
                How::Badly(Bad::Hung, plain(format!("asleep for ever {}", asleep(threads))))
            }
            (Ending::Killed(signal), ..) => {
                let words = format!("killed by {signal}");
                How::Badly(Bad::Died, panic(&said).unwrap_or_else(|| plain(words)))
            }
            (Ending::TooLong, ..) => How::Badly(Bad::Computing, plain(computing(ended))),
        }
    }

    /// The task that a test ran into. A test's child has a panic of its own, so all is looked at.
    fn waits_for(&self, said: &str) -> Option<String> {
        let says = said.split(TODO).nth(1)?;
        let task = self.exercise.tasks.iter().filter(|task| says.starts_with(&task.says));
        task.max_by_key(|task| task.says.len()).map(|task| task.name.clone())
    }
}

/// How many tests have ended, told once a second to whoever waits at a terminal.
struct Told {
    all: usize,
    ended: Mutex<(usize, Instant)>,
}

impl Told {
    fn new(all: usize) -> Told {
        Told { all, ended: Mutex::new((0, Instant::now())) }
    }

    fn one_more(&self) {
        let mut ended = self.ended.lock().expect("nobody panics");
        ended.0 += 1;
        if ended.1.elapsed() > Duration::from_secs(1) {
            ended.1 = Instant::now();
            crate::progress(&format!("{} of {} tests have ended…", ended.0, self.all));
        }
    }
}

/// Where the threads sleep; that of the test harness, which waits for the test's own, aside.
fn asleep(threads: &[Asleep]) -> String {
    let of_test: Vec<&Asleep> = threads.iter().filter(|one| one.thread != "main").collect();
    let shown = if of_test.is_empty() { threads.iter().collect() } else { of_test };
    let mut counted: Vec<(String, usize)> = Vec::new();
    for one in shown {
        let place = match one.detail.is_empty() {
            true => format!("in {}", one.call),
            false => format!("in {}, {}", one.call, one.detail),
        };
        match counted.iter_mut().find(|(known, _)| *known == place) {
            Some((_, count)) => *count += 1,
            None => counted.push((place, 1)),
        }
    }
    let told = counted.into_iter().map(|(place, count)| match count {
        1 => place,
        _ => format!("{count} threads {place}"),
    });
    told.collect::<Vec<_>>().join("; and ")
}

/// The turn of a fork in the target folder that all share. cargo knows a crate by where it lies in its
/// workspace, so it takes one fork for another: what was built of the last one must go.
struct Turn(#[expect(dead_code, reason = "it is locked as long as it is open")] File);

impl Turn {
    fn take(dir: &Path, target: &Path) -> Result<Turn> {
        fs::create_dir_all(target)?;
        let path = target.join("turn");
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        file.lock().context("another fork is being tried, and can't be waited for")?;
        let mut last = String::new();
        file.read_to_string(&mut last)?;
        let this = dir.to_string_lossy();
        if last != this {
            if !last.is_empty() {
                crate::progress("built anew, as another fork was tried in between…");
            }
            cargo::clean(dir, target, &own_packages(dir)?)?;
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(this.as_bytes())?;
        }
        Ok(Turn(file))
    }
}

/// The names of a fork's own packages: its crate, and those that lie in it.
fn own_packages(dir: &Path) -> Result<Vec<String>> {
    let folders = ["vendor", "with"].map(|name| fs::read_dir(dir.join(name)));
    let inside = folders.into_iter().flatten().flatten().flatten();
    let manifests = inside.map(|entry| entry.path()).chain([dir.to_owned()]);
    let name = |dir: PathBuf| -> Result<String> {
        let file = dir.join("Cargo.toml");
        let text = weave::text::read(&file).with_context(|| file.display().to_string())?;
        let manifest: toml::Table =
            toml::from_str(&text).with_context(|| file.display().to_string())?;
        let name = manifest.get("package").and_then(|package| package.get("name")?.as_str());
        Ok(name.with_context(|| format!("{} names no package", file.display()))?.to_owned())
    };
    manifests.map(name).collect()
}

/// What is known of a test whose time was over.
fn computing(ended: &Ended) -> String {
    let seconds = ended.after.as_secs();
    match ended.running {
        0 => format!("after {seconds} s asleep {}", asleep(&ended.asleep)),
        _ => format!("after {seconds} s; a loop that never ends, or one far too long"),
    }
}

/// What a panic said.
fn panic(said: &str) -> Option<Said> {
    let (_, rest) = said.split_once("panicked at ")?;
    let is_of_it = |line: &&str| !line.starts_with("note: ") && !line.is_empty();
    let lines: Vec<&str> = rest.lines().take_while(is_of_it).take(8).collect();
    let (place, words) = lines.split_first()?;
    Some(Said { words: words.join("\n"), place: place.trim_end_matches(':').to_owned() })
}

/// The first line of the words, with `N` for each number, address and time with its unit: sizes, ports and
/// descriptors are the reader's, and so is what stands below.
fn known_by(words: &str) -> String {
    static NUMBERS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"0x[0-9a-f]+|\d+(\.\d+)?(ns|µs|ms|s)\b|\d+").expect("a regex")
    });
    NUMBERS.replace_all(words.lines().next().unwrap_or_default().trim(), "N").into_owned()
}

/// How the tests ended that ended badly: what the wrong answers of an exercise are known by.
pub fn endings(outcomes: &Outcomes) -> Endings {
    let bad = |(test, how): (&String, &How)| {
        let How::Badly(bad, said) = how else { return None };
        let words = match bad {
            Bad::Failed => known_by(&said.words),
            _ => String::new(),
        };
        Some(seen::Ending { test: test.clone(), bad: *bad, words })
    };
    outcomes.iter().filter_map(bad).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_the_machine_s_as_a_number_is() {
        assert_eq!(known_by("at 0x7fb14e3c: 0x33 for 48"), "at N: N for N");
        let known = |time: &str| known_by(&format!("killed after {time}, of 24.8 days\nmore"));
        assert_eq!(known("12.3ms"), "killed after N, of N.N days");
        assert_eq!(known("12.3ms"), known("1.2s"));
        assert_eq!(known("300µs"), known("7"));
    }

    #[test]
    fn what_a_panic_says_is_found_in_all_that_was_printed() {
        let said = "\nthread 'a_test' (7) panicked at tests/x.rs:3:5:\nassertion failed\n  left: 1\nnote: run with\n";
        let right =
            Said { words: "assertion failed\n  left: 1".into(), place: "tests/x.rs:3:5".into() };
        assert_eq!(panic(said), Some(right));
        assert_eq!(panic("nothing"), None);
    }
}

//! `cargo book prove exercises`: each exercise can be done, is not done as forked, and tells wrong answers
//! by the idea that they lack.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail, ensure};
use weave::Book;
use weave::patch::Patch;

use super::share::Share;
use crate::broken::{Diff, write_if_changed};
use crate::cargo::Shown;
use crate::fork::attempt::shared_target;
use crate::fork::exercise::{Exercise, FOLDER, Idea, named};
use crate::fork::files::{Files, files};
use crate::fork::idea::{lacking, of_answer};
use crate::fork::seen::{self, Endings, Pattern, Seen};
use crate::fork::trial::{How, Outcomes, Trial, endings};
use crate::write;

/// What to prove.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this one: a note or a crate
    name: Option<String>,
    /// Write down what was seen, for `try` to know wrong answers by
    #[arg(long)]
    record: bool,
    /// With --record, keep what is written down and try the rest: for a run that was cut off
    #[arg(long, requires = "record")]
    go_on: bool,
    /// With --record, keep what is written down, and mark what did not come each time: for answers whose tests
    /// fail now so and now so
    #[arg(long, requires = "record", conflicts_with = "go_on")]
    again: bool,
    /// Only a part of them, as 1/3: all parts in turn prove all
    #[arg(long, value_name = "K/N")]
    share: Option<Share>,
    /// One of them, another one after each commit, builds in an empty target folder as a reader's does
    #[arg(long)]
    afresh: bool,
}

/// Proves all exercises, or one.
pub fn run(root: &Path, args: &Args) -> Result<()> {
    let book = crate::sound_book(root)?;
    let mut exercises = Exercise::all(&book)?;
    if let Some(name) = &args.name {
        let package = exercises[named(&exercises, name)?.0].package.clone();
        exercises.retain(|exercise| exercise.package == package);
    }
    if let Some(share) = args.share {
        share.keep(&mut exercises);
    }
    let (mut wrong, afresh) = (Vec::new(), turn(root, exercises.len()));
    for (number, exercise) in exercises.into_iter().enumerate() {
        let bench = Bench::new(&book, args.afresh && number == afresh)?;
        let name = exercise.name.clone();
        let found = match exercise.is_whole() {
            true => bench.languages(exercise, args),
            // Its wrong answers are tried with those of the whole crate.
            false => bench.can_be_done(&exercise).map(|_| println!("{name:<16} can be done alone")),
        };
        if let Err(error) = found {
            println!("{name:<16} {error:#}");
            wrong.push(name);
        }
    }
    ensure!(wrong.is_empty(), "not proven: {}", wrong.join(", "));
    Ok(())
}

/// Which of so many things has its turn after the commits that there are.
pub fn turn(root: &Path, of: usize) -> usize {
    let count =
        Command::new("git").current_dir(root).args(["rev-list", "--count", "HEAD"]).output();
    let count =
        count.map(|count| String::from_utf8_lossy(&count.stdout).trim().parse().unwrap_or(0));
    count.unwrap_or(0) % of.max(1)
}

/// As forked an exercise builds without a warning and is not done; solved it is done.
pub fn can_be_done(book: &Book, exercise: &Exercise) -> Result<()> {
    Bench::new(book, false)?.can_be_done(exercise).map(drop)
}

/// Refuses an exercise with a wrong answer that no idea names or that is no change of its code any more, or an
/// idea that no page explains.
pub fn listed(book: &Book, exercise: &Exercise) -> Result<()> {
    for file in weave::belongs::files(&exercise.folder(&book.root).join(FOLDER))? {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let is_diff = file.extension().is_some_and(|of| of == "diff");
        ensure!(
            !is_diff || of_answer(exercise, &name).is_some(),
            "no idea names {}",
            file.display()
        );
    }
    let mut ideas = exercise.plan.idea.iter();
    for answer in ideas.clone().flat_map(|idea| &idea.answers) {
        changed(book, exercise, answer)?;
    }
    ideas.try_for_each(|idea| leads_somewhere(book, idea))
}

/// The files of the repository that a wrong answer changes, and what they are with it.
fn changed(book: &Book, exercise: &Exercise, answer: &str) -> Result<Vec<(PathBuf, String)>> {
    let body = body(book, exercise, answer)?;
    let changed = Patch::parse(&body).and_then(|patch| patch.apply(&book.root));
    changed.map_err(|(_, fault)| anyhow!("the answer `{answer}`: {fault}"))
}

/// Where forks are made and tried, outside the repository.
struct Bench<'a> {
    book: &'a Book,
    dir: tempfile::TempDir,
    target: PathBuf,
    /// A target folder of its own, removed at the end.
    _fresh: Option<tempfile::TempDir>,
}

impl<'a> Bench<'a> {
    fn new(book: &'a Book, afresh: bool) -> Result<Bench<'a>> {
        let fresh = afresh.then(tempfile::tempdir).transpose()?;
        let shared = shared_target(&book.root);
        let target = fresh.as_ref().map_or(shared, |dir| dir.path().to_owned());
        Ok(Bench { book, dir: tempfile::tempdir()?, target, _fresh: fresh })
    }

    /// Proves an exercise in each of its languages.
    fn languages(&self, exercise: Exercise, args: &Args) -> Result<()> {
        let root = &self.book.root;
        listed(self.book, &exercise)?;
        for lang in exercise.languages() {
            let started = Instant::now();
            let plan = Exercise::read(self.book, &exercise.package, &exercise.tasks)?;
            let mut exercise = plan.in_language(root, lang.as_deref())?;
            let sum = self.all(&mut exercise, args)?;
            let took = started.elapsed().as_secs();
            let lang = lang.map_or(String::new(), |lang| format!(" in {lang}"));
            println!("{:<16} {sum}, {took} s", format!("{}{lang}", exercise.package));
        }
        Ok(())
    }

    /// Everything that is proven of an exercise in a language; what it comes to.
    fn all(&self, exercise: &mut Exercise, args: &Args) -> Result<String> {
        let folder = exercise.folder(&self.book.root).join(FOLDER);
        let file = folder.join(seen::file(exercise.lang.as_deref()));
        let write = |seen: &Seen| match args.record {
            true => write::atomically(&file, seen.to_string().as_bytes()),
            false => Ok(()),
        };
        let mut seen = Seen::default();
        let solved = match args.go_on && !exercise.seen.without.is_empty() {
            true => {
                seen = exercise.seen.clone();
                seen.answers.retain(|answer, _| of_answer(exercise, answer).is_some());
                files(self.book, exercise, |_| false)?
            }
            false => self.can_be_done(exercise)?,
        };
        for task in &exercise.tasks {
            if !seen.without.contains_key(&task.name) {
                seen.without.insert(task.name.clone(), self.without(exercise, &task.name)?);
                write(&seen)?;
            }
        }
        let mut passes = Vec::new();
        for answer in exercise.plan.idea.iter().flat_map(|idea| &idea.answers) {
            if !seen.answers.contains_key(answer) && is_for(self.book, exercise, answer)? {
                let of = self.wrong(exercise, answer, &solved, &seen.needed())?;
                let now = endings(&of);
                if now.is_empty() {
                    passes.push(answer.as_str());
                }
                let known = exercise.seen.answers.get(answer);
                seen.answers.insert(answer.clone(), merged(known, now, args));
                write(&seen)?;
            }
        }
        ensure!(passes.is_empty(), "wrong answers that pass every test: {}", passes.join(", "));
        let sum = format!("{} tasks, {} wrong answers", exercise.tasks.len(), seen.answers.len());
        if !args.record && seen != exercise.seen {
            bail!(
                "something else was seen than is recorded; `--record` writes it down\n{}",
                differences(&exercise.seen.to_string(), &seen.to_string())
            );
        }
        exercise.seen = seen;
        let told = tells(exercise)?;
        Ok(format!("{sum}, of which {told} are told by their idea"))
    }

    fn can_be_done(&self, exercise: &Exercise) -> Result<Files> {
        let forked =
            self.attempt(exercise, &files(self.book, exercise, |_| true)?, true, |_| true)?;
        let waits = |how: &How| matches!(how, How::Waits(_));
        if let Some((test, how)) = forked.iter().find(|(_, how)| !how.is_good() && !waits(how)) {
            bail!("as forked, `{test}` fails and waits for no task: {how:?}");
        }
        ensure!(forked.values().any(waits), "as forked, no test fails");
        let solved = files(self.book, exercise, |_| false)?;
        let outcomes = self.attempt(exercise, &solved, true, |_| true)?;
        if let Some((test, how)) = outcomes.iter().find(|(_, how)| !how.is_good()) {
            bail!("solved, `{test}` does not pass: {how:?}");
        }
        Ok(solved)
    }

    /// The tests that fail while this task alone is not done.
    fn without(&self, exercise: &Exercise, task: &str) -> Result<BTreeSet<String>> {
        let cut = files(self.book, exercise, |name| name == task)?;
        let outcomes = self.attempt(exercise, &cut, true, |_| true)?;
        let red = outcomes.into_iter().filter(|(_, how)| !how.is_good()).map(|(test, _)| test);
        let red: BTreeSet<String> = red.collect();
        ensure!(!red.is_empty(), "no test needs `{task}`");
        Ok(red)
    }

    fn wrong(
        &self,
        exercise: &Exercise,
        answer: &str,
        solved: &Files,
        needed: &BTreeSet<&str>,
    ) -> Result<Outcomes> {
        let changed = changed(self.book, exercise, answer)?;
        let mut files = solved.clone();
        let folder = exercise.folder(&self.book.root);
        for (file, text) in changed {
            let full = self.book.root.join(&file);
            let inside = full.strip_prefix(&folder).with_context(|| {
                format!("the answer `{answer}` changes {}, which no fork has", file.display())
            })?;
            files.insert(inside.to_owned(), text.into_bytes());
        }
        self.attempt(exercise, &files, false, |test| needed.contains(test))
            .with_context(|| format!("the answer `{answer}`"))
    }

    /// Builds the fork of these files and runs its tests.
    fn attempt(
        &self,
        exercise: &Exercise,
        files: &Files,
        quiet: bool,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Outcomes> {
        // Each language has files that the other must not find.
        let lang = exercise.lang.as_deref().unwrap_or_default();
        let dir = self.dir.path().join(format!("{}{lang}", exercise.name));
        for (name, bytes) in files {
            write_if_changed(&dir.join(name), bytes)?;
        }
        let trial = Trial::build(exercise, &dir, &self.target, Shown::Nothing)?;
        if let Some(said) = trial.refused() {
            bail!("it does not compile:\n{said}");
        }
        if let Some(warning) = trial.warnings().first().filter(|_| quiet) {
            bail!("it does not build without warnings:\n{warning}");
        }
        trial.run_some(is_wanted)
    }
}

/// Refuses an idea whose section is on no page.
fn leads_somewhere(book: &Book, idea: &Idea) -> Result<()> {
    let (page, heading) = idea.see.split_once('#').unwrap_or((&idea.see, ""));
    let of = book.pages.iter().find(|of| of.name() == page);
    let of = of.with_context(|| format!("see = \"{}\": no page is called `{page}`", idea.see))?;
    let known: Vec<&str> = of.headings.iter().map(|known| known.id.as_str()).collect();
    ensure!(
        heading.is_empty() || known.contains(&heading),
        "see = \"{}\": that page has {}",
        idea.see,
        known.join(", ")
    );
    Ok(())
}

/// The lines that one text has and the other has not.
fn differences(recorded: &str, seen: &str) -> String {
    let without = |these: &str, those: &str, mark: &str| -> String {
        let only = these.lines().filter(|line| !those.lines().any(|other| other == *line));
        only.flat_map(|line| [mark, line, "\n"]).collect()
    };
    without(recorded, seen, "-") + &without(seen, recorded, "+")
}

/// The diff of a wrong answer: a file in the crate's folder `fork`, a diff on a page, or a fault that the
/// crate plants in itself for other proofs, in its folder `faults`.
fn body(book: &Book, exercise: &Exercise, answer: &str) -> Result<String> {
    let file =
        |folder: &str| exercise.folder(&book.root).join(folder).join(format!("{answer}.diff"));
    let (own, fault) = (file(FOLDER), file("faults"));
    let on_page = Diff::all(book).find(|diff| diff.name == answer);
    match (own.is_file(), on_page, fault.is_file()) {
        (true, None, _) => Ok(weave::text::read(&own)?),
        (false, Some(diff), _) => Ok(diff.body.to_owned()),
        (true, Some(_), _) => bail!("`{answer}` is a diff on a page too: rename one"),
        (false, None, true) => {
            let text = weave::text::read(&fault)?;
            Ok(text[text.find("--- ").unwrap_or_default()..].to_owned())
        }
        (false, None, false) => {
            bail!("there is no {} and no diff of that name on a page", own.display())
        }
    }
}

/// Whether a wrong answer is in the exercise's language: it changes what a fork has.
fn is_for(book: &Book, exercise: &Exercise, answer: &str) -> Result<bool> {
    let body = body(book, exercise, answer)?;
    let patch =
        Patch::parse(&body).map_err(|(_, fault)| anyhow!("the answer `{answer}`: {fault}"))?;
    let folder = exercise.folder(&book.root);
    let is_out = |file: &Path| {
        book.root.join(file).strip_prefix(&folder).is_ok_and(|inside| exercise.leaves_out(inside))
    };
    Ok(!patch.files().any(is_out))
}

/// What is known of an answer when a run of now is added to what was recorded of it.
fn merged(known: Option<&Pattern>, now: Endings, args: &Args) -> Pattern {
    match known {
        // A run that could be of it says nothing new.
        Some(known) if !args.record && known.fits(&now, |_| false) => known.clone(),
        Some(known) if args.again => {
            let mut known = known.clone();
            known.add(&now);
            known
        }
        _ => Pattern::of(now),
    }
}

/// In how many cases a wrong answer is told by the idea that it lacks, in the run in which the fewest tests failed
/// and in that in which the most did; never by another one.
fn tells(exercise: &Exercise) -> Result<usize> {
    let mut told = 0;
    for (answer, Pattern { always, perhaps }) in &exercise.seen.answers {
        let own = of_answer(exercise, answer);
        let runs = [always.clone(), always | perhaps];
        let ideas = runs.map(|run| lacking(exercise, &run, |_| false));
        if let Some(other) = ideas.into_iter().flatten().find(|idea| Some(*idea) != own) {
            bail!("the answer `{answer}` would be told that it lacks: {}", other.says);
        }
        told += usize::from(ideas.iter().all(Option::is_some));
    }
    Ok(told)
}

//! `cargo book fork`: a chapter crate as an exercise, with the bodies that are its idea to be written.
//!
//! What is cut and what helps is marked in the crate's own code ([`weave::fork`]); known wrong answers
//! lie in its folder `fork` ([`exercise`]). So no solution stands twice in the repository.

pub mod attempt;
pub mod exercise;
pub mod files;
pub mod help;
pub mod idea;
pub mod manifest;
pub mod next;
mod orphans;
pub mod place;
pub mod report;
pub mod seen;
mod tasks_page;
pub mod trial;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use weave::Book;
use weave::fork::of_page;

use crate::say;
use exercise::{Exercise, named};
use place::{EXERCISES, Fork, Made};
use report::Paint;

/// What to fork.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// A note or a chapter crate, as `edges`; without it, lists the exercises
    name: Option<String>,
    /// Make it here instead of in `exercises/`: a new or an empty folder, also outside the repository
    #[arg(long, value_name = "DIR", requires = "name")]
    to: Option<PathBuf>,
    /// The language to write it in, where there are several: rust or c
    #[arg(long, requires = "name")]
    lang: Option<String>,
}

const HELP: &str = "\
A fork is a crate of its own: it builds and runs alone, wherever it lies. Its functions to write say
`todo!`, and its TASKS.md says in which order. Nothing is ever written over.

In its folder the same verbs are `cargo fork try`, `cargo fork hint` and so on.

    cargo book fork short-read    makes the fork of its crate, or finds it, and begins at this note
    cargo book try edges --watch  builds it and runs its tests on each save
    cargo book next               what to do now, and why";

/// Which fork a verb is about.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// The fork: a note, a crate, or a path with a `/` in it [default: where you are, or the only one]
    pub name: Option<String>,
}

/// Makes a fork, or lists the exercises.
pub fn run(root: &Path, args: &Args) -> Result<()> {
    let book = crate::sound_book(root)?;
    let mut exercises = Exercise::all(&book)?;
    let Some(name) = &args.name else {
        return say::all(&list(&book, &exercises));
    };
    let (at, note) = named(&exercises, name)?;
    let exercise = &exercises.swap_remove(at).in_language(root, args.lang.as_deref())?;
    let dir = args.to.clone().unwrap_or_else(|| root.join(EXERCISES).join(&exercise.name));
    if let Some(fork) = Fork::open(&dir)? {
        if let (Some(asked), Some(is)) = (&args.lang, &fork.made.lang)
            && asked != is
        {
            let at = shown(root, &fork.dir);
            bail!(
                "{at} is written in {is}, and stays so\n    `--to DIR` makes one in {asked} elsewhere"
            );
        }
        return begin_at(&book, fork, exercise, note);
    }
    let made = Made {
        package: exercise.package.clone(),
        apart: (!exercise.is_whole()).then(|| exercise.name.clone()),
        note,
        lang: exercise.lang.clone(),
        checkout: root.to_owned(),
        commit: commit(root),
    };
    let fork = Fork::make(&dir, &files::files(&book, exercise, |_| true)?, made)?;
    println!("{} is yours. TASKS.md in it has the tasks in their order.", shown(root, &fork.dir));
    println!("{}", next::first(&book, exercise, &fork));
    Ok(())
}

/// A fork that is there: another of its notes is begun, or nothing is done.
fn begin_at(book: &Book, mut fork: Fork, exercise: &Exercise, note: Option<String>) -> Result<()> {
    let at = shown(&book.root, &fork.dir);
    if fork.made.exercise() != exercise.name {
        bail!("{at} is a fork of `{}`, and stays as it is", fork.made.exercise());
    }
    match note {
        Some(note) if fork.made.note.as_ref() != Some(&note) => {
            fork.begin(note)?;
            println!("{at} is there, with this note's tasks too.");
            println!("{}", next::first(book, exercise, &fork));
            Ok(())
        }
        _ => bail!(
            "{at} is there already, and stays as it is\n    `cargo book next {0}` says what to do in it; \
             `cargo book reset {0}` begins again, and keeps what you wrote",
            exercise.name
        ),
    }
}

/// The fork that a verb is about, and its exercise.
pub fn open(book: &Book, which: &Which) -> Result<(Fork, Exercise)> {
    let mut exercises = Exercise::all(book)?;
    let exercise = |name: &str| named(&exercises, name).map(|(at, _)| exercises[at].name.clone());
    let mut fork = place::find(&book.root, which.name.as_deref(), exercise)?;
    let Some(at) = exercises.iter().position(|one| one.name == fork.made.exercise()) else {
        bail!("the book has no exercise `{}` any more", fork.made.exercise())
    };
    // Who names a note means its tasks, whichever was begun.
    let asked = which.name.as_ref().filter(|note| exercises[at].of_note(note).next().is_some());
    if let Some(note) = asked {
        fork.made.note = Some(note.clone());
    }
    let exercise = exercises.swap_remove(at).in_language(&book.root, fork.made.lang.as_deref())?;
    Ok((fork, exercise))
}

/// All exercises, with what a reader has done of them.
fn list(book: &Book, exercises: &[Exercise]) -> String {
    let paint = Paint::of_stdout();
    let forks = Fork::all(&book.root);
    let mut rows = Vec::new();
    for exercise in exercises {
        let fork = exercise.fork_in(&forks);
        for page in exercise.notes(book) {
            if exercise.is_whole() && exercise.plan.apart.contains(&page.name()) {
                continue;
            }
            let state =
                fork.map_or(String::new(), |fork| next::progress(exercise, fork, &page.name()));
            let level = page.marks.needs.as_ref().map_or("", |needs| needs.level.name());
            let time = of_page(page).map_or("", |(time, _)| time.words());
            let place = book.pages.iter().position(|other| other.path == page.path);
            rows.push((place, page.name(), level, time, state, page.title().to_owned()));
        }
    }
    rows.sort();
    let mut out =
        format!("{:<14} {:<8} {:<12} {:<14} note\n", "exercise", "level", "takes", "state");
    for (_, name, level, time, state, title) in rows {
        out += &format!(
            "{} {level:<8} {time:<12} {state:<14} {title}\n",
            paint.strong(&format!("{name:<14}"))
        );
    }
    out + "\n`cargo book fork NAME` makes one yours; `cargo book fork --help` has the other verbs.\n"
}

/// A path as a reader would type it from the root.
fn shown(root: &Path, dir: &Path) -> String {
    dir.strip_prefix(root).unwrap_or(dir).display().to_string()
}

fn commit(root: &Path) -> Option<String> {
    let asked = Command::new("git").current_dir(root).args(["rev-parse", "HEAD"]).output().ok()?;
    let hash = String::from_utf8(asked.stdout).ok()?.trim().to_owned();
    (!hash.is_empty()).then_some(hash)
}

/// How a reader calls a verb for this fork from where they are.
pub fn command(root: &Path, fork: &Fork, verb: &str) -> String {
    let is_here = Fork::here().ok().flatten().is_some_and(|here| here.dir == fork.dir);
    match is_here || !fork.dir.starts_with(root.join(EXERCISES)) {
        true => format!("cargo fork {verb}"),
        false => format!("cargo book {verb} {}", fork.made.exercise()),
    }
}

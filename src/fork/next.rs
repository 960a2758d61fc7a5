//! `cargo book next`: what to do now in a fork, and why; and how far one is.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use weave::fork::{Task, function};
use weave::{Book, Page};

use super::exercise::Exercise;
use super::place::{Fork, Saw};
use super::trial::{How, Outcomes};
use super::{Which, command, open};
use crate::say;

/// Says what to do now.
pub fn run(root: &Path, which: &Which) -> Result<()> {
    let book = crate::sound_book(root)?;
    let (fork, exercise) = open(&book, which)?;
    say::all(&(advice(&book, &exercise, &fork) + "\n"))
}

/// Writes down how the tests ended.
pub fn remember(fork: &Fork, outcomes: &Outcomes) -> Result<()> {
    let saw = |how: &How| match how {
        How::Passed | How::Skipped(_) => Saw::Passed,
        How::Waits(task) => Saw::Waits(task.clone()),
        How::Badly(..) => Saw::Badly,
    };
    let mut remembered = fork.remembered();
    remembered.tests = outcomes.iter().map(|(test, how)| (test.clone(), saw(how))).collect();
    fork.remember(&remembered)
}

type Tests = BTreeMap<String, Saw>;

/// Whether all tests that need a task passed.
pub fn is_done(exercise: &Exercise, tests: &Tests, task: &str) -> bool {
    let needed = exercise.seen.without.get(task);
    !tests.is_empty()
        && needed.is_some_and(|needed| {
            needed.iter().all(|test| tests.get(test).is_none_or(|saw| *saw == Saw::Passed))
        })
}

/// The task of this note, or else of the fork, that most tests wait for; the first if none does.
pub fn task<'a>(exercise: &'a Exercise, fork: &Fork) -> Option<(&'a Task, usize)> {
    let tests = fork.remembered().tests;
    let undone: Vec<&Task> =
        exercise.tasks.iter().filter(|task| !is_done(exercise, &tests, &task.name)).collect();
    let of_note = |task: &&&Task| fork.made.note.as_ref().is_none_or(|note| *note == task.note);
    let mine: Vec<&Task> = undone.iter().filter(of_note).copied().collect();
    let among = if mine.is_empty() { undone } else { mine };
    let waiting = |task: &Task| {
        tests.values().filter(|saw| matches!(saw, Saw::Waits(name) if *name == task.name)).count()
    };
    let counted = among.into_iter().map(|task| (task, waiting(task)));
    // The first of several with as many.
    counted.rev().max_by_key(|(_, tests)| *tests)
}

/// What to do in a fork of which nothing was tried yet.
pub fn first(book: &Book, exercise: &Exercise, fork: &Fork) -> String {
    let note = fork.made.note.clone();
    let pages = exercise.notes(book);
    let page =
        note.and_then(|note| pages.iter().find(|page| page.name() == note)).or(pages.first());
    let read = page.map_or(String::new(), |page| format!("Read {}. ", note_at(page)));
    let write = task(exercise, fork).map_or(String::new(), |(task, _)| {
        format!("Then write {}: {}.", place(fork, task), task.says)
    });
    format!("{read}{write}\n`{}` says what passes.", command(&book.root, fork, "try"))
}

/// What to do now, and why.
pub fn advice(book: &Book, exercise: &Exercise, fork: &Fork) -> String {
    let tests = fork.remembered().tests;
    if tests.is_empty() {
        return first(book, exercise, fork);
    }
    let Some((task, waiting)) = task(exercise, fork) else {
        return match tests.values().all(|saw| *saw == Saw::Passed) {
            true => format!("All tests pass. {}", after(book, exercise, fork)),
            false => {
                let bad = tests.iter().filter(|(_, saw)| **saw == Saw::Badly);
                let bad: Vec<&str> = bad.map(|(test, _)| test.as_str()).collect();
                format!("Every task is done, and still there fail: {}.", bad.join(", "))
            }
        };
    };
    let why = match waiting {
        0 => {
            let needed = exercise.seen.without.get(&task.name).into_iter().flatten();
            let bad = needed.filter(|test| tests.get(*test) == Some(&Saw::Badly)).count();
            match bad {
                0 => "the next one to do".to_owned(),
                1 => "a test that needs it fails".to_owned(),
                bad => format!("{bad} tests that need it fail"),
            }
        }
        1 => "a test waits for it".to_owned(),
        tests => format!("{tests} tests wait for it"),
    };
    format!(
        "{}: {}.\nWhy: {why}. `{}` gives a hint.",
        place(fork, task),
        task.says,
        command(&book.root, fork, "hint")
    )
}

/// The note behind those of a fork in the book, and whether it has an exercise.
fn after(book: &Book, exercise: &Exercise, fork: &Fork) -> String {
    let notes = exercise.notes(book);
    let begun =
        fork.made.note.as_ref().and_then(|note| notes.iter().find(|page| page.name() == *note));
    let Some(last) = begun.or(notes.last()) else { return String::new() };
    let place = book.pages.iter().position(|page| page.path == last.path).unwrap_or_default();
    match book.pages[place + 1..].iter().find(|page| !page.draft) {
        Some(page) => format!(
            "The note after this one is {}; `cargo book fork {}` if it has an exercise.",
            note_at(page),
            page.name()
        ),
        None => "It was the last note of the book.".into(),
    }
}

fn note_at(page: &Page) -> String {
    format!("*{}* ({})", page.title(), page.file.display())
}

/// A task with its place in the fork.
pub fn place(fork: &Fork, task: &Task) -> String {
    let text = std::fs::read_to_string(fork.dir.join(&task.file)).unwrap_or_default();
    let line = function(&task.file, &text, &task.name).map(|code| {
        let at = code.as_ptr() as usize - text.as_ptr() as usize;
        text[..at].lines().count() + 1
    });
    let line = line.map_or(String::new(), |line| format!(":{line}"));
    format!("`{}` in {}{line}", task.name, task.file.display())
}

/// How far a reader is with a note's exercise.
pub fn progress(exercise: &Exercise, fork: &Fork, note: &str) -> String {
    let tests = fork.remembered().tests;
    let of_note = exercise.of_note(note).filter_map(|task| exercise.seen.without.get(&task.name));
    let mut needed: Vec<&String> = of_note.flatten().collect();
    needed.sort();
    needed.dedup();
    let green = needed.iter().filter(|test| tests.get(**test) == Some(&Saw::Passed)).count();
    match needed.len() {
        0 => "begun".to_owned(),
        all if all == green => "done".to_owned(),
        all => format!("{green} of {all} tests"),
    }
}

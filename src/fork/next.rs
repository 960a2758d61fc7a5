//! `cargo book next`: what to do now in a fork, and why; and how far one is.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use weave::fork::{Task, function, of_page};
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

/// Whether a task is written, and no test that needs it says otherwise. A test that waits for another
/// task says nothing of this one.
pub fn is_done(exercise: &Exercise, fork: &Fork, tests: &Tests, task: &Task) -> bool {
    let against = |test: &String| match tests.get(test) {
        None | Some(Saw::Passed) => false,
        Some(Saw::Waits(name)) => *name == task.name,
        Some(Saw::Badly) => true,
    };
    let needed = exercise.seen.without.get(&task.name);
    !tests.is_empty() && !is_todo(fork, task) && needed.is_some_and(|all| !all.iter().any(against))
}

/// Whether a task's body is still the one that was made. A function that is gone is no `todo!`.
fn is_todo(fork: &Fork, task: &Task) -> bool {
    let text = std::fs::read_to_string(fork.dir.join(&task.file)).unwrap_or_default();
    function(&task.file, &text, &task.name).is_some_and(|code| says(code, &task.says))
}

/// Whether code says what to do, and not a comment that was made of it.
fn says(code: &str, task: &str) -> bool {
    code.lines().any(|line| line.contains(task) && !line.trim_start().starts_with("//"))
}

/// The tasks that are left: those of the note that was begun, or else of the next one that has any. All
/// of them where the crate was begun, and none of its notes.
fn left<'a>(exercise: &'a Exercise, fork: &Fork) -> Vec<&'a Task> {
    let tests = fork.remembered().tests;
    let undone = exercise.tasks.iter().filter(|task| !is_done(exercise, fork, &tests, task));
    let undone: Vec<&Task> = undone.collect();
    let Some(begun) = &fork.made.note else { return undone };
    let place = exercise.tasks.iter().position(|task| task.note == *begun);
    let behind = &exercise.tasks[place.unwrap_or_default()..];
    let first = undone.iter().find(|task| behind.contains(task)).or(undone.first());
    let note = first.map(|task| task.note.clone());
    undone.into_iter().filter(|task| Some(&task.note) == note.as_ref()).collect()
}

/// The note that a reader has begun in a fork.
fn begun<'a>(exercise: &'a Exercise, fork: &'a Fork) -> Option<&'a String> {
    fork.made.note.as_ref().or(exercise.tasks.first().map(|task| &task.note))
}

/// The tasks of the note that a reader has begun.
pub fn begun_tasks<'a>(exercise: &'a Exercise, fork: &Fork) -> Vec<&'a Task> {
    let begun = begun(exercise, fork);
    exercise.tasks.iter().filter(|task| Some(&task.note) == begun).collect()
}

/// The task that most tests wait for, of those that are left; the first if none does.
pub fn task<'a>(exercise: &'a Exercise, fork: &Fork) -> Option<(&'a Task, usize)> {
    let tests = fork.remembered().tests;
    let waiting = |task: &Task| {
        tests.values().filter(|saw| matches!(saw, Saw::Waits(name) if *name == task.name)).count()
    };
    let counted = left(exercise, fork).into_iter().map(|task| (task, waiting(task)));
    // The first of several with as many.
    counted.rev().max_by_key(|(_, tests)| *tests)
}

/// What is said when the note that was begun is done, and the fork has another with something left.
pub fn done_so_far(book: &Book, exercise: &Exercise, fork: &Fork) -> Option<String> {
    let (begun, left) = (fork.made.note.as_ref()?, left(exercise, fork));
    let next = left.first().filter(|task| task.note != *begun)?;
    let title = |note: &str| {
        let page = book.pages.iter().find(|page| page.name() == note);
        page.map_or(note, Page::title).to_owned()
    };
    Some(format!(
        "All of *{}* is done. What is left in this fork is of other notes, as of *{}*.",
        title(begun),
        title(&next.note)
    ))
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
            true => format!(
                "All tests pass. `{}` shows the author's code beside yours.\n{}",
                command(&book.root, fork, "solution"),
                after(book, exercise, fork)
            ),
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
    let done = done_so_far(book, exercise, fork).map_or(String::new(), |done| done + "\n");
    format!(
        "{done}{}: {}.\nWhy: {why}. `{}` gives a hint.",
        place(fork, task),
        task.says,
        command(&book.root, fork, "hint")
    )
}

/// The note after the one that was begun, those of the fork aside, and how to begin its exercise.
fn after(book: &Book, exercise: &Exercise, fork: &Fork) -> String {
    let notes = exercise.notes(book);
    let begun = begun(exercise, fork);
    let place = book.pages.iter().position(|page| Some(&page.name()) == begun).unwrap_or_default();
    let is_new = |page: &&Page| !page.draft && notes.iter().all(|note| note.path != page.path);
    match book.pages[place + 1..].iter().find(is_new) {
        Some(page) if of_page(page).is_some() => format!(
            "The note after this one is {}; `cargo book fork {}` is its exercise.",
            note_at(page),
            page.name()
        ),
        Some(page) => format!("The note after this one is {}.", note_at(page)),
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
    let is_left = |task| !is_done(exercise, fork, &tests, task);
    match needed.len() {
        0 => "begun".to_owned(),
        _ if !exercise.of_note(note).any(is_left) => "done".to_owned(),
        all => format!("{green} of {all} tests"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_was_made_a_comment_is_no_longer_said() {
        assert!(says("{\n    todo!(\n        \"read once\"\n    )\n}", "read once"));
        assert!(!says("{\n    // todo!(\"read once\")\n    stream.read(buffer)\n}", "read once"));
    }
}

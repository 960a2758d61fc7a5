//! `cargo book hint`, `solution` and `reset`: what helps who is stuck.

use std::path::Path;

use anyhow::{Context, Result, bail};
use weave::fork::{Task, function};
use weave::source::without_marks;

use super::exercise::{Exercise, near};
use super::next::{self, is_done, place};
use super::place::{Fork, Remembered};
use super::report::Paint;
use super::{Which, command, open, shown};
use crate::say;

/// Which task of which fork.
#[derive(Debug, clap::Args)]
pub struct Of {
    #[command(flatten)]
    which: Which,
    /// The function [default: the one that `next` names]
    #[arg(long, value_name = "FUNCTION")]
    task: Option<String>,
}

/// Gives the next hint for a task.
pub fn hint(root: &Path, of: &Of) -> Result<()> {
    let book = crate::sound_book(root)?;
    let (fork, exercise) = open(&book, &of.which)?;
    let Some(task) = chosen(&exercise, &fork, of.task.as_deref())? else {
        return say::all("Every task is done: there is nothing to hint at.\n");
    };
    let mut remembered = fork.remembered();
    let given = remembered.hints.entry(task.name.clone()).or_default();
    let mut out = format!("{}: {}.\n\n", place(&fork, task), task.says);
    let total = task.hints.len();
    for (number, hint) in (1..).zip(&task.hints).take(*given + 1) {
        out += &format!("{number} of {total}  {hint}\n");
    }
    let solution = command(&book.root, &fork, "solution");
    match total {
        0 => out += &format!("This one has no hints: it is short, and `{solution}` shows it.\n"),
        _ if *given + 1 >= total => {
            out += &format!("\nThat was the last one; `{solution}` shows the author's code.\n");
        }
        _ => {}
    }
    *given = (*given + 1).min(total);
    // A hint that can't be remembered is one all the same.
    say::all(&out)?;
    fork.remember(&remembered).context("that it was given can't be written down")
}

/// Shows the author's code beside the reader's, once that is green or if asked twice.
pub fn solution(root: &Path, of: &Of) -> Result<()> {
    let book = crate::sound_book(root)?;
    let (fork, exercise) = open(&book, &of.which)?;
    let tasks = match chosen(&exercise, &fork, of.task.as_deref())? {
        Some(task) => vec![task],
        // All that was begun is done.
        None => next::begun_tasks(&exercise, &fork),
    };
    let mut remembered = fork.remembered();
    for task in &tasks {
        if !may_see(&exercise, &fork, &mut remembered, task) {
            fork.remember(&remembered)?;
            bail!(
                "`{}` is not green yet\n    `{}` gives a hint; ask once more, and the author's code is shown",
                task.name,
                command(&book.root, &fork, "hint")
            );
        }
    }
    let both = tasks.iter().map(|task| beside(&book.root, &exercise, &fork, task));
    say::all(&both.collect::<Result<Vec<String>>>()?.join("\n"))
}

/// The reader's code of a task, and the author's.
fn beside(root: &Path, exercise: &Exercise, fork: &Fork, task: &Task) -> Result<String> {
    let paint = Paint::of_stdout();
    let text = weave::text::read(&exercise.folder(root).join(&task.file))?;
    let text = without_marks(&text);
    let author =
        function(&task.file, &text, &task.name).context("the author's function is gone")?;
    let mine = std::fs::read_to_string(fork.dir.join(&task.file)).unwrap_or_default();
    let mine = function(&task.file, &mine, &task.name)
        .unwrap_or("(not found: it has another name now, or is not formatted as rustfmt does)\n");
    Ok(format!(
        "{} {}\n\n{mine}\n{}\n\n{author}",
        paint.strong("Yours,"),
        place(fork, task),
        paint.strong("The author's")
    ))
}

/// Whether the code may be shown; remembers that it was asked for.
fn may_see(exercise: &Exercise, fork: &Fork, remembered: &mut Remembered, task: &Task) -> bool {
    if is_done(exercise, fork, &remembered.tests, task) || remembered.asked.contains(&task.name) {
        return true;
    }
    remembered.asked.push(task.name.clone());
    false
}

/// Makes a fork what it was, and says where what it is now is kept.
pub fn reset(root: &Path, which: &Which) -> Result<()> {
    let book = crate::sound_book(root)?;
    let (fork, _) = open(&book, which)?;
    let kept = fork.reset()?;
    println!(
        "{} is as it was made; what you wrote is in {}",
        shown(root, &fork.dir),
        shown(root, &kept)
    );
    Ok(())
}

/// The task that was named, or the one to do now; `None` if all are done.
fn chosen<'a>(exercise: &'a Exercise, fork: &Fork, name: Option<&str>) -> Result<Option<&'a Task>> {
    let Some(name) = name else {
        return Ok(next::task(exercise, fork).map(|(task, _)| task));
    };
    match exercise.task(name) {
        Some(task) => Ok(Some(task)),
        None => {
            let names: Vec<&str> = exercise.tasks.iter().map(|task| task.name.as_str()).collect();
            bail!("no task is called `{name}`{}", near(name, &names))
        }
    }
}

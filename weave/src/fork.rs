//! The marks in a chapter crate's code from which its exercises are made.
//!
//! ```text
//! pub fn drain(socket: &mut impl Read) -> io::Result<usize> {
//!     // FORK edges: read until the socket says that there is no more
//!     // HINT: What does a read say when nothing is left? read(2), under ERRORS.
//!     //       A line goes on like this.
//!     …
//! }
//! ```
//!
//! A mark is the first line of a function's body and names the note whose task it is. The task has the
//! function's name. A naked function is cut to one that is none: who writes it puts the attribute back.
//! [`cut`] makes what a reader gets, [`without_marks`] what a page shows.

mod cut;

use std::path::{Path, PathBuf};

use crate::book::Book;
use crate::marks::Asked;
use crate::needs::note;
use crate::page::Page;
use crate::problem::{Fault, Problem};
use crate::source::{CRATES, crates};
use crate::{belongs, text};

pub use cut::{cut, function, tasks, without_marks};

/// A function whose body the reader writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The note that it belongs to, by the name of its page.
    pub note: String,
    /// The function's name.
    pub name: String,
    /// The file, relative to its crate.
    pub file: PathBuf,
    /// The line of the mark, from 1.
    pub line: usize,
    /// What to do, in a sentence.
    pub says: String,
    /// What helps, the last one nearly all.
    pub hints: Vec<String>,
}

/// How long an exercise takes who has read its note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Time {
    /// A function of a few lines.
    TenMinutes,
    /// Some functions that work together.
    AnHour,
    /// A program.
    AnEvening,
}

impl Time {
    /// All of them.
    pub const ALL: [Time; 3] = [Time::TenMinutes, Time::AnHour, Time::AnEvening];

    /// As it is written and shown.
    pub fn words(self) -> &'static str {
        match self {
            Time::TenMinutes => "ten minutes",
            Time::AnHour => "an hour",
            Time::AnEvening => "an evening",
        }
    }
}

/// The tasks of the chapter crates that have some, by the name of the crate.
pub type Tasks = Vec<(String, Vec<Task>)>;

/// The tasks of all chapter crates, and what is wrong with marks.
pub fn all(root: &Path) -> (Tasks, Vec<Problem>) {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for (name, dir) in crates(root).unwrap_or_default() {
        let tasks = of_crate(&dir, Path::new(CRATES).join(&name).as_path(), &mut problems);
        if !tasks.is_empty() {
            found.push((name, tasks));
        }
    }
    (found, problems)
}

/// How long the exercise of a page takes, and what it is a fork of if that is no crate with tasks of
/// the page; `None` if it has none.
pub fn of_page(page: &Page) -> Option<(Time, Option<&str>)> {
    page.marks.places.iter().find_map(|place| match &place.asked {
        Asked::Fork { time, of_crate } => Some((*time, of_crate.as_deref())),
        _ => None,
    })
}

/// Each page with tasks shows them under *Fork it*, and each that shows some has them.
pub fn check(book: &Book, problems: &mut Vec<Problem>) {
    for (package, tasks) in &book.tasks {
        for task in tasks {
            let file = Path::new(CRATES).join(package).join(&task.file);
            let Some(page) = note(book, &task.note) else {
                let what = format!("no note is called `{}`", task.note);
                let help = "a mark names the note by its file: `// FORK edges: what to do`";
                problems.push(Fault::new(what, help).at(file, task.line));
                continue;
            };
            if of_page(page).is_none() {
                let what = format!("the note does not show its exercise, `{}`", task.name);
                let help = "write `<!-- fork: ten minutes -->` under `## Fork it`";
                problems.push(page.problem(1, Fault::new(what, help)));
            }
        }
    }
    for page in &book.pages {
        let forks = page.marks.places.iter().filter(|at| matches!(at.asked, Asked::Fork { .. }));
        for place in forks {
            let above = page.headings.iter().rfind(|heading| heading.line < place.line);
            let wanted = match &place.asked {
                Asked::Fork { of_crate: Some(name), .. } => {
                    book.tasks.iter().any(|(package, _)| package == name)
                }
                _ => of_note(book, page).is_some(),
            };
            let (what, help) = match (above.map(|heading| heading.text.as_str()), wanted) {
                (Some("Fork it"), true) => continue,
                (Some("Fork it"), false) => (
                    "no function is marked for this exercise",
                    format!("mark one in a chapter crate: `// FORK {}: what to do`", page.name()),
                ),
                _ => ("an exercise that does not stand under `## Fork it`", "move it there".into()),
            };
            problems.push(page.problem(place.line, Fault::new(what, help)));
        }
    }
}

/// The crate that has a page's tasks, and those.
pub fn of_note<'a>(book: &'a Book, page: &Page) -> Option<(&'a str, Vec<&'a Task>)> {
    let name = page.name();
    book.tasks.iter().find_map(|(package, tasks)| {
        let tasks: Vec<&Task> = tasks.iter().filter(|task| task.note == name).collect();
        (!tasks.is_empty()).then_some((package.as_str(), tasks))
    })
}

/// What goes in the place of the mark on a page.
pub fn written(book: &Book, page: &Page, time: Time, of_crate: Option<&str>) -> String {
    let (name, time) = (page.name(), time.words());
    let Some((_, tasks)) = of_note(book, page) else {
        let package = of_crate.unwrap_or(&name);
        return format!("`cargo book fork {package}` makes it yours. It takes {time}.\n");
    };
    let listed = |task: &&Task| format!("- `{}`: {}.\n", task.name, task.says);
    let what = match tasks.len() {
        1 => "a function",
        _ => "functions",
    };
    format!(
        "`cargo book fork {name}` makes the crate of this note yours, with {what} to write. It takes {time}.\n\n\
         {}\n`cargo book try {name} --watch` says at each save what passes, what hangs and where; \
         `cargo book hint {name}` gives a hint.\n",
        tasks.iter().map(listed).collect::<String>()
    )
}

/// The folders of a crate whose sources may have marks.
const PARTS: [&str; 3] = ["src", "examples", "c"];

fn of_crate(dir: &Path, shown: &Path, problems: &mut Vec<Problem>) -> Vec<Task> {
    let mut found: Vec<Task> = Vec::new();
    for (path, _) in PARTS.iter().flat_map(|part| belongs::entries(&dir.join(part))) {
        let inside = path.strip_prefix(dir).unwrap_or(&path);
        let Ok(text) = text::read(&path) else { continue };
        match tasks(inside, &text) {
            Ok(tasks) => found.extend(tasks),
            Err(faults) => {
                let faults = faults.into_iter();
                problems.extend(faults.map(|(line, fault)| fault.at(shown.join(inside), line)));
            }
        }
    }
    for (at, task) in found.iter().enumerate() {
        let same = |other: &&Task| other.name == task.name || other.says == task.says;
        if let Some(first) = found[..at].iter().find(same) {
            let what = format!("a second task `{}`, or one of the same words", task.name);
            let help = format!("the first is at {}:{}", first.file.display(), first.line);
            problems.push(Fault::new(what, help).at(shown.join(&task.file), task.line));
        }
    }
    found
}

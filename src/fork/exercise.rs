//! What a chapter crate says of its exercises: the tasks that are marked in its code, and in its
//! folder `fork` the known wrong answers, the ideas that they lack, and what each was seen to do.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use weave::fork::Task;
use weave::source::{CRATES, folder};
use weave::{Book, Page};

use super::seen::Seen;

/// The folder of a crate that says what its fork is; no fork has it.
pub const FOLDER: &str = "fork";

/// The exercises of a chapter crate.
#[derive(Debug)]
pub struct Exercise {
    /// The crate's name, which is the fork's.
    pub package: String,
    /// Its tasks, in the order of their notes.
    pub tasks: Vec<Task>,
    /// What `fork/exercise.toml` says.
    pub plan: Plan,
    /// What its tests were seen to do with wrong answers and with none.
    pub seen: Seen,
}

/// `fork/exercise.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Files and folders of the crate that a fork does not get.
    #[serde(default)]
    pub leave_out: Vec<PathBuf>,
    /// Dependencies that a fork does not get.
    #[serde(default)]
    pub without: Vec<String>,
    /// How long a test may compute, in seconds.
    #[serde(default = "usual_patience")]
    pub patience: u64,
    /// What a wrong answer lacks.
    #[serde(default)]
    pub idea: Vec<Idea>,
}

/// Ten times what the slowest test of most crates takes.
fn usual_patience() -> u64 {
    5
}

/// What answers that fail alike have not understood.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Idea {
    /// What is missing, in one sentence, without code.
    pub says: String,
    /// Where it stands: `page#heading`.
    pub see: String,
    /// The answers without it: names of diffs in `fork/`, or on pages.
    pub answers: Vec<String>,
}

impl Exercise {
    /// All exercises, in the order in which the book has their notes.
    pub fn all(book: &Book) -> Result<Vec<Exercise>> {
        let (found, problems) = weave::fork::all(&book.root);
        if let Some(problem) = problems.first() {
            bail!("{problem}");
        }
        let exercises =
            found.into_iter().map(|(package, tasks)| Exercise::read(book, package, tasks));
        let mut exercises = exercises.collect::<Result<Vec<_>>>()?;
        exercises.sort_by_key(|exercise| {
            exercise.notes(book).first().map(|page| place(book, &page.name()))
        });
        Ok(exercises)
    }

    fn read(book: &Book, package: String, mut tasks: Vec<Task>) -> Result<Exercise> {
        tasks.sort_by_key(|task| place(book, &task.note));
        let file = Path::new(CRATES).join(&package).join(FOLDER).join("exercise.toml");
        let text = weave::text::read(&book.root.join(&file));
        let text = text.with_context(|| {
            format!("{}: the tasks that are marked in this crate need it", file.display())
        })?;
        let plan: Plan = toml::from_str(&text).with_context(|| file.display().to_string())?;
        let seen = Seen::read(&folder(&book.root, &package).join(FOLDER))?;
        Ok(Exercise { package, tasks, plan, seen })
    }

    /// The pages of its notes, in the order of the book.
    pub fn notes<'a>(&self, book: &'a Book) -> Vec<&'a Page> {
        let has = |page: &&Page| self.of_note(&page.name()).next().is_some();
        book.pages.iter().filter(has).collect()
    }

    /// The tasks of a note.
    pub fn of_note(&self, note: &str) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(move |task| task.note == note)
    }

    /// The crate's folder.
    pub fn folder(&self, root: &Path) -> PathBuf {
        folder(root, &self.package)
    }

    /// The task of that name.
    pub fn task(&self, name: &str) -> Option<&Task> {
        self.tasks.iter().find(|task| task.name == name)
    }
}

/// Which page of the book a note is.
fn place(book: &Book, note: &str) -> usize {
    book.pages.iter().position(|page| page.name() == note).unwrap_or(usize::MAX)
}

/// The exercise that a reader means by the name of a crate or of a note, and the note's if it is one.
pub fn named<'a>(exercises: &'a [Exercise], name: &str) -> Result<(&'a Exercise, Option<String>)> {
    let of_note = exercises.iter().find(|one| one.of_note(name).next().is_some());
    let of_crate = exercises.iter().find(|one| one.package == name);
    match (of_note, of_crate) {
        (Some(exercise), _) => Ok((exercise, Some(name.to_owned()))),
        (None, Some(exercise)) => Ok((exercise, None)),
        (None, None) => {
            let notes = exercises.iter().flat_map(|one| one.tasks.iter().map(|task| &*task.note));
            let crates = exercises.iter().map(|one| &*one.package);
            let names: Vec<&str> = notes.chain(crates).collect();
            bail!("there is no exercise `{name}`{}", near(name, &names))
        }
    }
}

/// Names that are near to a mistyped one, or all.
pub fn near(name: &str, names: &[&str]) -> String {
    let mut all = names.to_vec();
    all.sort_unstable();
    all.dedup();
    let is_near = |other: &&str| strsim::damerau_levenshtein(name, other) <= name.len() / 3 + 1;
    let near: Vec<&str> = all.iter().copied().filter(is_near).collect();
    match near.is_empty() {
        true => format!("; there are: {}", all.join(", ")),
        false => format!("; did you mean {}?", near.join(" or ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_lists_near_ones() {
        let names = ["edges", "epoll", "short-read", "edges"];
        assert_eq!(near("edge", &names), "; did you mean edges?");
        assert_eq!(near("shortread", &names), "; did you mean short-read?");
        assert_eq!(near("xyz", &names), "; there are: edges, epoll, short-read");
    }
}

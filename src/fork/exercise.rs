//! What a chapter crate says of its exercises: the tasks that are marked in its code, and in its
//! folder `fork` the known wrong answers, the ideas that they lack, and what each was seen to do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use weave::fork::Task;
use weave::source::{CRATES, folder};
use weave::{Book, Page};

use super::place::Fork;
use super::seen::Seen;

/// The folder of a crate that says what its fork is; no fork has it.
pub const FOLDER: &str = "fork";

/// The exercises of a chapter crate.
#[derive(Debug)]
pub struct Exercise {
    /// The crate's name.
    pub package: String,
    /// What a fork of it is called: as the crate, or, where a note of it stands apart, as the note.
    pub name: String,
    /// Its tasks, in the order of their notes.
    pub tasks: Vec<Task>,
    /// What `fork/exercise.toml` says.
    pub plan: Plan,
    /// The language of the fork, where there are several.
    pub lang: Option<String>,
    /// What its tests were seen to do with wrong answers and with none.
    pub seen: Seen,
}

/// `fork/exercise.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Files and folders of the crate that a fork does not get.
    #[serde(default)]
    pub leave_out: Vec<PathBuf>,
    /// Dependencies that a fork does not get.
    #[serde(default)]
    pub without: Vec<String>,
    /// Crates of the book whose tests a fork gets too: they are about the crate that is forked.
    #[serde(default)]
    pub with: Vec<String>,
    /// Notes whose exercise is their own functions alone, with the author's bodies for all others. A crate
    /// that is an exercise as a whole is too long for who wants one of its ideas.
    #[serde(default)]
    pub apart: Vec<String>,
    /// The languages in which it can be written, and what a fork in each does not get.
    #[serde(default)]
    pub lang: BTreeMap<String, LeftOut>,
    /// How long a test may compute, in seconds.
    #[serde(default = "usual_patience")]
    pub patience: u64,
    /// What a wrong answer lacks.
    #[serde(default)]
    pub idea: Vec<Idea>,
}

impl Default for Plan {
    fn default() -> Plan {
        toml::from_str("").expect("a plan may say nothing")
    }
}

/// Ten times what the slowest test of most crates takes.
fn usual_patience() -> u64 {
    5
}

/// What a fork does not get.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// Files and folders of the crate.
    pub leave_out: Vec<PathBuf>,
}

/// The language of a fork for which none is asked.
const USUAL: &str = "rust";

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

impl Plan {
    /// The plan of a crate; one that says nothing where there is none.
    pub fn read(root: &Path, package: &str) -> Result<Plan> {
        let file = Path::new(CRATES).join(package).join(FOLDER).join("exercise.toml");
        if !root.join(&file).exists() {
            return Ok(Plan::default());
        }
        let text = weave::text::read(&root.join(&file))?;
        toml::from_str(&text).with_context(|| file.display().to_string())
    }
}

impl Exercise {
    /// All exercises, in the order in which the book has their notes.
    pub fn all(book: &Book) -> Result<Vec<Exercise>> {
        let mut exercises = Vec::new();
        for (name, tasks) in &book.tasks {
            let whole = Exercise::read(book, name, tasks)?;
            for note in &whole.plan.apart {
                exercises.push(Exercise::read(book, name, tasks)?.apart(note));
            }
            exercises.push(whole);
        }
        exercises.sort_by_key(|exercise| {
            exercise.notes(book).first().map(|page| place(book, &page.name()))
        });
        Ok(exercises)
    }

    /// The exercise that these tasks of a crate are.
    pub fn read(book: &Book, package: &str, tasks: &[Task]) -> Result<Exercise> {
        let mut tasks = tasks.to_vec();
        tasks.sort_by_key(|task| place(book, &task.note));
        let plan = Plan::read(&book.root, package)?;
        let seen = Seen::read(&folder(&book.root, package).join(FOLDER), None)?;
        let (package, name) = (package.to_owned(), package.to_owned());
        Ok(Exercise { package, name, tasks, plan, lang: None, seen })
    }

    /// The exercise that one of its notes is alone.
    fn apart(mut self, note: &str) -> Exercise {
        self.name = note.to_owned();
        self.tasks.retain(|task| task.note == note);
        self.plan.with.clear();
        self
    }

    /// Whether it is a whole crate, and not one of its notes.
    pub fn is_whole(&self) -> bool {
        self.name == self.package
    }

    /// The reader's fork of it among these.
    pub fn fork_in<'a>(&self, forks: &'a [Fork]) -> Option<&'a Fork> {
        forks.iter().find(|fork| fork.made.exercise() == self.name)
    }

    /// The same in one of its languages, with the tasks of that one.
    pub fn in_language(mut self, root: &Path, asked: Option<&str>) -> Result<Exercise> {
        let known: Vec<&str> = self.plan.lang.keys().map(String::as_str).collect();
        let lang = match (asked, &known[..]) {
            (None, []) => return Ok(self),
            (Some(lang), []) => bail!("`{}` is in Rust alone; there is no {lang}", self.package),
            (None, _) => USUAL,
            (Some(lang), known) if known.contains(&lang) => lang,
            (Some(lang), known) => bail!("there is no {lang}{}", near(lang, known)),
        };
        let out = &self.plan.lang.get(lang).context("a language of the plan")?.leave_out;
        self.tasks.retain(|task| !out.iter().any(|out| task.file.starts_with(out)));
        self.seen = Seen::read(&self.folder(root).join(FOLDER), Some(lang))?;
        self.lang = Some(lang.to_owned());
        Ok(self)
    }

    /// Its languages, where there are several; else nothing.
    pub fn languages(&self) -> Vec<Option<String>> {
        match self.plan.lang.is_empty() {
            true => vec![None],
            false => self.plan.lang.keys().cloned().map(Some).collect(),
        }
    }

    /// Whether a fork does not get a file of its crate.
    pub fn leaves_out(&self, file: &Path) -> bool {
        let of_lang = self.lang.as_ref().and_then(|lang| self.plan.lang.get(lang));
        let of_lang = of_lang.map_or(&[][..], |out| &out.leave_out);
        let mut out = self.plan.leave_out.iter().chain(of_lang);
        file.starts_with(FOLDER) || out.any(|out| file.starts_with(out))
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

/// The place of the exercise that a reader means by the name of a crate or of a note; and the note's
/// name if it is one.
pub fn named(exercises: &[Exercise], name: &str) -> Result<(usize, Option<String>)> {
    // Of a note that stands apart there are two.
    let has = |one: &Exercise| one.of_note(name).next().is_some();
    let apart = exercises.iter().position(|one| has(one) && !one.is_whole());
    let of_note = apart.or_else(|| exercises.iter().position(has));
    let of_crate = exercises.iter().position(|one| one.name == name);
    match (of_note, of_crate) {
        (Some(exercise), _) => Ok((exercise, Some(name.to_owned()))),
        (None, Some(exercise)) => Ok((exercise, None)),
        (None, None) => {
            let notes = exercises.iter().flat_map(|one| one.tasks.iter().map(|task| &*task.note));
            let crates = exercises.iter().map(|one| &*one.name);
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

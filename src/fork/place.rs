//! A fork on the disk: where it lies, what it was when it was made, and what is remembered of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::files::{Files, alias};
use crate::write;

/// Where forks lie that are not asked for elsewhere, relative to the root. Git ignores it.
pub const EXERCISES: &str = "exercises";

/// What a fork remembers, in a folder of its own.
const MEMORY: &str = ".fork";

/// The file that makes a folder a fork.
pub const MADE: &str = ".fork/made.json";

/// A fork.
#[derive(Debug)]
pub struct Fork {
    /// Its folder.
    pub dir: PathBuf,
    /// How it was made.
    pub made: Made,
}

/// `.fork/made.json`: how it was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Made {
    /// The chapter crate.
    pub package: String,
    /// The note that it is a fork of alone; else it is one of the whole crate.
    #[serde(default)]
    pub apart: Option<String>,
    /// The note whose tasks come first.
    pub note: Option<String>,
    /// Its language, where there are several.
    pub lang: Option<String>,
    /// The checkout of the book.
    pub checkout: PathBuf,
    /// The commit of the book, if git knew it.
    pub commit: Option<String>,
}

impl Made {
    /// What the exercise is called.
    pub fn exercise(&self) -> &str {
        self.apart.as_ref().unwrap_or(&self.package)
    }
}

/// `.fork/remembered.json`: what the reader has done so far.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Remembered {
    /// How the tests ended that the last `try` saw.
    pub tests: BTreeMap<String, Saw>,
    /// How many hints were given for a task.
    pub hints: BTreeMap<String, usize>,
    /// The tasks whose solution was asked for before they were done.
    pub asked: Vec<String>,
}

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Saw {
    /// It passed, or this machine can't show it.
    Passed,
    /// It waits for this task.
    Waits(String),
    /// Otherwise.
    Badly,
}

impl Fork {
    /// Makes a fork of these files, whole or not at all.
    pub fn make(dir: &Path, files: &Files, made: Made) -> Result<Fork> {
        let is_free = match fs::read_dir(dir) {
            Ok(mut inside) => inside.next().is_none(),
            Err(error) if error.kind() == ErrorKind::NotFound => dir.symlink_metadata().is_err(),
            Err(_) => false,
        };
        ensure!(
            is_free,
            "{} is there already, and stays as it is\n    choose another place with `--to DIR`",
            dir.display()
        );
        let above = dir.parent().filter(|above| *above != Path::new("")).unwrap_or(Path::new("."));
        let make = || -> Result<()> {
            fs::create_dir_all(above)?;
            let new = tempfile::Builder::new().prefix(".fork-").tempdir_in(above)?;
            let all = new.path().join("all");
            for (name, bytes) in files {
                put(&all.join(name), bytes)?;
                put(&all.join(MEMORY).join("base").join(name), bytes)?;
            }
            put(&all.join(MEMORY).join("made.json"), &serde_json::to_vec_pretty(&made)?)?;
            fs::rename(&all, dir)?;
            Ok(())
        };
        make()
            .with_context(|| format!("no fork can be made at {}, and nothing is", dir.display()))?;
        Ok(Fork { dir: fs::canonicalize(dir)?, made })
    }

    /// The fork in this folder.
    pub fn open(dir: &Path) -> Result<Option<Fork>> {
        let file = dir.join(MEMORY).join("made.json");
        let text = match fs::read_to_string(&file) {
            Err(error) if is_absent(&error) => return Ok(None),
            text => text.with_context(|| format!("can't read {}", file.display()))?,
        };
        let made = serde_json::from_str(&text).with_context(|| {
            format!("{} is not as it was made; its fork can be made anew elsewhere", file.display())
        })?;
        Ok(Some(Fork { dir: fs::canonicalize(dir)?, made }))
    }

    /// All forks that lie in the checkout.
    pub fn all(root: &Path) -> Vec<Fork> {
        let entries = fs::read_dir(root.join(EXERCISES)).into_iter().flatten().flatten();
        let mut forks: Vec<Fork> =
            entries.filter_map(|entry| Fork::open(&entry.path()).ok().flatten()).collect();
        forks.sort_by(|one, other| one.dir.cmp(&other.dir));
        forks
    }

    /// The fork at or above the current folder.
    pub fn here() -> Result<Option<Fork>> {
        let here = std::env::current_dir().context("the current folder is gone")?;
        here.ancestors().find_map(|dir| Fork::open(dir).transpose()).transpose()
    }

    /// Tells a fork that its checkout lies elsewhere now; says whether it did not know.
    pub fn follow(&mut self, root: &Path) -> Result<bool> {
        if self.made.checkout == root {
            return Ok(false);
        }
        self.made.checkout = root.to_owned();
        self.write_made()?;
        write::atomically(&self.dir.join(".cargo/config.toml"), alias(root)?.as_bytes())?;
        Ok(true)
    }

    /// Begins at another of its notes.
    pub fn begin(&mut self, note: String) -> Result<()> {
        self.made.note = Some(note);
        self.write_made()
    }

    fn write_made(&self) -> Result<()> {
        write::atomically(&self.memory("made.json"), &serde_json::to_vec_pretty(&self.made)?)
    }

    /// A file of the fork as it was made.
    pub fn base(&self, name: &Path) -> Option<Vec<u8>> {
        fs::read(self.memory("base").join(name)).ok()
    }

    /// The files that decide what is tested and that the reader has changed since.
    pub fn changed_rules(&self) -> Vec<PathBuf> {
        let base = self.memory("base");
        let files = weave::belongs::files(&base).unwrap_or_default();
        let inside =
            files.iter().filter_map(|file| Some(file.strip_prefix(&base).ok()?.to_owned()));
        let rules = inside.filter(|name| name.starts_with("tests") || name.ends_with("Cargo.toml"));
        rules.filter(|name| fs::read(self.dir.join(name)).ok() != self.base(name)).collect()
    }

    /// What the reader has done so far.
    pub fn remembered(&self) -> Remembered {
        let text = fs::read_to_string(self.memory("remembered.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Writes down what the reader has done.
    pub fn remember(&self, remembered: &Remembered) -> Result<()> {
        let text = serde_json::to_vec_pretty(remembered)?;
        write::atomically(&self.memory("remembered.json"), &text)
    }

    /// Makes the fork what it was, and says where what it is now is kept.
    pub fn reset(&self) -> Result<PathBuf> {
        let kept = (1..).map(|n| self.memory("kept").join(n.to_string()));
        let kept = kept.into_iter().find(|dir| !dir.exists()).context("no number is free")?;
        let base = self.memory("base");
        let keep = || -> Result<()> {
            for file in weave::belongs::files(&self.dir)? {
                put(&kept.join(file.strip_prefix(&self.dir)?), &fs::read(&file)?)?;
            }
            Ok(())
        };
        if let Err(error) = keep() {
            let _ = fs::remove_dir_all(&kept);
            return Err(error.context(format!(
                "what you wrote can't be kept in {}, so it stays in its place",
                kept.display()
            )));
        }
        for file in weave::belongs::files(&base)? {
            let name = file.strip_prefix(&base)?;
            let bytes = fs::read(&file)?;
            if fs::read(self.dir.join(name)).ok().as_ref() != Some(&bytes) {
                fs::create_dir_all(self.dir.join(name).parent().unwrap_or(&self.dir))?;
                write::atomically(&self.dir.join(name), &bytes)?;
            }
        }
        let remembered = self.memory("remembered.json");
        if remembered.exists() {
            fs::remove_file(remembered)?;
        }
        Ok(kept)
    }

    fn memory(&self, name: &str) -> PathBuf {
        self.dir.join(MEMORY).join(name)
    }
}

/// Whether nothing is there, a file in the place of the folder perhaps.
fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn put(file: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(dir) = file.parent() {
        fs::create_dir_all(dir).with_context(|| format!("can't make {}", dir.display()))?;
    }
    fs::write(file, bytes).with_context(|| format!("can't write {}", file.display()))
}

/// The fork that a verb is about: the one at `name`, the one that the current folder is in, or the only
/// one that there is.
pub fn find(
    root: &Path,
    name: Option<&str>,
    exercise: impl Fn(&str) -> Result<String>,
) -> Result<Fork> {
    let found = match name {
        Some(path) if path.contains('/') || path == "." => match Fork::open(Path::new(path))? {
            Some(fork) => fork,
            None => bail!("{path} is no fork: it has no `.fork` in it"),
        },
        Some(name) => {
            let exercise = exercise(name)?;
            let here = Fork::here()?.filter(|fork| fork.made.exercise() == exercise);
            match here.map_or_else(
                || Fork::open(&root.join(EXERCISES).join(&exercise)),
                |fork| Ok(Some(fork)),
            )? {
                Some(fork) => fork,
                None => bail!(
                    "there is no fork of `{name}` yet\n    `cargo book fork {name}` makes it; one that \
                     lies elsewhere is named by its path"
                ),
            }
        }
        None => match Fork::here()? {
            Some(fork) => fork,
            None => only(root)?,
        },
    };
    let mut fork = found;
    if fork.follow(root)? {
        let told = format!(
            "this fork was made by a checkout elsewhere; from now on it asks the one at {}",
            root.display()
        );
        crate::say::line(&mut std::io::stderr(), format_args!("{told}"));
    }
    Ok(fork)
}

fn only(root: &Path) -> Result<Fork> {
    let mut forks = Fork::all(root);
    let names: Vec<&str> = forks.iter().map(|fork| fork.made.exercise()).collect();
    match &names[..] {
        [_] => Ok(forks.remove(0)),
        [] => bail!("there is no fork yet\n    `cargo book fork` lists the exercises"),
        names => bail!("which one? There are {}", names.join(", ")),
    }
}

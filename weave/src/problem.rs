//! What is wrong with a page, where, and what would be right.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// One fault in a page, at the line that the author wrote.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, relative to the root of the repository.
    pub file: PathBuf,
    /// The line in that file, counted from 1.
    pub line: usize,
    /// What was written and why it can't stand.
    pub what: String,
    /// What would be right.
    pub help: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { file, line, what, help } = self;
        write!(f, "{}:{line}: {what}", file.display())?;
        if !help.is_empty() {
            write!(f, "\n    {}", help.replace('\n', "\n    "))?;
        }
        Ok(())
    }
}

impl Problem {
    /// The problem of a path below `root` that can't be read.
    pub fn unread(root: &Path, path: &Path, error: &io::Error) -> Problem {
        let said = error.to_string();
        let what = said.strip_prefix(&format!("{}: ", path.display())).unwrap_or(&said);
        let help = "mend it, or take it away";
        let file = path.strip_prefix(root).unwrap_or(path);
        Fault::new(format!("can't read this: {what}"), help).at(file, 1)
    }
}

/// What is wrong and what would be right, before it is known where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What was written and why it can't stand.
    pub what: String,
    /// What would be right.
    pub help: String,
}

impl Fault {
    /// A fault from its two sentences.
    pub fn new(what: impl Into<String>, help: impl Into<String>) -> Fault {
        Fault { what: what.into(), help: help.into() }
    }

    /// The fault at its place.
    pub fn at(self, file: impl Into<PathBuf>, line: usize) -> Problem {
        Problem { file: file.into(), line, what: self.what, help: self.help }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n    {}", self.what, self.help)
    }
}

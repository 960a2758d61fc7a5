//! The diffs of the book: found by their text, not by line numbers, so that an edit elsewhere in
//! the file leaves them alone.

use std::path::{Path, PathBuf};

use crate::problem::Fault;
use crate::source::without_marks;
use crate::text;

/// A diff: `--- file`, then hunks of ` kept`, `-removed` and `+added` lines, parted by `@@`.
#[derive(Debug, PartialEq, Eq)]
pub struct Patch {
    hunks: Vec<Hunk>,
}

#[derive(Debug, PartialEq, Eq)]
struct Hunk {
    file: PathBuf,
    /// The line in the diff's body where the hunk begins, from 0.
    at: usize,
    old: Vec<String>,
    new: Vec<String>,
}

/// A fault and the line of the diff's body that has it, from 0.
pub type PatchFault = (usize, Fault);

impl Patch {
    /// Reads a diff's body.
    pub fn parse(body: &str) -> Result<Patch, PatchFault> {
        let mut hunks: Vec<Hunk> = Vec::new();
        let mut file: Option<PathBuf> = None;
        let mut open = false;
        for (at, line) in body.lines().enumerate() {
            if let Some(path) = line.strip_prefix("--- ") {
                file = Some(PathBuf::from(path.trim()));
                open = false;
                continue;
            }
            if line.starts_with("@@") {
                open = false;
                continue;
            }
            let Some(file) = &file else {
                let what = "the diff does not begin with the file that it changes";
                return Err((at, Fault::new(what, "its first line is `--- chapters-code/…`")));
            };
            if !open {
                let (old, new) = (Vec::new(), Vec::new());
                hunks.push(Hunk { file: file.clone(), at, old, new });
                open = true;
            }
            if let Some(hunk) = hunks.last_mut() {
                hunk.push(line).map_err(|fault| (at, fault))?;
            }
        }
        match hunks.iter().find(|hunk| hunk.old == hunk.new) {
            Some(same) => {
                Err((same.at, Fault::new("this hunk changes nothing", "mark lines with - or +")))
            }
            None if hunks.is_empty() => Err((0, Fault::new("the diff is empty", "add a hunk"))),
            None => Ok(Patch { hunks }),
        }
    }

    /// The files that it changes, each with its text after the change. Nothing is written.
    pub fn apply(&self, root: &Path) -> Result<Vec<(PathBuf, String)>, PatchFault> {
        let mut changed: Vec<(PathBuf, String)> = Vec::new();
        for hunk in &self.hunks {
            let known = changed.iter().position(|(file, _)| *file == hunk.file);
            let at = match known {
                Some(at) => at,
                None => {
                    changed.push((hunk.file.clone(), hunk.read(root)?));
                    changed.len() - 1
                }
            };
            changed[at].1 = hunk.apply(&changed[at].1).map_err(|fault| (hunk.at, fault))?;
        }
        Ok(changed)
    }

    /// The files that it changes.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.hunks.iter().map(|hunk| hunk.file.as_path())
    }
}

impl Hunk {
    fn push(&mut self, line: &str) -> Result<(), Fault> {
        let (mark, rest) = line.split_at_checked(1).unwrap_or((" ", ""));
        match mark {
            "-" => self.old.push(rest.to_owned()),
            "+" => self.new.push(rest.to_owned()),
            " " => {
                self.old.push(rest.to_owned());
                self.new.push(rest.to_owned());
            }
            _ => {
                let what = format!("`{line}` is no line of a diff");
                return Err(Fault::new(
                    what,
                    "a line begins with a blank, `-`, `+`, `@@` or `---`",
                ));
            }
        }
        Ok(())
    }

    fn read(&self, root: &Path) -> Result<String, PatchFault> {
        let text = text::read(&root.join(&self.file)).map_err(|error| {
            let what = format!("can't read {}: {error}", self.file.display());
            (self.at, Fault::new(what, "the path after `---` is relative to the repository's root"))
        })?;
        Ok(without_marks(&text))
    }

    /// Replaces the one place where the old lines stand.
    fn apply(&self, text: &str) -> Result<String, Fault> {
        let lines: Vec<&str> = text.lines().collect();
        let places: Vec<usize> = (0..=lines.len().saturating_sub(self.old.len()))
            .filter(|&at| {
                lines[at..].iter().zip(&self.old).filter(|(a, b)| a == b).count() == self.old.len()
            })
            .collect();
        let file = self.file.display();
        match places[..] {
            [at] => {
                let new = self.new.iter().map(String::as_str);
                let after = &lines[at + self.old.len()..];
                let all = lines[..at].iter().copied().chain(new).chain(after.iter().copied());
                Ok(all.flat_map(|line| [line, "\n"]).collect())
            }
            [] => {
                let gone = self.old.iter().find(|old| !lines.contains(&old.as_str()));
                let help = match gone {
                    Some(line) => format!("this line is no longer in it:\n{line}"),
                    None => "its lines are there, but no longer one after the other".into(),
                };
                Err(Fault::new(format!("the diff no longer applies to {file}"), help))
            }
            _ => Err(Fault::new(
                format!("the diff applies to {file} in {} places", places.len()),
                "add a line of context above or below",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(diff: &str, text: &str) -> Result<String, Fault> {
        Patch::parse(diff).unwrap().hunks.iter().try_fold(text.to_owned(), |t, h| h.apply(&t))
    }

    #[test]
    fn a_hunk_replaces_the_one_place_where_its_lines_stand() {
        let changed = apply("--- f\n a\n-b\n+B\n@@\n-d\n", "a\nb\nc\nd\n");
        assert_eq!(changed.unwrap(), "a\nB\nc\n");
    }

    #[test]
    fn no_place_or_two_places_are_faults() {
        assert!(apply("--- f\n-x\n", "a\n").unwrap_err().help.contains("no longer in it:\nx"));
        assert!(apply("--- f\n-a\n", "a\na\n").unwrap_err().what.contains("2 places"));
        assert!(apply("--- f\n-a\n-b\n", "b\na\n").unwrap_err().help.contains("one after"));
    }

    #[test]
    fn a_diff_without_file_or_change_is_a_fault() {
        assert!(Patch::parse("-a\n").unwrap_err().1.what.contains("begin with the file"));
        assert!(Patch::parse("--- f\n a\n").unwrap_err().1.what.contains("changes nothing"));
        assert!(Patch::parse("--- f\n").unwrap_err().1.what.contains("empty"));
        assert_eq!(Patch::parse("--- f\n-a\n?b\n").unwrap_err().0, 2);
    }
}

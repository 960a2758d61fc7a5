//! Files that somebody may save, looked at again and again.
//!
//! It asks and is not told. What a kernel tells follows files and not their names: one that is
//! replaced is lost sight of. Folders of containers, of networks and of another system tell nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use weave::belongs;
use weave::book::SRC;

/// What is looked at, relative to the root.
const MADE_OF: [&str; 6] = ["book", "chapters-code", "notes", "src", "tests", "book.toml"];

/// How long nothing is looked at: at least so long, and so many times as long as a look takes. The
/// pages, of which there are few, are looked at more often than all else.
const PAUSE: Duration = Duration::from_millis(200);
const PAUSE_OF_PAGES: Duration = Duration::from_millis(25);
const TIMES: u32 = 20;

/// How long the files must stay the same before a change counts as complete, and how often that is
/// waited for.
const QUIET: Duration = Duration::from_millis(50);
const QUIET_OF_PAGES: Duration = Duration::from_millis(15);
const LOOKS: usize = 20;

/// Files and what lies in folders, as they were at one time.
#[derive(PartialEq, Eq)]
pub struct Files(BTreeMap<PathBuf, Result<Stamp, io::ErrorKind>>);

/// What differs when a file was written, or another was put in its place.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Files {
    /// All that the book is made of now.
    pub fn look(root: &Path) -> Files {
        Files::of(root, &MADE_OF)
    }

    /// All in these parts of a folder now, each a folder or a file.
    pub fn of(root: &Path, parts: &[&str]) -> Files {
        let found = parts.iter().flat_map(|part| belongs::entries(&root.join(part)));
        Files(found.map(|(path, found)| (path, stamped(found))).collect())
    }

    /// Waits until these parts of a folder differ from what they were, and until whoever changes them has
    /// finished.
    pub fn changed_of(&self, root: &Path, parts: &[&str]) -> Files {
        loop {
            thread::sleep(PAUSE);
            let now = Files::of(root, parts);
            if now != *self {
                return now.settled(QUIET, || Files::of(root, parts));
            }
        }
    }

    /// Waits until the book differs from what it was, and until whoever changes it has finished.
    pub fn changed(&self, root: &Path) -> Files {
        let mut took = Duration::ZERO;
        let mut looked = Instant::now();
        loop {
            let pages =
                self.changed_pages(root, PAUSE.max(took * TIMES).saturating_sub(looked.elapsed()));
            if let Some(pages) = pages {
                return self.and(root, pages);
            }
            looked = Instant::now();
            let now = Files::look(root);
            if now != *self {
                return now.settled(QUIET, || Files::look(root));
            }
            took = looked.elapsed();
        }
    }

    /// The pages, if one of these comes to differ within that time. Only those are looked at that could be
    /// read: a new one is seen by who looks at all.
    fn changed_pages(&self, root: &Path, time: Duration) -> Option<Files> {
        let src = root.join(SRC);
        let is_page =
            |(path, stamp): &(&PathBuf, &Result<_, _>)| path.starts_with(&src) && stamp.is_ok();
        let pages: Vec<_> = self.0.iter().filter(is_page).collect();
        let is_other = |(path, stamp): &(&PathBuf, &_)| stamped(fs::metadata(path)) != **stamp;
        let until = Instant::now() + time;
        while Instant::now() < until {
            let started = Instant::now();
            if pages.iter().any(is_other) {
                return Some(
                    Files::of(root, &[SRC]).settled(QUIET_OF_PAGES, || Files::of(root, &[SRC])),
                );
            }
            thread::sleep(PAUSE_OF_PAGES.max(started.elapsed() * TIMES));
        }
        None
    }

    /// These with other pages.
    fn and(&self, root: &Path, pages: Files) -> Files {
        let others = self.0.iter().filter(|(path, _)| !path.starts_with(root.join(SRC)));
        Files(
            pages.0.into_iter().chain(others.map(|(path, stamp)| (path.clone(), *stamp))).collect(),
        )
    }

    /// What differs between these and others, by path.
    pub fn differing(&self, others: &Files) -> BTreeSet<PathBuf> {
        let one_way = |a: &Files, b: &Files| {
            let differs = |(path, stamp): &(&PathBuf, &_)| b.0.get(*path) != Some(*stamp);
            a.0.iter().filter(differs).map(|(path, _)| path.clone()).collect::<Vec<_>>()
        };
        one_way(self, others).into_iter().chain(one_way(others, self)).collect()
    }

    fn settled(mut self, quiet: Duration, look: impl Fn() -> Files) -> Files {
        for _ in 0..LOOKS {
            thread::sleep(quiet);
            let now = look();
            if now == self {
                break;
            }
            self = now;
        }
        self
    }
}

fn stamped(found: io::Result<Metadata>) -> Result<Stamp, io::ErrorKind> {
    found.map(|metadata| Stamp::of(&metadata)).map_err(|error| error.kind())
}

impl Stamp {
    fn of(file: &Metadata) -> Stamp {
        Stamp {
            file: (file.dev(), file.ino()),
            len: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    fn book() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("book/why")).unwrap();
        fs::create_dir_all(dir.path().join("target")).unwrap();
        for file in ["book.toml", "book/why/edges.md", "book/why/cost.md", "elsewhere.md"] {
            fs::write(dir.path().join(file), "text").unwrap();
        }
        dir
    }

    #[test]
    fn what_is_not_of_the_book_is_no_change() {
        let dir = book();
        let at = |name: &str| dir.path().join(name);
        let before = Files::look(dir.path());
        for theirs in [".edges.md.swp", "4913", "edges.md~", "#edges.md#", "edges.md___jb_tmp___"] {
            fs::write(at("book/why").join(theirs), "text").unwrap();
        }
        symlink("me@here.1:2", at("book/why/.#edges.md")).unwrap();
        let _socket = UnixListener::bind(at("book/socket")).unwrap();
        fs::write(at("target/built"), "").unwrap();
        fs::write(at("README.md"), "").unwrap();
        fs::read(at("book/why/edges.md")).unwrap();
        assert!(before == Files::look(dir.path()));
    }

    #[test]
    fn every_way_to_change_the_book_is_a_change() {
        let dir = book();
        let at = |name: &str| dir.path().join(name);
        let mut before = Files::look(dir.path());
        let mut changes = |what: &str, change: &dyn Fn()| {
            change();
            let now = Files::look(dir.path());
            assert!(before != now, "{what}");
            before = now;
        };
        changes("written", &|| fs::write(at("book/why/edges.md"), "longer text").unwrap());
        for _ in 0..2 {
            changes("replaced", &|| {
                fs::write(at("new.toml"), "text").unwrap();
                fs::rename(at("new.toml"), at("book.toml")).unwrap();
            });
        }
        changes("a folder gone", &|| fs::rename(at("book"), at("old")).unwrap());
        changes("a folder back", &|| fs::rename(at("old"), at("book")).unwrap());
        changes("renamed", &|| fs::rename(at("book/why"), at("book/how")).unwrap());
        changes("written there", &|| fs::write(at("book/how/edges.md"), "another").unwrap());
        changes("new", &|| fs::write(at("book/how/new.md"), "").unwrap());
        changes("gone", &|| fs::remove_file(at("book/how/new.md")).unwrap());
        changes("linked", &|| symlink(at("elsewhere.md"), at("book/linked.md")).unwrap());
        changes("behind a link", &|| fs::write(at("elsewhere.md"), "longer text").unwrap());
        changes("a link to nowhere", &|| fs::remove_file(at("elsewhere.md")).unwrap());
        changes("beside it", &|| fs::write(at("book/how/cost.md"), "longer text").unwrap());
    }
}

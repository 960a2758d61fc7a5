//! Files that somebody may save, looked at again and again.
//!
//! It asks and is not told. What a kernel tells follows files and not their names: one that is
//! replaced is lost sight of. Folders of containers, of networks and of another system tell nothing.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use weave::belongs;

/// How long nothing is looked at: at least so long, and so many times as long as a look takes.
const PAUSE: Duration = Duration::from_millis(200);
const TIMES: u32 = 20;

/// How long the files must stay the same before a change counts as complete, and how often that is
/// waited for.
const QUIET: Duration = Duration::from_millis(50);
const LOOKS: usize = 20;

/// Files and what lies in folders, as they were at one time.
#[derive(PartialEq, Eq)]
pub struct Files(BTreeMap<PathBuf, Result<Stamp, io::ErrorKind>>);

/// What differs when a file was written, or another was put in its place.
#[derive(PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Files {
    /// All in these folders now, and these files.
    pub fn look(parts: &[impl AsRef<Path>]) -> Files {
        let found = parts.iter().flat_map(|part| belongs::entries(part.as_ref()));
        let stamped = |found: io::Result<Metadata>| match found {
            Ok(metadata) => Ok(Stamp::of(&metadata)),
            Err(error) => Err(error.kind()),
        };
        Files(found.map(|(path, found)| (path, stamped(found))).collect())
    }

    /// Waits until they differ from these, and until whoever changes them has finished.
    pub fn changed(&self, parts: &[impl AsRef<Path>]) -> Files {
        let mut took = Duration::ZERO;
        loop {
            thread::sleep(PAUSE.max(took * TIMES));
            let started = Instant::now();
            let now = Files::look(parts);
            if now != *self {
                return now.settled(parts);
            }
            took = started.elapsed();
        }
    }

    fn settled(mut self, parts: &[impl AsRef<Path>]) -> Files {
        for _ in 0..LOOKS {
            thread::sleep(QUIET);
            let now = Files::look(parts);
            if now == self {
                break;
            }
            self = now;
        }
        self
    }
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
    use std::fs;
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

    fn parts(dir: &tempfile::TempDir) -> [std::path::PathBuf; 2] {
        ["book", "book.toml"].map(|part| dir.path().join(part))
    }

    #[test]
    fn what_is_not_of_the_book_is_no_change() {
        let dir = book();
        let (at, parts) = (|name: &str| dir.path().join(name), parts(&dir));
        let before = Files::look(&parts);
        for theirs in [".edges.md.swp", "4913", "edges.md~", "#edges.md#", "edges.md___jb_tmp___"] {
            fs::write(at("book/why").join(theirs), "text").unwrap();
        }
        symlink("me@here.1:2", at("book/why/.#edges.md")).unwrap();
        let _socket = UnixListener::bind(at("book/socket")).unwrap();
        fs::write(at("target/built"), "").unwrap();
        fs::write(at("README.md"), "").unwrap();
        fs::read(at("book/why/edges.md")).unwrap();
        assert!(before == Files::look(&parts));
    }

    #[test]
    fn every_way_to_change_the_book_is_a_change() {
        let dir = book();
        let (at, parts) = (|name: &str| dir.path().join(name), parts(&dir));
        let mut before = Files::look(&parts);
        let mut changes = |what: &str, change: &dyn Fn()| {
            change();
            let now = Files::look(&parts);
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

//! Building beside the book that is being read, and swapping when it is whole.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use mdbook_driver::MDBook;
use weave::preprocess::Weave;

/// Two folders for two builds: one is read while the other is written.
pub struct Shelf {
    root: PathBuf,
    dir: PathBuf,
}

impl Shelf {
    /// A shelf under `target/`, of this process alone.
    pub fn new(root: &Path) -> Result<Shelf> {
        let dir = crate::target(root).join("book").join(format!("read-{}", std::process::id()));
        fs::create_dir_all(&dir).with_context(|| format!("can't write to {}", dir.display()))?;
        Ok(Shelf { root: root.to_owned(), dir })
    }

    /// Where the last good build is: a folder that is replaced as a whole.
    pub fn current(&self) -> PathBuf {
        self.dir.join("current")
    }

    /// Builds; the text of what went wrong if it did, and then the last good build stays.
    pub fn build(&self) -> Result<(), String> {
        self.try_build().map_err(|error| format!("{error:#}"))
    }

    fn try_build(&self) -> Result<()> {
        // Our own check first: it knows what the author meant; mdBook only knows what is missing.
        crate::sound_book(&self.root)?;
        let beside = self.dir.join("next");
        build(&self.root, &beside, true)?;
        let old = self.dir.join("old");
        if self.current().exists() {
            fs::rename(self.current(), &old)?;
        }
        fs::rename(&beside, self.current())?;
        if old.exists() {
            fs::remove_dir_all(old)?;
        }
        Ok(())
    }

    /// Takes all builds away. What can't be removed is under `target/` and does no harm.
    pub fn clear(&self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Builds the book under `root` into `to`, with or without its drafts.
pub fn build(root: &Path, to: &Path, drafts: bool) -> Result<()> {
    let mut book = MDBook::load(root)?;
    book.config.build.build_dir = to.to_owned();
    book.with_preprocessor(Weave { drafts });
    book.build()
}

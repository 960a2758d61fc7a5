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
        let mut book = MDBook::load(&self.root)?;
        book.config.build.build_dir = beside.clone();
        book.with_preprocessor(Weave { drafts: true });
        book.build()?;
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
}

impl Drop for Shelf {
    fn drop(&mut self) {
        // What is left is under target/ and is no harm.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

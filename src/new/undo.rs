//! What was written so far, taken back when the rest can't be.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::write;

/// Takes back what was done through it when it is dropped, unless that is to stay.
#[derive(Debug, Default)]
pub struct Undo {
    /// Files and folders that were not there.
    created: Vec<PathBuf>,
    /// Files with their bytes as they were.
    edited: Vec<(PathBuf, Vec<u8>)>,
}

impl Undo {
    /// Writes a new file below `root`, and the folders that it needs.
    pub fn create(&mut self, root: &Path, file: &Path, text: &str) -> Result<()> {
        let path = root.join(file);
        let above: Vec<&Path> = path.ancestors().skip(1).take_while(|dir| !dir.exists()).collect();
        for dir in above.into_iter().rev() {
            fs::create_dir(dir).with_context(|| format!("can't make {}", dir.display()))?;
            self.created.push(dir.to_owned());
        }
        let made = OpenOptions::new().write(true).create_new(true).open(&path);
        let mut made = made.with_context(|| format!("can't make {}", file.display()))?;
        self.created.push(path);
        made.write_all(text.as_bytes()).with_context(|| format!("can't write {}", file.display()))
    }

    /// Replaces the text of a file.
    pub fn edit(&mut self, file: &Path, change: impl Fn(&str) -> Result<String>) -> Result<()> {
        let old = fs::read(file).with_context(|| format!("can't read {}", file.display()))?;
        write::update(file, change)?;
        self.edited.push((file.to_owned(), old));
        Ok(())
    }

    /// What was done stays.
    pub fn forget(&mut self) {
        // Not by another in its place: this one would be dropped, and take everything back.
        self.created.clear();
        self.edited.clear();
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        for (file, old) in self.edited.drain(..).rev() {
            if let Err(error) = write::atomically(&file, &old) {
                eprintln!("{error:#}");
            }
        }
        for path in self.created.drain(..).rev() {
            let removed =
                if path.is_dir() { fs::remove_dir(&path) } else { fs::remove_file(&path) };
            if let Err(error) = removed {
                eprintln!("{} stays: {error}", path.display());
            }
        }
    }
}

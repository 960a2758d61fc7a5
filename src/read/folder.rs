//! A folder to build in, of one process, which goes with it however it ends.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A folder that is removed when this is dropped. Where the process is killed before, the next to
/// claim one removes it: the kernel gives up a dead process's locks, and nothing else tells in every
/// container who is alive.
pub struct Folder {
    path: PathBuf,
    /// Locked for as long as it is open.
    _lock: File,
}

impl Folder {
    /// A new folder in `dir`; those of the dead are taken away.
    pub fn claim(dir: &Path) -> Result<Folder> {
        let new = || -> io::Result<Folder> {
            fs::create_dir_all(dir)?;
            // Held until the new folder is locked, so that nobody takes it for one of the dead.
            let all = File::open(dir)?;
            let _ = all.lock();
            sweep(dir);
            let path = free(dir)?;
            let lock = File::open(&path)?;
            // Where locks are not known nobody can try this one, so the folder is safe.
            let _ = lock.try_lock();
            Ok(Folder { path, _lock: lock })
        };
        new().with_context(|| format!("can't write to {}", dir.display()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// What each of them begins with.
const NAME: &str = "read-";

/// Removes what processes left that are dead. What can't be removed does no harm.
fn sweep(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().as_encoded_bytes().starts_with(NAME.as_bytes());
        let is_dead = || File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok());
        if is_ours && is_dead() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Makes a folder of a name that is free.
fn free(dir: &Path) -> io::Result<PathBuf> {
    for number in 1.. {
        let path = dir.join(format!("{NAME}{number}"));
        match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| path),
        }
    }
    unreachable!("some number is free")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_living_keep_their_folders_and_the_dead_lose_theirs() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("book");
        for kept in ["verdicts", "broken"] {
            fs::create_dir_all(dir.join(kept)).unwrap();
        }
        fs::create_dir_all(dir.join("read-1/html")).unwrap();
        let one = Folder::claim(&dir).unwrap();
        assert!(!one.path().join("html").exists(), "what was left there is gone");
        let two = Folder::claim(&dir).unwrap();
        assert_ne!(one.path(), two.path());
        assert!(one.path().exists() && two.path().exists());
        drop((one, two));
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 2, "only what is not ours stays");
    }

    #[test]
    fn where_nothing_can_be_written_the_folder_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let said = Folder::claim(&file.join("book")).err().unwrap().to_string();
        assert_eq!(said, format!("can't write to {}", file.join("book").display()));
    }
}

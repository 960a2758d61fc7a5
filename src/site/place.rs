//! The folder that holds a site: whose it is, and how a new site takes the place of an old one.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, Result, bail, ensure};

/// The file that says that a site was made here, and lists what belongs to it.
const MARKER: &str = ".cargo-book-site";

/// Its first line.
const MARK: &str = "`cargo book site` made these files, and replaces them as a whole.";

/// What a checkout holds that is no place for a site.
const SOURCES: [&str; 3] = [weave::book::SRC, "chapters-code", ".git"];

/// A folder that a site may be put into.
pub struct Place {
    dir: PathBuf,
}

impl Place {
    /// The folder `dir`, if a site of the book under `root` may stand there and nothing is lost.
    pub fn new(root: &Path, dir: &Path) -> Result<Place> {
        let refused = || format!("no site can be put into {}", dir.display());
        let place = Place { dir: real(dir).with_context(refused)? };
        let root = real(root)?;
        place.is_beside(&root).and_then(|()| place.is_ours()).with_context(refused)?;
        Ok(place)
    }

    /// The folder's whole path.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn is_beside(&self, root: &Path) -> Result<()> {
        ensure!(!root.starts_with(&self.dir), "the checkout is in it");
        let here = std::env::current_dir()?.canonicalize()?;
        ensure!(!here.starts_with(&self.dir), "you are in it, and it is replaced: go elsewhere");
        if let Some(of) = SOURCES.iter().find(|of| self.dir.starts_with(root.join(of))) {
            bail!("it is in `{of}`, which holds sources; take a folder outside");
        }
        Ok(())
    }

    /// Fails where anything stands that an earlier site did not bring.
    fn is_ours(&self) -> Result<()> {
        match fs::metadata(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            found => ensure!(found?.is_dir(), "it is a file"),
        }
        let there = files(&self.dir)?;
        let marker = fs::read_to_string(self.dir.join(MARKER)).unwrap_or_default();
        let mut lines = marker.lines();
        if lines.next() != Some(MARK) {
            ensure!(
                fs::read_dir(&self.dir)?.next().is_none(),
                "it is not empty, and `cargo book site` did not make it; take an empty folder or a \
                 new one"
            );
            return Ok(());
        }
        let ours: BTreeSet<&str> = lines.chain([MARKER]).collect();
        if let Some(other) = there.iter().find(|file| !ours.contains(file.as_str())) {
            bail!("`{other}` in it is not of the site, and would be lost; put it elsewhere");
        }
        Ok(())
    }

    /// Marks `made` as a site and puts a copy of it here. An old site stays until the new one is
    /// whole.
    pub fn take(&self, made: &Path) -> Result<()> {
        let list = files(made)?.into_iter().collect::<Vec<_>>().join("\n");
        fs::write(made.join(MARKER), format!("{MARK}\n{list}\n"))?;
        let parent = self.dir.parent().context("it is the root of all folders")?;
        let mut name = OsString::from(".");
        name.push(self.dir.file_name().unwrap_or_default());
        name.push(format!(".next-{}", std::process::id()));
        let next = parent.join(name);
        let placed = fs::create_dir_all(parent)
            .and_then(|()| fs::create_dir(&next))
            .with_context(|| format!("can't write beside it: {}", next.display()));
        placed.and_then(|()| {
            let swapped = copy(made, &next).map_err(Into::into).and_then(|()| self.swap(&next));
            // What is there now is the old site, or the new one if the old one had to stay.
            let removed = if next.exists() { fs::remove_dir_all(&next) } else { Ok(()) };
            swapped.and(removed.map_err(Into::into))
        })
    }

    fn swap(&self, next: &Path) -> Result<()> {
        // Once more: the build took a while.
        self.is_ours()?;
        let is_empty = |dir: &Path| fs::read_dir(dir).is_ok_and(|mut files| files.next().is_none());
        if !self.dir.exists() || is_empty(&self.dir) {
            return fs::rename(next, &self.dir).context("the new site can't be moved there");
        }
        exchange(next, &self.dir).context("the new site can't take the old one's place")
    }
}

/// Lets two folders swap names: in one step where the system can, so that there is a site always.
fn exchange(next: &Path, current: &Path) -> io::Result<()> {
    match exchange_at_once(next, current) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS)) => {
            exchange_in_steps(next, current)
        }
        done => done,
    }
}

#[cfg(target_os = "linux")]
fn exchange_at_once(next: &Path, current: &Path) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let next = std::ffi::CString::new(next.as_os_str().as_bytes())?;
    let current = std::ffi::CString::new(current.as_os_str().as_bytes())?;
    // SAFETY: renameat2 reads two paths, both of which end in a null byte and outlive the call.
    let done = unsafe {
        libc::syscall(
            libc::SYS_renameat2,
            libc::AT_FDCWD,
            next.as_ptr(),
            libc::AT_FDCWD,
            current.as_ptr(),
            libc::RENAME_EXCHANGE,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(not(target_os = "linux"))]
fn exchange_at_once(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(libc::ENOSYS))
}

/// Where a step fails, the steps before it are taken back.
fn exchange_in_steps(next: &Path, current: &Path) -> io::Result<()> {
    let aside = next.with_extension("aside");
    fs::rename(current, &aside)?;
    if let Err(error) = fs::rename(next, current) {
        fs::rename(&aside, current)?;
        return Err(error);
    }
    fs::rename(&aside, next)
}

/// The whole path without links, also of what does not exist yet.
fn real(path: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let missing = |at: &&Path| matches!(at.symlink_metadata(), Err(error) if error.kind() == io::ErrorKind::NotFound);
    let there = path.ancestors().find(|at| !missing(at)).unwrap_or(&path);
    let rest = path.strip_prefix(there).unwrap_or(Path::new(""));
    let goes_up = rest.components().any(|part| part == Component::ParentDir);
    ensure!(!goes_up, "its path goes up from a folder that does not exist");
    let real = there.canonicalize().with_context(|| format!("can't find {}", there.display()))?;
    Ok(if rest.as_os_str().is_empty() { real } else { real.join(rest) })
}

/// The files below a folder, by their paths in it with `/`. A link counts as a file.
pub fn files(dir: &Path) -> io::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut folders = vec![(dir.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                folders.push((entry.path(), name + "/"));
            } else {
                found.insert(name);
            }
        }
    }
    Ok(found)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for file in files(from)? {
        let target = to.join(&file);
        fs::create_dir_all(target.parent().unwrap_or(to))?;
        fs::copy(from.join(&file), target)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Exchange = fn(&Path, &Path) -> io::Result<()>;

    /// A folder with two files: `next/new` and `current/old`.
    fn two_folders(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("cargo-book-{name}-{}", std::process::id()));
        for (folder, file) in [("next", "new"), ("current", "old")] {
            fs::create_dir_all(dir.join(folder)).unwrap();
            fs::write(dir.join(folder).join(file), "").unwrap();
        }
        dir
    }

    #[test]
    fn folders_swap_names_in_one_step_or_in_three() {
        for (name, exchange) in
            [("any", exchange as Exchange), ("steps", exchange_in_steps as Exchange)]
        {
            let dir = two_folders(name);
            exchange(&dir.join("next"), &dir.join("current")).unwrap();
            let found: Vec<String> = files(&dir).unwrap().into_iter().collect();
            fs::remove_dir_all(&dir).unwrap();
            assert_eq!(found, ["current/new", "next/old"], "{name}");
        }
    }

    #[test]
    fn a_swap_that_fails_changes_nothing() {
        for (name, exchange) in
            [("not-any", exchange as Exchange), ("not-steps", exchange_in_steps as Exchange)]
        {
            let dir = two_folders(name);
            let failed = exchange(&dir.join("gone"), &dir.join("current"));
            let found: Vec<String> = files(&dir).unwrap().into_iter().collect();
            fs::remove_dir_all(&dir).unwrap();
            assert!(failed.is_err(), "{name}");
            assert_eq!(found, ["current/old", "next/new"], "{name}");
        }
    }
}

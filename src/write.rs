//! Writing the author's files: whole or not at all, and never over what was typed meanwhile.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;
use weave::text;

/// Writes a file. Until it is on the disk the old one stays, whatever happens; the new one has its
/// permissions, and a link stays a link.
pub fn atomically(file: &Path, bytes: &[u8]) -> Result<()> {
    prepare(file, bytes).and_then(Prepared::put).with_context(|| wont(file))
}

/// Replaces the text of a file by what `change` makes of it, as it is when it is written. The text
/// is without a byte order mark; the file keeps it. Says whether anything is different now.
pub fn update(file: &Path, mut change: impl FnMut(&str) -> Result<String>) -> Result<bool> {
    loop {
        let old = fs::read(file).with_context(|| format!("can't read {}", file.display()))?;
        let raw = text::decode(old.clone()).with_context(|| file.display().to_string())?;
        let inner = text::without_mark(&raw);
        let mark = &raw[..raw.len() - inner.len()];
        let new = format!("{mark}{}", change(inner)?);
        if new == raw {
            return Ok(false);
        }
        let prepared = prepare(file, new.as_bytes()).with_context(|| wont(file))?;
        // Saved again while this was made: once more, on that.
        if fs::read(file).is_ok_and(|now| now == old) {
            prepared.put().with_context(|| wont(file))?;
            return Ok(true);
        }
    }
}

fn wont(file: &Path) -> String {
    format!("{} can't be written, and is as it was", file.display())
}

/// The new file, on the disk beside the old one.
struct Prepared {
    new: NamedTempFile,
    to: PathBuf,
}

fn prepare(file: &Path, bytes: &[u8]) -> Result<Prepared> {
    let to = if file.is_symlink() { fs::canonicalize(file)? } else { file.to_owned() };
    let dir = to.parent().filter(|dir| *dir != Path::new("")).unwrap_or(Path::new("."));
    // Hidden, so that nobody takes it for a page; like any new file where there is no old one.
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(".tmp").permissions(Permissions::from_mode(0o666));
    let mut new = builder.tempfile_in(dir)?;
    new.write_all(bytes)?;
    if let Ok(old) = fs::metadata(&to) {
        if old.permissions().readonly() {
            bail!("it is read-only");
        }
        // Only root may give files away; for all others it stays theirs.
        let _ = chown(new.path(), Some(old.uid()), Some(old.gid()));
        new.as_file().set_permissions(old.permissions())?;
    }
    new.as_file().sync_all()?;
    Ok(Prepared { new, to })
}

impl Prepared {
    fn put(self) -> Result<()> {
        self.new.persist(&self.to)?;
        // The file is whole already; this makes its name last. Not all file systems can.
        let _ = self.to.parent().map(|dir| File::open(dir).and_then(|dir| dir.sync_all()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_stays_one_and_permissions_stay() {
        let dir = tempfile::tempdir().unwrap();
        let (page, link) = (dir.path().join("page.md"), dir.path().join("link.md"));
        fs::write(&page, "\u{feff}old").unwrap();
        fs::set_permissions(&page, Permissions::from_mode(0o640)).unwrap();
        symlink("page.md", &link).unwrap();
        assert!(update(&link, |text| Ok(text.replace("old", "new"))).unwrap());
        assert!(!update(&link, |text| Ok(text.to_owned())).unwrap());
        assert_eq!(fs::read_to_string(&page).unwrap(), "\u{feff}new");
        assert!(link.is_symlink());
        assert_eq!(fs::metadata(&page).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_is_saved_meanwhile_is_what_is_changed() {
        let dir = tempfile::tempdir().unwrap();
        let page = dir.path().join("page.md");
        fs::write(&page, "one").unwrap();
        let mut runs = 0;
        update(&page, |text| {
            runs += 1;
            if runs == 1 {
                fs::write(&page, "one, typed")?;
            }
            Ok(format!("{text}, recorded"))
        })
        .unwrap();
        assert_eq!(fs::read_to_string(&page).unwrap(), "one, typed, recorded");
    }

    #[test]
    fn where_the_new_file_can_not_be_made_the_old_one_stays() {
        let dir = tempfile::tempdir().unwrap();
        let page = dir.path().join("page.md");
        fs::write(&page, "old").unwrap();
        fs::set_permissions(&page, Permissions::from_mode(0o444)).unwrap();
        let said = format!("{:#}", atomically(&page, b"new").unwrap_err());
        assert!(
            said.ends_with("page.md can't be written, and is as it was: it is read-only"),
            "{said}"
        );
        assert_eq!(fs::read_to_string(&page).unwrap(), "old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        // No process can write to this one, root neither.
        assert!(atomically(Path::new("/proc/page.md"), b"new").is_err());
    }
}

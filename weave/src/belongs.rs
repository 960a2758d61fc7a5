//! What in the folders of the book belongs to it, and what editors and tools leave beside it.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// What a name has behind a dot, digits at its end aside, where it is a copy that an editor or a
/// tool made for itself.
const COPIES: [&str; 15] = [
    "backup", "bak", "bk", "crswap", "kate-swp", "orig", "rej", "save", "swn", "swo", "swp", "swx",
    "tmp", "un~", "vsctmp",
];

/// Whether a file or folder of this name can belong to the book. Swap files, backup copies and
/// locks of editors and tools do not, nor does anything hidden.
pub fn is_ours(name: &OsStr) -> bool {
    let text = name.to_string_lossy();
    let begins = |with| text.starts_with(with);
    let ends = |with: &[&str]| with.iter().any(|with| text.ends_with(with));
    let digits = |c: char| c.is_ascii_digit();
    let is_copy = |part: &str| COPIES.contains(&part.trim_end_matches(digits));
    // `sed -i` writes such a file, and renames it.
    let is_sed = text.len() == 9 && text.starts_with("sed") && !text.contains('.');
    let is_of_another = begins(['.', '~', '#'])
        || ends(&["~", "#", "___jb_tmp___", "___jb_old___", ".old", ".temp", ".part"])
        || text.split('.').skip(1).any(is_copy)
        || text.parse().is_ok_and(is_vims)
        || is_sed;
    !is_of_another
}

/// Vim tries with a file called 4913 what it may do in a folder; where that is taken, with the
/// number 123 above it, and so on.
fn is_vims(number: u32) -> bool {
    number >= 4913 && (number - 4913).is_multiple_of(123)
}

/// All files of the book in the folder `dir` and below, in the order of their names. The error for
/// what can't be read names it: a link that leads nowhere, say, or to a folder that it lies in.
/// A folder that is not there has no files.
pub fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    entries(dir).into_iter().map(|(path, found)| found.map(|_| path)).collect()
}

/// Like [`files`], but what can't be read hides nothing else. Links are followed. Sockets, pipes and
/// devices are no files, nor is what cargo built beside a manifest. `dir` may be a file: that one.
pub fn entries(dir: &Path) -> Vec<(PathBuf, io::Result<Metadata>)> {
    let mut found = Vec::new();
    if dir.exists() || dir.is_symlink() {
        see(dir.to_owned(), &mut Vec::new(), &mut found);
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found
}

type Found = Vec<(PathBuf, io::Result<Metadata>)>;

/// `above`: the folders that lead to `path`, as they are without links.
fn see(path: PathBuf, above: &mut Vec<PathBuf>, found: &mut Found) {
    match fs::metadata(&path) {
        Ok(metadata) if metadata.is_file() => found.push((path, Ok(metadata))),
        Ok(metadata) if metadata.is_dir() => {
            let depth = above.len();
            if let Err(error) = see_inside(&path, above, found) {
                found.push((path.clone(), Err(of(&path, error))));
            }
            above.truncate(depth);
        }
        Ok(_) => {}
        // It was there when its folder was read.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {}
        Err(error) => found.push((path.clone(), Err(of(&path, error)))),
    }
}

fn see_inside(dir: &Path, above: &mut Vec<PathBuf>, found: &mut Found) -> io::Result<()> {
    let real = fs::canonicalize(dir)?;
    if above.contains(&real) {
        return Err(io::Error::other("a link to a folder that it lies in"));
    }
    above.push(real);
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let is_built = entry.file_name() == "target" && dir.join("Cargo.toml").is_file();
        if is_ours(&entry.file_name()) && !is_built {
            see(entry.path(), above, found);
        }
    }
    Ok(())
}

/// The error, with the path that it is about.
fn of(path: &Path, error: io::Error) -> io::Error {
    let what = match path.is_symlink() && error.kind() == io::ErrorKind::NotFound {
        true => "a link that leads nowhere".to_owned(),
        false => error.to_string(),
    };
    io::Error::new(error.kind(), format!("{}: {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn what_editors_leave_is_not_ours() {
        let theirs = [
            ".lib.rs.swp",
            "lib.rs~",
            "4913",
            "5036",
            ".#edges.md",
            "#edges.md#",
            "edges.md.~1~",
            "edges.md___jb_tmp___",
            "edges.md___jb_old___",
            ".edges.md.kate-swp",
            "edges.md.bak",
            "lib.rs.orig",
            "lib.rs.rej",
            ".goutputstream-X1",
            "sedA1b2C3",
            "edges.md.tmp.7.1",
            "~$edges.md",
            ".git",
            ".DS_Store",
            "edges.md.save",
            "lib.rs.bk",
            ".nfs0001",
        ];
        for name in theirs {
            assert!(!is_ours(OsStr::new(name)), "{name}");
        }
        let ours = [
            "edges.md",
            "lib.rs",
            "book.toml",
            "LICENSE",
            "as-mio",
            "2024",
            "part.2.md",
            "timeline",
            "notes.css",
            "2.md",
            "sed.rs",
            "template.md",
            "tmp.rs",
            "sediment",
            "old.rs",
            "SUMMARY.md",
            "epoll.diff",
            "bak.md",
        ];
        for name in ours {
            assert!(is_ours(OsStr::new(name)), "{name}");
        }
        assert!(is_ours(OsStr::from_bytes(b"caf\xe9.md")));
    }

    #[test]
    fn the_files_of_a_folder_are_those_that_can_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("why/target")).unwrap();
        fs::create_dir_all(at("crate/target")).unwrap();
        for name in ["why/b.md", "why/a.md", "why/target/c.md", "crate/Cargo.toml", "why/a.md~"] {
            fs::write(at(name), "").unwrap();
        }
        fs::write(at("crate/target/built"), "").unwrap();
        symlink("nowhere", at("why/.#a.md")).unwrap();
        let _socket = UnixListener::bind(at("why/socket")).unwrap();
        let inside = |path: PathBuf| path.strip_prefix(dir.path()).unwrap().to_owned();
        let found: Vec<PathBuf> = files(dir.path()).unwrap().into_iter().map(inside).collect();
        let right = ["crate/Cargo.toml", "why/a.md", "why/b.md", "why/target/c.md"];
        assert_eq!(found, right.map(PathBuf::from));
        assert_eq!(files(&at("gone")).unwrap(), Vec::<PathBuf>::new());

        symlink("nowhere", at("why/d.md")).unwrap();
        let said = files(dir.path()).unwrap_err().to_string();
        assert!(said.ends_with("why/d.md: a link that leads nowhere"), "{said}");
        let readable = entries(dir.path()).iter().filter(|(_, found)| found.is_ok()).count();
        assert_eq!(readable, right.len(), "what can't be read hides nothing");
        fs::remove_file(at("why/d.md")).unwrap();
        symlink("..", at("why/up")).unwrap();
        let said = files(dir.path()).unwrap_err().to_string();
        assert!(said.ends_with("why/up: a link to a folder that it lies in"), "{said}");
    }
}

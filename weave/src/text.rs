//! Reading the files that authors write.

use std::fs;
use std::io;
use std::path::Path;

/// What some editors write before the first line. It is not part of the text.
pub const MARK: char = '\u{feff}';

/// The text of a file, without a byte order mark. The error says what is wrong and not with which
/// file: the caller knows a shorter name for it.
pub fn read(path: &Path) -> io::Result<String> {
    let metadata = fs::metadata(path).map_err(|error| {
        let nowhere = error.kind() == io::ErrorKind::NotFound && path.is_symlink();
        if nowhere { io::Error::new(error.kind(), "a link that leads nowhere") } else { error }
    })?;
    // A pipe would keep the reader waiting.
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "a folder and no file" } else { "no regular file" };
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    let text = decode(fs::read(path)?)?;
    Ok(without_mark(&text).to_owned())
}

/// The bytes as text; the error names the first line that is none.
pub fn decode(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        io::Error::new(io::ErrorKind::InvalidData, format!("line {line} is not UTF-8"))
    })
}

/// The text behind the byte order mark, if it begins with one.
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix(MARK).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn what_can_not_be_read_is_said_and_a_mark_is_no_text() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("marked"), "\u{feff}# Title\r\n").unwrap();
        fs::write(at("latin"), b"one\ncaf\xe9\n").unwrap();
        symlink("nowhere", at("link")).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        let said = |name| read(&at(name)).unwrap_err().to_string();
        assert_eq!(read(&at("marked")).unwrap(), "# Title\r\n");
        assert_eq!(said("latin"), "line 2 is not UTF-8");
        assert_eq!(said("link"), "a link that leads nowhere");
        assert_eq!(said("socket"), "no regular file");
        assert_eq!(said("."), "a folder and no file");
        assert!(said("gone").starts_with("No such file"));
    }
}

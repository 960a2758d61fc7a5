//! What pages quote from the chapter crates: anchored excerpts and tests.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::belongs;
use crate::fork;
use crate::problem::{Fault, Problem};
use crate::text;

/// The folder of the chapter crates.
pub const CRATES: &str = "chapters-code";

/// The package that holds the book's own tests.
pub const BOOK: &str = "async-rust-by-heart";

/// The folder of a package of the book.
pub fn folder(root: &Path, package: &str) -> PathBuf {
    if package == BOOK { root.to_owned() } else { root.join(CRATES).join(package) }
}

/// `{{#include path:anchor}}`, as in mdBook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// The path as written, relative to the page.
    pub path: String,
    /// The anchor's name.
    pub anchor: String,
}

/// A piece of a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// Relative to the root of the repository.
    pub file: PathBuf,
    /// Where its first line stands, from 1.
    pub line: usize,
    /// The code, without the indentation that all its lines share.
    pub code: String,
}

impl Include {
    /// `None` if the body is no include; a fault if it is one that can't be read.
    pub fn parse(body: &str) -> Option<Result<Include, Fault>> {
        let inner = body.trim().strip_prefix("{{#")?;
        let parsed = inner
            .strip_prefix("include ")
            .and_then(|rest| rest.strip_suffix("}}"))
            .and_then(|rest| rest.trim().rsplit_once(':'))
            .filter(|(path, anchor)| !path.is_empty() && is_anchor(anchor));
        Some(match parsed {
            Some((path, anchor)) => {
                Ok(Include { path: path.to_owned(), anchor: anchor.to_owned() })
            }
            None => Err(Fault::new(
                format!("`{}` is no excerpt", body.trim()),
                "an excerpt is one line, `{{#include path/from/this/page.rs:anchor}}`",
            )),
        })
    }

    /// Finds the excerpt that a page at `page` (relative to `root`) means.
    pub fn resolve(&self, root: &Path, page: &Path) -> Result<Excerpt, Fault> {
        let file = normalise(&page.parent().unwrap_or(Path::new("")).join(&self.path));
        let text = text::read(&root.join(&file)).map_err(|error| {
            let beside = siblings(&root.join(&file));
            Fault::new(
                format!("can't include `{}`: {}: {error}", self.path, file.display()),
                format!("the path is relative to the page; {beside}"),
            )
        })?;
        let (line, code) = anchored(&text, &self.anchor).ok_or_else(|| {
            let names = anchors(&text).into_iter().collect::<Vec<_>>().join(", ");
            Fault::new(
                format!("no anchor `{}` in {}", self.anchor, file.display()),
                format!("the anchors there are: {names}"),
            )
        })?;
        Ok(Excerpt { file, line, code })
    }
}

fn is_anchor(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

fn siblings(file: &Path) -> String {
    let Some(entries) = file.parent().and_then(|dir| fs::read_dir(dir).ok()) else {
        return "that folder does not exist".into();
    };
    let names = entries.flatten().map(|entry| entry.file_name());
    let ours = names.filter(|name| belongs::is_ours(name));
    let mut names: Vec<String> = ours.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    format!("that folder has: {}", names.join(", "))
}

/// Resolves `.` and `..` by name alone.
pub fn normalise(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// The name in a line such as `// ANCHOR: name` or `// ANCHOR_END: name`, with the keyword.
fn anchor_line(line: &str) -> Option<(&str, &str)> {
    let comment = line.trim_start().trim_start_matches(['/', '#', ';', ' ']);
    let (keyword, name) = comment.split_once(':')?;
    matches!(keyword, "ANCHOR" | "ANCHOR_END").then_some((keyword, name.trim()))
}

fn anchors(text: &str) -> std::collections::BTreeSet<String> {
    text.lines().filter_map(anchor_line).map(|(_, name)| name.to_owned()).collect()
}

/// The text without the lines that only mark anchors or exercises.
pub fn without_marks(text: &str) -> String {
    let text = fork::without_marks(text);
    let kept = text.lines().filter(|line| anchor_line(line).is_none());
    kept.flat_map(|line| [line, "\n"]).collect()
}

fn anchored(text: &str, anchor: &str) -> Option<(usize, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.iter().position(|line| anchor_line(line) == Some(("ANCHOR", anchor)))? + 1;
    let length =
        lines[start..].iter().position(|line| anchor_line(line) == Some(("ANCHOR_END", anchor)))?;
    let inside = &lines[start..start + length];
    Some((start + 1, dedent(&without_marks(&inside.join("\n")))))
}

/// Takes away the indentation that all lines share.
pub fn dedent(code: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let shared = code.lines().filter(|l| !l.trim().is_empty()).map(indent).min().unwrap_or(0);
    code.lines().flat_map(|line| [line.get(shared..).unwrap_or(""), "\n"]).collect()
}

/// The tests of the chapter crates, by `crate::test_name`.
#[derive(Debug, Default)]
pub struct Tests {
    by_name: BTreeMap<String, Excerpt>,
    /// The sources that can't be read.
    pub problems: Vec<Problem>,
}

impl Tests {
    /// Reads every crate's `src` and `tests`, and the book's own. Fails where there are no crates.
    pub fn read(root: &Path) -> io::Result<Tests> {
        let mut tests = Tests::default();
        tests.read_crate(root, BOOK, root);
        for (name, dir) in crates(root)? {
            tests.read_crate(root, &name, &dir);
        }
        Ok(tests)
    }

    fn read_crate(&mut self, root: &Path, name: &str, dir: &Path) {
        for part in ["src", "tests"] {
            for (path, found) in belongs::entries(&dir.join(part)) {
                match found {
                    Err(error) => self.problems.push(Problem::unread(root, &path, &error)),
                    Ok(_) if path.extension().is_some_and(|of| of == "rs") => {
                        self.read_source(root, name, &path);
                    }
                    Ok(_) => {}
                }
            }
        }
    }

    fn read_source(&mut self, root: &Path, name: &str, file: &Path) {
        let inside = file.strip_prefix(root).unwrap_or(file);
        match text::read(file) {
            Ok(text) => self.add(name, inside, &text),
            Err(error) => {
                let what = format!("can't read this source: {error}");
                let help = "a file that ends in .rs is Rust: name another kind of file otherwise";
                self.problems.push(Fault::new(what, help).at(inside, 1));
            }
        }
    }

    /// A test's source, or a fault that lists the tests of that crate.
    pub fn get(&self, name: &str) -> Result<&Excerpt, Fault> {
        self.by_name.get(name).ok_or_else(|| {
            let of = name.split_once("::").map_or(name, |(of, _)| of);
            let prefix = format!("{of}::");
            let there: Vec<&str> =
                self.by_name.keys().filter(|k| k.starts_with(&prefix)).map(|k| &**k).collect();
            let help = match there.is_empty() {
                true => format!("there is no crate `{of}` with tests under {CRATES}/"),
                false => format!("the tests of that crate are:\n{}", there.join("\n")),
            };
            Fault::new(format!("there is no test `{name}`"), help)
        })
    }

    /// rustfmt guarantees that a test ends at the first `}` that is indented like its attribute.
    fn add(&mut self, of: &str, file: &Path, text: &str) {
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            if line.trim() != "#[test]" {
                continue;
            }
            let end = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
            let body = &lines[at..];
            let named = body.iter().find_map(|line| line.trim().strip_prefix("fn "));
            let name = named.and_then(|rest| rest.split('(').next());
            let length = body.iter().position(|line| *line == end);
            if let (Some(name), Some(length)) = (name, length) {
                let code = dedent(&without_marks(&body[..=length].join("\n")));
                let excerpt = Excerpt { file: file.to_owned(), line: at + 1, code };
                self.by_name.insert(format!("{of}::{name}"), excerpt);
            }
        }
    }
}

/// The chapter crates and their folders.
pub fn crates(root: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let of = |error: io::Error| io::Error::new(error.kind(), format!("{CRATES}/: {error}"));
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join(CRATES)).map_err(of)? {
        let entry = entry.map_err(of)?;
        // A package's name is always UTF-8.
        let Ok(name) = entry.file_name().into_string() else { continue };
        if belongs::is_ours(name.as_ref()) && entry.path().join("Cargo.toml").is_file() {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "\
fn a() {
    // ANCHOR: outer
    one();
    // ANCHOR: inner
    two();
    // ANCHOR_END: inner
    // ANCHOR_END: outer
}
";

    #[test]
    fn an_anchor_gives_its_lines_without_markers_and_shared_indentation() {
        assert_eq!(anchored(CODE, "outer"), Some((3, "one();\ntwo();\n".into())));
        assert_eq!(anchored(CODE, "inner"), Some((5, "two();\n".into())));
        assert_eq!(anchored(CODE, "gone"), None);
        assert_eq!(anchors(CODE).into_iter().collect::<Vec<_>>(), ["inner", "outer"]);
    }

    #[test]
    fn only_a_whole_include_line_is_an_excerpt() {
        assert_eq!(Include::parse("fn main() {}"), None);
        let include = Include::parse("{{#include ../a.rs:x}}\n").unwrap().unwrap();
        assert_eq!((include.path.as_str(), include.anchor.as_str()), ("../a.rs", "x"));
        for wrong in ["{{#include a.rs}}", "{{#include a.rs:}}", "{{#insert a.rs:x}}"] {
            assert!(Include::parse(wrong).unwrap().is_err(), "{wrong}");
        }
    }

    #[test]
    fn tests_are_found_with_their_source() {
        let mut tests = Tests::default();
        let text = "mod t {\n    #[test]\n    fn it_is() {\n        a();\n    }\n}\n";
        tests.add("edges", Path::new("x.rs"), text);
        let found = tests.get("edges::it_is").unwrap();
        assert_eq!((found.line, &*found.code), (2, "#[test]\nfn it_is() {\n    a();\n}\n"));
        assert!(tests.get("edges::it_isnt").unwrap_err().help.contains("edges::it_is"));
    }
}

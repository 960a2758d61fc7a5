//! Between them the pages show every line of `my-mio`, and the picture in README.md shows what they say.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use weave::Book;
use weave::source::{Include, without_marks};

const SOURCES: &str = "chapters-code/my-mio/src";

#[test]
fn the_notes_read_every_line_of_my_mio() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shown = shown(root);
    let mut unread = Vec::new();
    for file in weave::belongs::files(&root.join(SOURCES)).unwrap() {
        let file = file.strip_prefix(root).unwrap();
        let text = fs::read_to_string(root.join(file)).unwrap();
        for line in code(&without_marks(&text)) {
            if !shown.contains(&(file.to_owned(), line.to_owned())) {
                unread.push(format!("{}: {line}", file.display()));
            }
        }
    }
    assert!(unread.is_empty(), "no page shows these lines:\n{}", unread.join("\n"));
}

#[test]
fn the_picture_in_readme_shows_what_the_pages_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let drawn = book::picture::picture(&Book::load(root).unwrap()).unwrap();
    let there = fs::read_to_string(root.join(book::picture::PICTURE)).unwrap();
    assert!(there == drawn, "`cargo book record start` draws it again");
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    assert!(readme.contains(book::picture::PICTURE), "README.md shows it");
}

/// The lines of all excerpts, without indentation, each with its file.
fn shown(root: &Path) -> HashSet<(PathBuf, String)> {
    let book = Book::load(root).unwrap();
    let published = book.pages.iter().filter(|page| !page.draft);
    let blocks = published.flat_map(|page| page.blocks.iter().map(move |block| (page, block)));
    let excerpts = blocks.filter_map(|(page, block)| {
        Include::parse(&block.body)?.ok()?.resolve(root, &page.file).ok()
    });
    let lines = |excerpt: weave::source::Excerpt| -> Vec<(PathBuf, String)> {
        let lines = excerpt.code.lines().map(|line| line.trim().to_owned());
        lines.map(|line| (excerpt.file.clone(), line)).collect()
    };
    excerpts.flat_map(lines).collect()
}

/// What a reader would call code: no comments, no imports, no unit tests.
fn code(text: &str) -> Vec<&str> {
    let (text, _) = text.split_once("#[cfg(test)]").unwrap_or((text, ""));
    let mut in_use = false;
    let is_code = |line: &&str| {
        let begins = ["use ", "pub use ", "pub(crate) use ", "mod ", "pub mod "];
        let imports = in_use || begins.iter().any(|begin| line.starts_with(begin));
        in_use = imports && !line.ends_with(';');
        !(line.is_empty() || line.starts_with("//") || imports)
    };
    text.lines().map(str::trim).filter(is_code).collect()
}

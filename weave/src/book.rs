//! The whole book: its pages in the order of `SUMMARY.md`, its tests and its ledger.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::belongs;
use crate::fork::{self, Tasks};
use crate::glossary::GLOSSARY;
use crate::ledger::Ledger;
use crate::mdbook::Markdown;
use crate::page::Page;
use crate::problem::{Fault, Problem};
use crate::source::Tests;
use crate::summary::{Entry, Summary};
use crate::text;
use crate::woven::outline;

/// The folder of the prose, relative to the root of the repository; `src` in `book.toml`.
pub const SRC: &str = "book";

/// The contents of the book, relative to the root of the repository.
pub const SUMMARY: &str = "book/SUMMARY.md";

/// The book, read.
#[derive(Debug)]
pub struct Book {
    /// The root of the repository.
    pub root: PathBuf,
    /// The pages that mdBook builds, in the order of `SUMMARY.md`.
    pub pages: Vec<Page>,
    /// The other files that mdBook puts into the built book, relative to the book's folder.
    pub files: BTreeSet<PathBuf>,
    /// How mdBook reads the pages.
    pub markdown: Markdown,
    /// The tests of the chapter crates.
    pub tests: Tests,
    /// The exercises that are marked in the chapter crates.
    pub tasks: Tasks,
    /// The ledger.
    pub ledger: Ledger,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

impl Book {
    /// Reads the book under `root`. Fails only where there is no book at all.
    pub fn load(root: &Path) -> io::Result<Book> {
        let text = text::read(&root.join(SUMMARY)).map_err(|error| {
            io::Error::new(error.kind(), format!("no book here: {SUMMARY}: {error}"))
        })?;
        let mut book = Book {
            root: root.to_owned(),
            pages: Vec::new(),
            files: BTreeSet::new(),
            markdown: Markdown::default(),
            tests: Tests::read(root)?,
            tasks: Tasks::new(),
            ledger: Ledger::default(),
            problems: Vec::new(),
        };
        (book.tasks, book.problems) = fork::all(root);
        match Ledger::read(root) {
            Ok(ledger) => book.ledger = ledger,
            Err(problem) => book.problems.push(problem),
        }
        match Markdown::of(root) {
            Ok(markdown) => book.markdown = markdown,
            Err(problem) => book.problems.push(problem),
        }
        book.read_pages(Summary::read(&text));
        book.read_files();
        Ok(book)
    }

    /// The page at a path relative to the book's source folder.
    pub fn page(&self, path: &Path) -> Option<&Page> {
        self.pages.iter().find(|page| page.path == path)
    }

    /// Reads a page again that was saved, and nothing else; `false` if there is no such page. What was
    /// found out about the others stays, where they show nothing of it that differs.
    pub fn reread(&mut self, path: &Path) -> io::Result<bool> {
        let Some(at) = self.pages.iter().position(|page| page.path == path) else {
            return Ok(false);
        };
        let old = &self.pages[at];
        let text = text::read(&self.root.join(&old.file))?;
        let mut page = Page::parse_as(self.markdown, &old.file, &old.path, text);
        page.part.clone_from(&old.part);
        let is_same = path != Path::new(GLOSSARY) && outline(self, old) == outline(self, &page);
        self.pages[at] = page;
        if !is_same {
            self.pages.iter_mut().for_each(|page| page.kept.forget_others());
        }
        Ok(true)
    }

    fn read_pages(&mut self, summary: Summary) {
        let faults = summary.faults.into_iter();
        self.problems.extend(faults.map(|(line, fault)| fault.at(SUMMARY, line)));
        for Entry { path, part, line } in summary.pages {
            if self.page(&path).is_some() {
                continue;
            }
            let file = Path::new(SRC).join(&path);
            match text::read(&self.root.join(&file)) {
                Ok(text) => {
                    let mut page = Page::parse_as(self.markdown, &file, &path, text);
                    page.part = part.unwrap_or_default();
                    self.pages.push(page);
                }
                Err(error) => {
                    let what = format!("can't read the page `{}`: {error}", path.display());
                    let help = "write it, or take it out of SUMMARY.md";
                    self.problems.push(Fault::new(what, help).at(SUMMARY, line));
                }
            }
        }
    }

    /// What lies in the book's folder and is no page that mdBook builds.
    fn read_files(&mut self) {
        let src = self.root.join(SRC);
        for (path, found) in belongs::entries(&src) {
            if let Err(error) = found {
                self.problems.push(Problem::unread(&self.root, &path, &error));
                continue;
            }
            let inside = path.strip_prefix(&src).unwrap_or(&path).to_owned();
            match self.lost(&inside) {
                Some(fault) => self.problems.push(fault.at(Path::new(SRC).join(&inside), 1)),
                None if is_page(&inside) => {}
                None => drop(self.files.insert(inside)),
            }
        }
    }

    /// Why a file would not be in the built book, or be there in the place of another.
    fn lost(&self, inside: &Path) -> Option<Fault> {
        if inside.to_str().is_none() {
            let help = "mdBook ends at such a file: give it another name";
            return Some(Fault::new("the name of this file is not UTF-8", help));
        }
        if is_page(inside) {
            // mdBook makes `404.html` of the second.
            let own = ["SUMMARY.md", "404.md"].map(Path::new).contains(&inside);
            let listed = own || self.page(inside).is_some();
            let what = "no reader will find this page: SUMMARY.md does not list it";
            let help = format!("add `- [Title]({})` to it", inside.display());
            return (!listed).then(|| Fault::new(what, help));
        }
        let hides = self.pages.iter().any(|page| page.path.with_extension("html") == inside);
        let help = "mdBook puts it in the place of the page: give it another name";
        hides.then(|| Fault::new("this file hides a page", help))
    }
}

fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|of| of == "md")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A book of these pages, in this order.
    pub(crate) fn book(pages: &[(&str, &str)]) -> Book {
        let page = |(path, text): &(&str, &str)| {
            Page::parse(&Path::new(SRC).join(path), Path::new(path), (*text).to_owned())
        };
        Book {
            root: Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
            pages: pages.iter().map(page).collect(),
            files: BTreeSet::new(),
            markdown: Markdown::default(),
            tests: Tests::default(),
            tasks: Tasks::new(),
            ledger: Ledger::default(),
            problems: Vec::new(),
        }
    }

    #[test]
    fn a_page_that_is_read_again_is_checked_with_what_rests_on_it() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let file = dir.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        write("chapters-code/.keep", "");
        write("book.toml", "[book]\n");
        write("book/SUMMARY.md", "# S\n\n- [A](a.md)\n- [B](b.md)\n");
        write("book/a.md", "# A\n\n[there](b.md#part)\n");
        write("book/b.md", "# B\n\n## Part\n");
        let mut book = Book::load(dir.path()).unwrap();
        let dead = |book: &Book| {
            let problems = crate::check::check(book).into_iter().map(|problem| problem.to_string());
            problems.filter(|said| said.contains("dead link")).count()
        };
        let shown = |book: &Book| std::sync::Arc::clone(crate::woven::woven(book, &book.pages[0]));
        let (before, was) = (dead(&book), shown(&book));
        assert_eq!(before, 0);
        write("book/b.md", "# B\n\n## Another\n");
        assert!(book.reread(Path::new("b.md")).unwrap());
        assert_eq!(dead(&book), 1, "a link of another page");
        assert!(std::sync::Arc::ptr_eq(&was, &shown(&book)), "which was not woven again");
        write("book/b.md", "# Of another name\n\n## Part\n");
        assert!(book.reread(Path::new("b.md")).unwrap());
        assert_eq!(dead(&book), 0);
        assert!(!std::sync::Arc::ptr_eq(&was, &shown(&book)), "it may show the name");
        assert!(!book.reread(Path::new("c.md")).unwrap());
    }
}

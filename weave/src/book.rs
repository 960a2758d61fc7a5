//! The whole book: its pages in the order of `SUMMARY.md`, its tests and its ledger.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::ledger::Ledger;
use crate::page::Page;
use crate::problem::{Fault, Problem};
use crate::source::{Tests, normalise};

/// The folder of the prose, relative to the root of the repository; `src` in `book.toml`.
pub const SRC: &str = "book";

/// The book, read.
#[derive(Debug)]
pub struct Book {
    /// The root of the repository.
    pub root: PathBuf,
    /// The pages that `SUMMARY.md` lists, in its order.
    pub pages: Vec<Page>,
    /// The tests of the chapter crates.
    pub tests: Tests,
    /// The ledger.
    pub ledger: Ledger,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

impl Book {
    /// Reads the book under `root`. Fails only where there is no book at all.
    pub fn load(root: &Path) -> io::Result<Book> {
        let file = Path::new(SRC).join("SUMMARY.md");
        let text = fs::read_to_string(root.join(&file)).map_err(|error| {
            io::Error::new(error.kind(), format!("no book here: {}: {error}", file.display()))
        })?;
        let summary = Page::parse(&file, Path::new("SUMMARY.md"), text);
        let mut book = Book {
            root: root.to_owned(),
            pages: Vec::new(),
            tests: Tests::read(root)?,
            ledger: Ledger::default(),
            problems: Vec::new(),
        };
        match Ledger::read(root) {
            Ok(ledger) => book.ledger = ledger,
            Err(problem) => book.problems.push(problem),
        }
        book.read_pages(&summary);
        book.find_unlisted(&root.join(SRC))?;
        Ok(book)
    }

    /// The page at a path relative to the book's source folder.
    pub fn page(&self, path: &Path) -> Option<&Page> {
        self.pages.iter().find(|page| page.path == path)
    }

    fn read_pages(&mut self, summary: &Page) {
        for link in &summary.links {
            let path = normalise(Path::new(&link.to));
            let file = Path::new(SRC).join(&path);
            match fs::read_to_string(self.root.join(&file)) {
                Ok(text) => self.pages.push(Page::parse(&file, &path, text)),
                Err(error) => {
                    let what = format!("can't read the page `{}`: {error}", link.to);
                    let help = "write it, or take it out of SUMMARY.md";
                    self.problems.push(summary.problem(link.line, Fault::new(what, help)));
                }
            }
        }
    }

    fn find_unlisted(&mut self, dir: &Path) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.is_dir() {
                self.find_unlisted(&path)?;
            } else if path.extension().is_some_and(|e| e == "md") {
                let src = self.root.join(SRC);
                let inside = path.strip_prefix(&src).unwrap_or(&path).to_owned();
                if inside != Path::new("SUMMARY.md") && self.page(&inside).is_none() {
                    let what = "no reader will find this page: SUMMARY.md does not list it";
                    let help = format!("add `- [Title]({})` to it", inside.display());
                    let file = Path::new(SRC).join(&inside);
                    self.problems.push(Fault::new(what, help).at(file, 1));
                }
            }
        }
        Ok(())
    }
}

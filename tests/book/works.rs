//! What the proofs share: the book, and what cargo built for it, each made when first needed.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Result, anyhow};
use book::broken::Copies;
use book::cargo::{self, Built};
use weave::Book;

pub struct Works {
    book: Book,
    built: OnceLock<Result<Built, String>>,
    copies: OnceLock<Result<Copies, String>>,
}

impl Works {
    pub fn new() -> Works {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let book = Book::load(root).expect("the repository has a book");
        Works { book, built: OnceLock::new(), copies: OnceLock::new() }
    }

    pub fn root(&self) -> &Path {
        &self.book.root
    }

    pub fn book(&self) -> &Book {
        &self.book
    }

    /// The workspace's programs and tests.
    pub fn built(&self) -> Result<&Built> {
        let built = || cargo::build_workspace(self.root()).map_err(|error| format!("{error:#}"));
        self.built.get_or_init(built).as_ref().map_err(|error| anyhow!("{error}"))
    }

    /// The broken copies of the chapter crates.
    pub fn copies(&self) -> Result<&Copies> {
        let copies = || {
            let dir = book::target(self.root()).join("book/broken");
            Copies::build(&self.book, dir, None).map_err(|error| format!("{error:#}"))
        };
        self.copies.get_or_init(copies).as_ref().map_err(|error| anyhow!("{error}"))
    }

    /// A folder under `target/` for what the proofs make.
    pub fn scratch(&self, name: &str) -> std::io::Result<PathBuf> {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&dir)?;
        Ok(dir)
    }
}

//! What the proofs share: the book, and what cargo built for it, each made when first needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use anyhow::{Result, anyhow};
use book::broken::{self, Copies};
use book::cargo::{self, Built};
use weave::Book;
use weave::source::CRATES;

pub struct Works {
    book: Book,
    built: OnceLock<Result<Built, String>>,
    copies: OnceLock<Result<Copies, String>>,
    programs: OnceLock<Result<Vec<Stamp>, String>>,
}

/// A file, its length, and when it was written.
pub type Stamp = (PathBuf, u64, SystemTime);

impl Works {
    pub fn new() -> Works {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let book = Book::load(root).unwrap_or_else(|error| {
            eprintln!("error: {error}");
            std::process::exit(1)
        });
        Works { book, built: OnceLock::new(), copies: OnceLock::new(), programs: OnceLock::new() }
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

    /// What tells whether the programs of the book are those of the run before: each one that cargo
    /// built, and each Go or Python file, with its length and time.
    pub fn programs(&self) -> Result<&[Stamp]> {
        let built = self.built()?;
        let stamped = || programs(self.root(), built).map_err(|error| format!("{error:#}"));
        let programs = self.programs.get_or_init(stamped);
        programs.as_deref().map_err(|error| anyhow!("{error}"))
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

fn programs(root: &Path, built: &Built) -> Result<Vec<Stamp>> {
    let is_script = |file: &PathBuf| file.extension().is_some_and(|of| of == "go" || of == "py");
    let compiled = built.executables.iter().filter(|program| program.kind != "test");
    let mut files: Vec<PathBuf> = compiled.map(|program| program.path.clone()).collect();
    files.extend(broken::files(&root.join(CRATES))?.into_iter().filter(is_script));
    // Cargo names its programs in the order in which it is done with them.
    files.sort();
    let stamp = |file: PathBuf| {
        let of = fs::metadata(&file)?;
        Ok((file, of.len(), of.modified()?))
    };
    files.into_iter().map(stamp).collect()
}

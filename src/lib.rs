//! The `book` command: one module per verb, and what the verbs share with the tests.

pub mod broken;
pub mod cargo;
pub mod check;
pub mod console;
pub mod externs;
pub mod fork;
pub mod measure;
pub mod member;
pub mod new;
pub mod note;
pub mod pdf;
pub mod picture;
pub mod predict;
pub mod prove;
pub mod read;
pub mod recall;
pub mod record;
pub mod run;
pub mod say;
pub mod site;
pub mod verdict;
pub mod watch;
pub mod write;

use std::collections::BTreeMap;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use weave::Book;

/// The compiler that built this program.
pub const RUSTC: &str = env!("BOOK_RUSTC");

/// The folder at or above the current one that holds the book.
pub fn root() -> Result<PathBuf> {
    let here = std::env::current_dir().context("the current folder is gone")?;
    let is_root =
        |dir: &&Path| dir.join("book.toml").is_file() && dir.join("chapters-code").is_dir();
    // In a fork that lies elsewhere: the checkout that cargo started this from.
    let is_in_fork = here.ancestors().any(|dir| dir.join(fork::place::MADE).is_file());
    let built_in = std::env::var_os("CARGO_MANIFEST_DIR").filter(|_| is_in_fork).map(PathBuf::from);
    let found = here.ancestors().find(is_root).map(Path::to_owned);
    found
        .or(built_in.filter(|dir| is_root(&dir.as_path())))
        .context("no book here: run this inside a checkout of the repository")
}

/// The folder that cargo builds the checkout under `root` in: the one that this program was built
/// in, if cargo started it there, since its options can say where that is; else the one that cargo
/// names.
pub fn target(root: &Path) -> PathBuf {
    // Cargo takes as long to say it as a page to be woven.
    static KNOWN: Mutex<BTreeMap<PathBuf, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry(root.to_owned()).or_insert_with(|| find_target(root)).clone()
}

fn find_target(root: &Path) -> PathBuf {
    let is_of_root = std::env::var_os("CARGO_MANIFEST_DIR").is_some_and(|dir| *dir == *root);
    let built_in = || {
        let program = std::env::current_exe().ok()?;
        let marks = [".rustc_info.json", "CACHEDIR.TAG"];
        let is_target = |dir: &&Path| marks.iter().any(|mark| dir.join(mark).is_file());
        Some(program.ancestors().skip(1).find(is_target)?.to_owned())
    };
    is_of_root
        .then(built_in)
        .flatten()
        .or_else(|| cargo::target(root))
        .unwrap_or_else(|| root.join("target"))
}

/// Reads the book under `root` and refuses one that has problems.
pub fn sound_book(root: &Path) -> Result<Book> {
    let book = Book::load(root)?;
    sound(&book).map(|()| book)
}

/// Refuses a book that has problems.
pub fn sound(book: &Book) -> Result<()> {
    let problems = weave::check::check(book);
    if problems.is_empty() {
        return Ok(());
    }
    let listed: Vec<String> = problems.iter().map(ToString::to_string).collect();
    anyhow::bail!("{}", listed.join("\n"))
}

/// Tells whoever waits at a terminal what takes so long.
pub fn progress(what: &str) {
    if stderr().is_terminal() {
        say::line(&mut stderr(), format_args!("{what}"));
    }
}

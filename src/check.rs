//! `cargo book check`: everything that needs no compiler.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};
use weave::Book;

use crate::say;

/// Prints every problem of the book under `root`; an error says how many there were.
pub fn run(root: &Path) -> Result<()> {
    let started = Instant::now();
    let book = Book::load(root)?;
    let problems = weave::check::check(&book);
    let mut said: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
    let drafts = book.pages.iter().filter(|page| page.draft).count();
    let blocks: usize = book.pages.iter().map(|page| page.blocks.len()).sum();
    if problems.is_empty() {
        let (pages, took) = (book.pages.len(), started.elapsed().as_millis());
        said = format!(
            "{pages} pages ({drafts} drafts), {blocks} blocks: nothing wrong ({took} ms)\n\
             `cargo test` proves the rest.\n"
        );
    }
    // The verdict is the same where its reader leaves after the first line.
    say::all(&said)?;
    match problems.len() {
        0 => Ok(()),
        1 => bail!("1 problem"),
        n => bail!("{n} problems"),
    }
}

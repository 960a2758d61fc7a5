//! `cargo book check`: everything that needs no compiler.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};
use weave::yours::Yours;
use weave::{Book, Page};

use crate::say;

/// Prints every problem of the book under `root`; an error says how many there were.
pub fn run(root: &Path) -> Result<()> {
    let started = Instant::now();
    let book = Book::load(root)?;
    let mut problems = weave::check::check(&book);
    let yours = Yours::load(&book);
    // The author's first, and then the reader's, which are told by their folder.
    problems.extend(yours.check(&book));
    let mut said: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
    for page in book.pages.iter().filter(|page| page.draft) {
        said += &draft(&book, page);
    }
    if problems.is_empty() {
        let drafts = match book.pages.iter().filter(|page| page.draft).count() {
            1 => "1 draft".to_owned(),
            n => format!("{n} drafts"),
        };
        let blocks: usize = book.pages.iter().map(|page| page.blocks.len()).sum();
        let own = match yours.pages.len() {
            0 => String::new(),
            1 => ", and 1 of yours".to_owned(),
            n => format!(", and {n} of yours"),
        };
        let (pages, took) = (book.pages.len(), started.elapsed().as_millis());
        said += &format!(
            "{pages} pages ({drafts}){own}, {blocks} blocks: nothing wrong ({took} ms)\n\
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

/// What a draft still lacks, or that it is ready.
fn draft(book: &Book, page: &Page) -> String {
    let (file, lacks) = (page.file.display(), weave::draft::lacks(book, page));
    if lacks.is_empty() {
        let name = page.name();
        return format!(
            "{file}: a draft that lacks nothing: where `cargo test {name}` is green, take its first \
             line out\n"
        );
    }
    let lack =
        |lack: &weave::Problem| format!("    {}\n", lack.to_string().replace('\n', "\n    "));
    let listed: String = lacks.iter().map(lack).collect();
    format!("{file}: a draft; it lacks\n{listed}")
}

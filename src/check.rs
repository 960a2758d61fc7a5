//! `cargo book check`: everything that needs no compiler.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};
use weave::{Book, Page};

/// Prints every problem of the book under `root`; an error says how many there were.
pub fn run(root: &Path) -> Result<()> {
    let started = Instant::now();
    let book = Book::load(root)?;
    let problems = weave::check::check(&book);
    for problem in &problems {
        println!("{problem}");
    }
    for page in book.pages.iter().filter(|page| page.draft) {
        draft(&book, page);
    }
    let drafts = match book.pages.iter().filter(|page| page.draft).count() {
        1 => "1 draft".to_owned(),
        n => format!("{n} drafts"),
    };
    let blocks: usize = book.pages.iter().map(|page| page.blocks.len()).sum();
    match problems.len() {
        0 => {
            let pages = book.pages.len();
            let took = started.elapsed().as_millis();
            println!("{pages} pages ({drafts}), {blocks} blocks: nothing wrong ({took} ms)");
            println!("`cargo test` proves the rest.");
            Ok(())
        }
        1 => bail!("1 problem"),
        n => bail!("{n} problems"),
    }
}

/// What an author has yet to do; none of it is wrong.
fn draft(book: &Book, page: &Page) {
    let lacks = weave::draft::lacks(book, page);
    if lacks.is_empty() {
        println!(
            "{}: a draft that lacks nothing: where `cargo test {}` is green, take its first line out",
            page.file.display(),
            page.name()
        );
        return;
    }
    println!("{}: a draft; it lacks", page.file.display());
    for lack in lacks {
        println!("    {}", lack.to_string().replace('\n', "\n    "));
    }
}

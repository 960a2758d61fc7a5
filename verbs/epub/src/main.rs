//! `cargo book epub`: the book for readers of e-books. Nothing unfolds there, so the answers of the cards
//! stand behind each note.

mod package;
mod xhtml;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use book::read::build::on_paper;
use book::say;
use clap::Parser;
use weave::Book;

use package::Chapter;

/// The words of the `book` command that lead here.
#[derive(Parser)]
#[command(name = "cargo book", bin_name = "cargo book")]
enum Verb {
    Epub { file: Option<PathBuf> },
}

fn main() -> ExitCode {
    say::end_with_the_reader();
    let Verb::Epub { file } = Verb::parse();
    match run(&file.unwrap_or_else(|| "async-rust-by-heart.epub".into())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::line(&mut std::io::stderr(), format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(file: &Path) -> Result<()> {
    let epub = on_paper(&book::root()?, |html, book| package::pack(html, &chapters(html, book)?))?;
    fs::write(file, epub).with_context(|| format!("can't write {}", file.display()))?;
    println!("{}", file.display());
    Ok(())
}

/// The published pages, in their order.
fn chapters(html: &Path, book: &Book) -> Result<Vec<Chapter>> {
    let mut chapters = Vec::new();
    for page in book.pages.iter().filter(|page| !page.draft) {
        let path = page.path.with_extension("html");
        let text = fs::read_to_string(html.join(&path))?;
        let main = text.split_once("<main").and_then(|(_, rest)| rest.split_once('>'));
        let main = main.and_then(|(_, rest)| rest.split_once("</main>"));
        let (main, _) = main.with_context(|| format!("{} has no main part", path.display()))?;
        let to = |link: &str| package::inside(&page.path, link);
        chapters.push(Chapter {
            name: package::name(&page.path),
            title: page.title().to_owned(),
            part: page.part.clone(),
            body: xhtml::xhtml(main, to),
        });
    }
    Ok(chapters)
}

//! `cargo book recall --anki FILE`: the cards as a package for Anki, which needs SQLite, as nothing else
//! of the `book` command does.

mod package;
mod text;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use book::recall::Args;
use book::recall::deck;
use book::{say, write};
use clap::Parser;

/// The words of the `book` command that lead here.
#[derive(Parser)]
#[command(name = "cargo book", bin_name = "cargo book")]
enum Verb {
    Recall(Args),
}

fn main() -> ExitCode {
    say::end_with_the_reader();
    let Verb::Recall(args) = Verb::parse();
    say::ended(book::root().and_then(|root| run(&root, &args)))
}

fn run(root: &Path, args: &Args) -> Result<()> {
    let file = args.anki.as_deref().context("say where: --anki FILE.apkg")?;
    // A page or a log that is named by mistake stays what it is.
    if file.extension().is_none_or(|of| of != "apkg") {
        bail!("{} is no name of a package: Anki's end in .apkg", file.display());
    }
    let mut cards = deck::deck(&book::sound_book(root)?);
    if let Some(part) = &args.part {
        cards = deck::part(cards, part)?;
    }
    let package = package::of(&cards)?;
    write::atomically(file, &package)?;
    println!("{} has {} cards; in Anki: File, Import", file.display(), cards.len());
    Ok(())
}

//! `cargo book recall`: what schedules the cards, which nothing else of the `book` command needs, and
//! the questions in the terminal.

mod ask;
mod keys;
mod schedule;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use book::recall::Args;
use book::recall::day::Day;
use book::recall::log::{Event, Grade, Log, What};
use book::say;
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
    let log = Log::of(root);
    match &args.grade {
        Some(said) => {
            let (card, grade) = said.rsplit_once('=').context("a grade is ID=GRADE")?;
            let Some(grade) = Grade::ALL.into_iter().find(|known| known.word() == grade) else {
                bail!("no grade `{grade}`; there are forgot, hard, good and easy");
            };
            println!("{}", serde_json::to_string(&self::grade(&log, card, grade)?)?);
            Ok(())
        }
        None => ask::run(root, &log, args),
    }
}

/// Writes down how an answer went, and when the card is asked again.
fn grade(log: &Log, card: &str, grade: Grade) -> Result<Event> {
    log.append(|history| {
        let reviews = history.cards.get(card).map_or(&[][..], Vec::as_slice);
        let due = schedule::due(reviews, Day::today()?, grade)?;
        Ok(What::Review { card: card.to_owned(), grade, due })
    })
}

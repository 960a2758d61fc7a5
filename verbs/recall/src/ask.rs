//! The questions in the terminal.

use std::collections::HashSet;
use std::path::Path;

use anyhow::Result;
use book::fork::report::Paint;
use book::recall::Args;
use book::recall::day::Day;
use book::recall::deck::{self, Card, Queue};
use book::recall::log::{Event, Grade, Log, What};

use crate::grade;
use crate::keys::Keys;

/// Asks what is due, then what is new, until nothing is left or the reader ends it.
pub fn run(root: &Path, log: &Log, args: &Args) -> Result<()> {
    let mut cards = deck::deck(&book::sound_book(root)?);
    if let Some(part) = &args.part {
        cards = deck::part(cards, part)?;
    }
    let history = log.read()?;
    if let Some(torn) = history.torn() {
        println!("{torn} ({})", log.file().display());
    }
    let queue = Queue::of(&cards, &history, Day::today()?, args.all);
    println!("{}", begin(&queue, args));
    Session {
        log,
        args,
        cards: &cards,
        keys: Keys::of_stdin(),
        paint: Paint::of_stdout(),
        asked: HashSet::new(),
        fresh: HashSet::new(),
        graded: Vec::new(),
    }
    .run()
}

/// What there is to be asked, and what to do where there is nothing.
fn begin(queue: &Queue<'_>, args: &Args) -> String {
    let fresh = queue.fresh.len().min(args.new);
    if !queue.due.is_empty() || fresh > 0 {
        let more = match queue.fresh.len() - fresh {
            0 => String::new(),
            more => format!(" ({more} more wait; `--new N` asks for more)"),
        };
        return format!("{} due, {fresh} new{more}.", queue.due.len());
    }
    let next = match queue.next {
        Some((day, 1)) => format!(" The next card is due on {day}."),
        Some((day, count)) => format!(" The next {count} cards are due on {day}."),
        None => String::new(),
    };
    let waiting = match queue.fresh.len() {
        0 => "Mark a note as read at its end, in the book that `cargo run` serves, and its cards are \
              new here; `--all` asks without that.".to_owned(),
        fresh => format!("{fresh} new ones wait: `--new N`."),
    };
    format!("Nothing is due.{next} {waiting}")
}

/// One sitting.
struct Session<'a> {
    log: &'a Log,
    args: &'a Args,
    cards: &'a [Card],
    keys: Keys,
    paint: Paint,
    /// The cards that were asked, so that none is twice.
    asked: HashSet<&'a str>,
    /// Those of them that were new.
    fresh: HashSet<&'a str>,
    /// The reviews that were written and not taken back.
    graded: Vec<(&'a Card, Event)>,
}

/// What becomes of a card that is asked.
enum Then {
    Next,
    End,
}

impl<'a> Session<'a> {
    fn run(mut self) -> Result<()> {
        let mut again = None;
        loop {
            let card = match again.take() {
                Some(card) => card,
                // Looked up anew each time: a tab of the book may have asked it meanwhile.
                None => match self.next()? {
                    Some(card) => card,
                    None if self.takes_back_at_the_end()? => {
                        again = self.undo()?;
                        continue;
                    }
                    None => break,
                },
            };
            self.asked.insert(&card.id);
            if let Then::End = self.ask(card, &mut again)? {
                break;
            }
        }
        if !self.asked.is_empty() {
            println!("\n{}", self.end()?);
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<&'a Card>> {
        let history = self.log.read()?;
        let queue = Queue::of(self.cards, &history, Day::today()?, self.args.all);
        let is_open = |card: &&&Card| !self.asked.contains(&*card.id);
        if let Some(card) = queue.due.iter().find(is_open) {
            return Ok(Some(card));
        }
        if self.fresh.len() >= self.args.new {
            return Ok(None);
        }
        let card = queue.fresh.iter().find(is_open).copied();
        self.fresh.extend(card.map(|card| card.id.as_str()));
        Ok(card)
    }

    /// Asks one card. `again` becomes the one whose grade was taken back.
    fn ask(&mut self, card: &'a Card, again: &mut Option<&'a Card>) -> Result<Then> {
        println!("\n{}\n", self.paint.strong(&card.question));
        self.hint("Enter shows the answer, `u` takes back the last grade, `q` ends");
        let mut shown = false;
        loop {
            let Some(key) = self.keys.next()? else { return Ok(Then::End) };
            match key {
                'q' => return Ok(Then::End),
                'u' => {
                    if let Some(before) = self.undo()? {
                        self.asked.remove(&*card.id);
                        self.fresh.remove(&*card.id);
                        *again = Some(before);
                        return Ok(Then::Next);
                    }
                }
                '\n' | '\r' | ' ' if !shown => {
                    shown = true;
                    self.answer(card);
                }
                key => match grade_of(key).filter(|_| shown) {
                    Some(grade) => {
                        let event = self::grade(self.log, &card.id, grade)?;
                        if let What::Review { due, .. } = &event.what {
                            println!("{}: asked again on {due}", self.paint.good(grade.word()));
                        }
                        self.graded.push((card, event));
                        return Ok(Then::Next);
                    }
                    None if shown => println!("no grade has the key {key:?}: {GRADES}"),
                    None => println!("the key {key:?} does nothing here: Enter shows the answer"),
                },
            }
        }
    }

    fn answer(&self, card: &Card) {
        let (file, line) = (card.place.0.display(), card.place.1);
        println!("{}\n", card.answer);
        let from = format!("{} ({file}:{line})", card.told_in());
        println!("{}", self.paint.faint(&from));
        self.hint(GRADES);
    }

    fn hint(&self, text: &str) {
        println!("{}", self.paint.faint(text));
    }

    /// Takes back the last grade of this sitting, and says which card that was.
    fn undo(&mut self) -> Result<Option<&'a Card>> {
        let Some((card, event)) = self.graded.last() else {
            println!("nothing was graded since you began: there is nothing to take back");
            return Ok(None);
        };
        let (card, of) = (*card, event.at.clone());
        self.log.append(|_| Ok(What::Undo { card: card.id.clone(), of }))?;
        self.graded.pop();
        println!("taken back");
        Ok(Some(card))
    }

    /// Whether the reader takes back the last grade after the last card.
    fn takes_back_at_the_end(&self) -> Result<bool> {
        if self.graded.is_empty() {
            return Ok(false);
        }
        println!();
        self.hint("That was the last one. `u` takes back its grade, any other key ends");
        Ok(self.keys.next()? == Some('u'))
    }

    fn end(&self) -> Result<String> {
        let history = self.log.read()?;
        let queue = Queue::of(self.cards, &history, Day::today()?, self.args.all);
        let next = match (queue.due.len(), queue.next) {
            (0, Some((day, count))) => format!("; {count} due on {day}"),
            (0, None) => String::new(),
            (due, _) => format!("; {due} still due today"),
        };
        Ok(format!("{} graded{next}.", self.graded.len()))
    }
}

const GRADES: &str = "1 forgot, 2 hard, 3 good, 4 easy";

/// The grade that a key stands for: its number, or its first letter.
fn grade_of(key: char) -> Option<Grade> {
    let is_it = |grade: &Grade| {
        let number = char::from(b'1' + *grade as u8);
        key == number || grade.word().starts_with(key)
    };
    Grade::ALL.into_iter().find(is_it)
}

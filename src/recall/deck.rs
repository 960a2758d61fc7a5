//! The cards of the book, and which of them are to be asked.

use std::path::PathBuf;

use anyhow::{Result, bail};
use weave::yours::Yours;
use weave::{Book, Fence, Page, cards};

use super::day::Day;
use super::log::History;
use crate::fork::exercise::near;

/// A card, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Its id, the same for ever.
    pub id: String,
    /// The name of its note.
    pub note: String,
    /// The title of its note.
    pub title: String,
    /// The heading of the section that tells its answer; `None` where that is above all sections.
    pub section: Option<String>,
    /// The part of the book.
    pub part: String,
    /// The page, relative to the root of the repository, and the line.
    pub place: (PathBuf, usize),
    /// The page in the built book.
    pub page: PathBuf,
    /// In Markdown.
    pub question: String,
    /// In Markdown.
    pub answer: String,
}

/// All cards: the author's in the order of the book, then those of the reader's own notes with which
/// nothing is wrong.
pub fn deck(book: &Book) -> Vec<Card> {
    let yours = Yours::load(book);
    let of_yours = yours.sound(book).flat_map(of_page);
    book.pages.iter().flat_map(of_page).chain(of_yours).collect()
}

fn of_page(page: &Page) -> impl Iterator<Item = Card> {
    page.blocks.iter().filter_map(|block| {
        let Fence::Recall { id, .. } = &block.fence else { return None };
        let (question, answer) = cards::sides(&block.body)?;
        let told = cards::source(page, block).filter(|heading| heading.level > 1);
        Some(Card {
            id: id.clone(),
            note: page.name(),
            title: page.title().to_owned(),
            section: told.map(|heading| heading.text.clone()),
            part: page.part.clone(),
            place: (page.file.clone(), block.line),
            page: page.path.with_extension("html"),
            question: question.trim().to_owned(),
            answer: answer.trim().to_owned(),
        })
    })
}

/// The cards of one part, which is named by its title or by the name of its folder.
pub fn part(deck: Vec<Card>, name: &str) -> Result<Vec<Card>> {
    let folder = |card: &Card| {
        let folder = card.page.parent().unwrap_or(&card.page);
        folder.to_string_lossy().into_owned()
    };
    let is_of = |card: &&Card| card.part.eq_ignore_ascii_case(name) || folder(card) == name;
    let found: Vec<Card> = deck.iter().filter(is_of).cloned().collect();
    if found.is_empty() {
        let folders: Vec<String> = deck.iter().map(folder).collect();
        let names: Vec<&str> = folders.iter().map(String::as_str).collect();
        bail!("no part `{name}` has cards{}", near(name, &names));
    }
    Ok(found)
}

impl Card {
    /// Where its answer is told, by words: the note's title, and the section.
    pub fn told_in(&self) -> String {
        match &self.section {
            Some(section) => format!("{}, *{section}*", self.title),
            None => self.title.clone(),
        }
    }
}

/// What is to be asked on a day.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Queue<'a> {
    /// The cards whose day has come, those first that have waited longest.
    pub due: Vec<&'a Card>,
    /// The cards that were never asked, of notes that are read.
    pub fresh: Vec<&'a Card>,
    /// The next day on which some card is due, and how many are.
    pub next: Option<(Day, usize)>,
}

impl<'a> Queue<'a> {
    /// The cards of a deck to be asked `today`; `all` asks new ones of notes too that are not read.
    pub fn of(deck: &'a [Card], history: &History, today: Day, all: bool) -> Queue<'a> {
        let mut queue = Queue::default();
        let mut later: Vec<Day> = Vec::new();
        let mut due = Vec::new();
        for card in deck {
            match history.due(&card.id) {
                Some(day) if day <= today => due.push((day, card)),
                Some(day) => later.push(day),
                None if all || history.read.contains(&card.note) => queue.fresh.push(card),
                None => {}
            }
        }
        // Cards of the same day stay in the order of the book.
        due.sort_by_key(|(day, _)| *day);
        queue.due = due.into_iter().map(|(_, card)| card).collect();
        let next = later.iter().min().copied();
        queue.next = next.map(|next| (next, later.iter().filter(|day| **day == next).count()));
        queue
    }
}

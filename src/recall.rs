//! `cargo book recall`: the cards of the notes, each asked when it is due.
//!
//! What schedules them stands in `verbs/recall`, a crate of its own that is built when it is first
//! needed. Here is what the server of the book needs too: the [`log`], the [`deck`], and the words
//! that the verb is asked with.

pub mod day;
pub mod deck;
pub mod log;

use std::path::PathBuf;

/// What to ask.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Only the cards of one part, by its title or its folder, as `why`
    #[arg(long, value_name = "PART")]
    pub part: Option<String>,
    /// At most so many new cards
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub new: usize,
    /// New cards of notes too that are not marked as read
    #[arg(long)]
    pub all: bool,
    /// Write the cards as a package for Anki instead, a deck for each part; a second import of a later
    /// one updates and makes no doubles
    #[arg(long, value_name = "FILE.apkg", conflicts_with_all = ["new", "all"])]
    pub anki: Option<PathBuf>,
    /// Grade one card, `ID=GRADE`, and print the line of the log: for the served pages
    #[arg(long, hide = true, value_name = "ID=GRADE")]
    pub grade: Option<String>,
}

const HELP: &str = "\
Cards that are due come first, those that have waited longest before the others, then new ones of the
notes that you have marked as read in the served book. Answer in your head, see the answer, and say
how it went: 1 forgot, 2 hard, 3 good, 4 easy. FSRS says when the card comes back. `u` takes back the
last grade, `q` ends; each grade is on the disk at once.

What you say is kept in recall.jsonl in this checkout, one line each time, or in the file that
BOOK_LOG names. It is yours, and git ignores it.";

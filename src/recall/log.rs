//! The event log: what the reader has said, one line for each time, and nothing else.
//!
//! It is `recall.jsonl` in the checkout, which git ignores, or the file that `BOOK_LOG` names. It is
//! the reader's: plain text to read, to keep and to carry elsewhere. Each line is one JSON object:
//!
//! ```text
//! {"at":"2026-11-26T07:15:08.123Z","day":"2026-11-26","event":"read","note":"edges"}
//! {"at":"2026-11-26T07:16:00.050Z","day":"2026-11-26","event":"review","card":"edge-race-lag","grade":"good","due":"2026-11-28"}
//! {"at":"2026-11-26T07:16:02.700Z","day":"2026-11-26","event":"undo","card":"edge-race-lag","of":"2026-11-26T07:16:00.050Z"}
//! {"at":"2026-11-26T07:17:00.001Z","day":"2026-11-26","event":"unread","note":"edges"}
//! ```
//!
//! - `at`: when it was written, in UTC. With its card it is the name of a review.
//! - `day`: the reader's local date then. Days are counted from it, and from `at` never.
//! - `event` is one of four. `read`: the reader has read this note, whose cards may be asked from now
//!   on; `unread` takes that back. `review`: the reader has answered this card, by its id in the page's
//!   fence, and says how that went: `forgot`, `hard`, `good` or `easy`. `undo` takes back the review of
//!   this card that was written at `of`.
//! - `due`: the day on which the card is asked again. Whoever wrote the line has computed it, by FSRS-6
//!   with its default weights for a retention of nine in ten, from the days and grades of the card's
//!   reviews before it; whoever reads the line believes it.
//!
//! The order of the lines is the order in which it happened, also where a clock was set back: then no
//! days have passed. A line is written whole, with one call, under a lock, and is on the disk before
//! the writer goes on. Where a writer was killed amid a line, that line alone is lost: the next one
//! begins a line of its own, and whoever reads the log names the number of the torn one. An id or a
//! name that the book has no more stays in the log and is passed over.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::day::{self, Day};

/// Its place in the checkout.
const FILE: &str = "recall.jsonl";

/// The variable that names another place.
pub const PLACE: &str = "BOOK_LOG";

/// How every line begins, so that a torn one is known for what it was.
const BEGIN: &str = "{\"at\":\"";

/// How an answer went, in the reader's own judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// It was not there.
    Forgot,
    /// It came with effort.
    Hard,
    /// It came.
    Good,
    /// It was there at once.
    Easy,
}

impl Grade {
    /// All of them, from the worst.
    pub const ALL: [Grade; 4] = [Grade::Forgot, Grade::Hard, Grade::Good, Grade::Easy];

    /// As it is written and shown.
    pub fn word(self) -> &'static str {
        ["forgot", "hard", "good", "easy"][self as usize]
    }
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When it was written.
    pub at: String,
    /// The reader's date then.
    pub day: Day,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What the reader has said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum What {
    /// That they have read a note.
    Read {
        /// Its name.
        note: String,
    },
    /// That they have not.
    Unread {
        /// Its name.
        note: String,
    },
    /// How they answered a card.
    Review {
        /// Its id.
        card: String,
        /// How it went.
        grade: Grade,
        /// When it is asked again.
        due: Day,
    },
    /// That a review is not to count.
    Undo {
        /// Its card.
        card: String,
        /// When it was written.
        of: String,
    },
}

/// What the whole log says.
#[derive(Debug, Default)]
pub struct History {
    /// The notes that are read.
    pub read: BTreeSet<String>,
    /// The reviews of each card that count, in their order.
    pub cards: BTreeMap<String, Vec<Review>>,
    /// The numbers of the lines that are no events.
    pub torn: Vec<usize>,
}

/// A review that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// When it was written.
    pub at: String,
    /// The reader's date then.
    pub day: Day,
    /// How it went.
    pub grade: Grade,
    /// When the card is asked again.
    pub due: Day,
}

/// The log, wherever it is, written or not.
#[derive(Debug, Clone)]
pub struct Log {
    file: PathBuf,
}

impl Log {
    /// That of the checkout under `root`, or the one that `BOOK_LOG` names.
    pub fn of(root: &Path) -> Log {
        let named = std::env::var_os(PLACE).filter(|place| !place.is_empty());
        let file = named.map_or_else(|| root.join(FILE), PathBuf::from);
        Log { file: std::path::absolute(&file).unwrap_or(file) }
    }

    /// The log in this file.
    pub fn at(file: &Path) -> Log {
        Log { file: file.to_owned() }
    }

    /// Where it is.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What it says. One that is not written yet says nothing.
    pub fn read(&self) -> Result<History> {
        let read = || -> Result<History> {
            self.must_be_a_file()?;
            let mut file = match File::open(&self.file) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(History::default()),
                file => file?,
            };
            locked(file.lock_shared())?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            History::read(&bytes)
        };
        read().with_context(|| format!("the log {} can't be read", self.file.display()))
    }

    /// Appends what `say` makes of all that the log says until then; nothing is written in between.
    /// When this returns, the line is on the disk; where it fails, the log is as it was.
    pub fn append(&self, say: impl FnOnce(&History) -> Result<What>) -> Result<Event> {
        let append = || -> Result<Event> {
            self.must_be_a_file()?;
            let is_new = !self.file.exists();
            let mut options = OpenOptions::new();
            let mut file = options.read(true).append(true).create(true).open(&self.file)?;
            locked(file.lock())?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let what = say(&History::read(&bytes)?)?;
            let event = Event { at: day::now(), day: Day::today()?, what };
            write(&mut file, &bytes, &event)?;
            if is_new && let Some(dir) = self.file.parent() {
                // Its name is to last as well. Not all file systems can promise that.
                let _ = File::open(dir).and_then(|dir| dir.sync_all());
            }
            Ok(event)
        };
        append().with_context(|| {
            format!("nothing was written to the log {}, which is as it was", self.file.display())
        })
    }

    /// To open a pipe would wait for its other end, and a device has no end.
    fn must_be_a_file(&self) -> Result<()> {
        match fs::metadata(&self.file) {
            Ok(found) if found.is_dir() => bail!("it is a folder; name a file in it: {PLACE}=FILE"),
            Ok(found) if !found.is_file() => bail!("it is no regular file; name one: {PLACE}=FILE"),
            _ => Ok(()),
        }
    }
}

/// Where a file system knows no locks, one writer at a time is up to the reader.
fn locked(tried: io::Result<()>) -> io::Result<()> {
    match tried {
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(()),
        tried => tried,
    }
}

/// Writes a line behind all others, whole or not at all.
fn write(file: &mut File, before: &[u8], event: &Event) -> Result<()> {
    let mut line = Vec::new();
    // A writer was killed amid a line, and this one is not to become a part of it.
    if !before.is_empty() && !before.ends_with(b"\n") {
        line.push(b'\n');
    }
    serde_json::to_writer(&mut line, event)?;
    line.push(b'\n');
    let written = file.write_all(&line).and_then(|()| file.sync_data());
    written.inspect_err(|_| {
        // A disk that is full has taken a piece of it.
        let _ = file.set_len(before.len() as u64);
    })?;
    Ok(())
}

impl History {
    /// What the bytes of a log say. Fails where they are those of some other file.
    pub fn read(bytes: &[u8]) -> Result<History> {
        let mut history = History::default();
        let (mut events, mut foreign) = (0, None);
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            match serde_json::from_slice::<Event>(line) {
                Ok(event) => {
                    events += 1;
                    history.take(event);
                }
                Err(_) => {
                    history.torn.push(number);
                    let is_torn = line.len().min(BEGIN.len());
                    if line[..is_torn] != BEGIN.as_bytes()[..is_torn] {
                        foreign = foreign.or(Some(number));
                    }
                }
            }
        }
        match foreign {
            Some(number) if events == 0 => bail!(
                "it is not a log: its line {number} is no event; {PLACE} names the file that is, or \
                 a new one"
            ),
            _ => Ok(history),
        }
    }

    fn take(&mut self, event: Event) {
        let Event { at, day, what } = event;
        match what {
            What::Read { note } => drop(self.read.insert(note)),
            What::Unread { note } => drop(self.read.remove(&note)),
            What::Review { card, grade, due } => {
                self.cards.entry(card).or_default().push(Review { at, day, grade, due });
            }
            What::Undo { card, of } => {
                let reviews = self.cards.entry(card.clone()).or_default();
                if let Some(taken) = reviews.iter().rposition(|review| review.at == of) {
                    reviews.remove(taken);
                }
                if reviews.is_empty() {
                    self.cards.remove(&card);
                }
            }
        }
    }

    /// The day on which a card is asked again; `None` if it was never asked.
    pub fn due(&self, card: &str) -> Option<Day> {
        Some(self.cards.get(card)?.last()?.due)
    }

    /// What is to be told of lines that are no events.
    pub fn torn(&self) -> Option<String> {
        let numbers: Vec<String> = self.torn.iter().map(ToString::to_string).collect();
        match &numbers[..] {
            [] => None,
            [one] => Some(format!("line {one} of the log is torn and passed over")),
            all => Some(format!("lines {} of the log are torn and passed over", all.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests;

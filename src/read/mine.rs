//! What is the reader's own on the served pages, and on no others: what is due, what is read, how far
//! the exercises are. A script of the served pages asks for it, and posts what the reader says.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use weave::Book;

use super::build::Edition;
use super::post::Post;
use crate::fork::exercise::{Exercise, near};
use crate::fork::next::progress;
use crate::fork::place::Fork;
use crate::member;
use crate::recall::day::Day;
use crate::recall::deck::{Card, Queue};
use crate::recall::log::{Event, Grade, Log, PLACE, What};

/// The script and the style of the served pages.
pub const FILES: [(&[u8], &str, &str); 2] = [
    (b"/.book/recall.js", "text/javascript; charset=utf-8", include_str!("recall.js")),
    (b"/.book/recall.css", "text/css; charset=utf-8", include_str!("recall.css")),
];

/// The reader's own.
pub struct Mine {
    root: PathBuf,
    log: Log,
    /// Whoever knows it has read a page of this server.
    token: String,
    /// The member that schedules, once it is built.
    scheduler: Mutex<Option<PathBuf>>,
    building: AtomicBool,
}

/// What is answered: a status, and JSON.
pub type Answer = (&'static str, Value);

/// An error and the status that it is answered with.
type Refused = (&'static str, anyhow::Error);

impl Mine {
    /// That of the checkout under `root`.
    pub fn new(root: &Path) -> io::Result<Mine> {
        let mut bytes = [0; 16];
        File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        Ok(Mine {
            root: root.to_owned(),
            log: Log::of(root),
            token: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            scheduler: Mutex::default(),
            building: AtomicBool::new(false),
        })
    }

    /// What is asked for at a path, if it is one of these.
    pub fn get(&self, path: &[u8], edition: &Edition) -> Option<Answer> {
        let found = match path {
            b"/.book/mine" => self.state(edition),
            b"/.book/exercises" => self.exercises(),
            _ => return None,
        };
        Some(found.map_or_else(
            |error| ("500 Internal Server Error", failure(&error)),
            |found| ("200 OK", found),
        ))
    }

    /// Does what a page posts.
    pub fn post(&self, path: &[u8], post: &Post, edition: &Edition) -> Answer {
        if post.token != self.token.as_bytes() {
            let help = "this page was served before the book was started anew: reload it";
            return ("403 Forbidden", json!({ "error": help }));
        }
        let done = match path {
            b"/.book/grade" => self.grade(&post.body, edition),
            b"/.book/undo" => self.undo(&post.body),
            b"/.book/read" => self.mark(&post.body, edition),
            _ => Err(("404 Not Found", anyhow::anyhow!("nothing can be posted there"))),
        };
        match done {
            Ok(event) => ("200 OK", json!(event)),
            Err((status, error)) => (status, failure(&error)),
        }
    }

    /// The tasks of an exercise, at `/.book/exercises/NAME/TASKS.md`, as text.
    pub fn tasks(&self, path: &[u8]) -> Option<Vec<u8>> {
        let path = std::str::from_utf8(path).ok()?.strip_prefix("/.book/")?;
        let of_fork = |fork: &Fork| {
            let folder = fork.dir.strip_prefix(&self.root).ok()?;
            (Path::new(path) == folder.join("TASKS.md")).then(|| fork.dir.join("TASKS.md"))
        };
        std::fs::read(Fork::all(&self.root).iter().find_map(of_fork)?).ok()
    }

    /// What a page is told: the cards, what is read, and the word that its posts have to bring.
    pub fn state(&self, edition: &Edition) -> Result<Value> {
        let (history, error) = match self.log.read() {
            Ok(history) => (history, None),
            Err(error) => (Default::default(), Some(format!("{error:#}"))),
        };
        let queue = Queue::of(&edition.deck, &history, Day::today()?, false);
        let listed = |cards: &[&Card]| cards.iter().map(|card| shown(card)).collect::<Vec<_>>();
        let days = edition.deck.iter().filter_map(|card| Some((&card.id, history.due(&card.id)?)));
        let next = queue.next.map(|(day, count)| json!({ "day": day, "count": count }));
        Ok(json!({
            "token": self.token,
            "building": self.building.load(Ordering::Relaxed),
            "problem": error.or(history.torn()),
            "due": listed(&queue.due),
            "fresh": listed(&queue.fresh),
            "next": next,
            "days": days.collect::<std::collections::BTreeMap<_, _>>(),
            "notes": edition.notes.iter().map(|(name, page)| (page.as_str(), json!({
                "name": name, "read": history.read.contains(name)
            }))).collect::<std::collections::BTreeMap<_, _>>(),
        }))
    }

    /// How far the reader's forks are.
    pub fn exercises(&self) -> Result<Value> {
        let forks = Fork::all(&self.root);
        if forks.is_empty() {
            return Ok(json!([]));
        }
        let book = Book::load(&self.root)?;
        let mut found = Vec::new();
        for exercise in Exercise::all(&book)? {
            let Some(fork) = exercise.fork_in(&forks) else { continue };
            let lang = fork.made.lang.as_deref();
            let exercise = exercise.in_language(&self.root, lang)?;
            found.extend(exercise.notes(&book).iter().map(|page| {
                json!({
                    "note": page.name(),
                    "title": page.title(),
                    "page": page.path.with_extension("html"),
                    "folder": fork.dir.strip_prefix(&self.root).unwrap_or(&fork.dir),
                    "state": progress(&exercise, fork, &page.name()),
                })
            }));
        }
        Ok(json!(found))
    }

    /// Grades a card, once what schedules is built. Whoever has posted it may leave meanwhile.
    fn grade(&self, body: &[u8], edition: &Edition) -> Result<Event, Refused> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Said {
            card: String,
            grade: Grade,
        }
        let Said { card, grade } = parsed(body)?;
        let ids: Vec<&str> = edition.deck.iter().map(|card| card.id.as_str()).collect();
        if !ids.contains(&card.as_str()) {
            let error = anyhow::anyhow!("no card `{card}` is in the book{}", near(&card, &ids));
            return Err(("404 Not Found", error));
        }
        self.schedule(&card, grade).map_err(|error| ("500 Internal Server Error", error))
    }

    fn schedule(&self, card: &str, grade: Grade) -> Result<Event> {
        let mut scheduler = Command::new(self.scheduler()?);
        scheduler.arg("recall").arg(format!("--grade={card}={}", grade.word()));
        scheduler.current_dir(&self.root).env(PLACE, self.log.file()).stdin(Stdio::null());
        let ended = scheduler.output().context("what schedules the cards can't be started")?;
        if !ended.status.success() {
            let said = String::from_utf8_lossy(&ended.stderr);
            bail!("{}", said.trim().trim_start_matches("error: "));
        }
        serde_json::from_slice(&ended.stdout).context("what schedules the cards says no event")
    }

    /// Builds what schedules the cards, where that is not done yet.
    fn scheduler(&self) -> Result<PathBuf> {
        let mut scheduler = self.scheduler.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = scheduler.as_ref().filter(|program| program.exists()) {
            return Ok(program.clone());
        }
        self.building.store(true, Ordering::Relaxed);
        let built = member::build(&self.root, "verb-recall");
        self.building.store(false, Ordering::Relaxed);
        Ok(scheduler.insert(built?).clone())
    }

    fn undo(&self, body: &[u8]) -> Result<Event, Refused> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Said {
            card: String,
            of: String,
        }
        let Said { card, of } = parsed(body)?;
        let undone = self.log.append(|history| {
            let reviews = history.cards.get(&card).map_or(&[][..], Vec::as_slice);
            if !reviews.iter().any(|review| review.at == of) {
                bail!("no review of `{card}` was written at {of}");
            }
            Ok(What::Undo { card, of })
        });
        undone.map_err(|error| ("500 Internal Server Error", error))
    }

    /// Marks a note as read, or no more.
    fn mark(&self, body: &[u8], edition: &Edition) -> Result<Event, Refused> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Said {
            note: String,
            read: bool,
        }
        let Said { note, read } = parsed(body)?;
        let names: Vec<&str> = edition.notes.iter().map(|(name, _)| name.as_str()).collect();
        if !names.contains(&note.as_str()) {
            let error = anyhow::anyhow!("no note is called `{note}`{}", near(&note, &names));
            return Err(("404 Not Found", error));
        }
        let marked =
            self.log.append(|_| Ok(if read { What::Read { note } } else { What::Unread { note } }));
        marked.map_err(|error| ("500 Internal Server Error", error))
    }
}

fn parsed<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| ("400 Bad Request", error.into()))
}

fn failure(error: &anyhow::Error) -> Value {
    json!({ "error": format!("{error:#}") })
}

/// A card as the script needs it: its words stand on its page.
fn shown(card: &Card) -> Value {
    let Card { id, title, section, page, .. } = card;
    json!({ "id": id, "title": title, "section": section, "page": page })
}

//! What the book still has to get rid of, `book/ledger.toml`: blocks that nothing proves, pages in the
//! form before the arc, blocks whose numbers are all erased. Each list may only shrink.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::problem::{Fault, Problem};
use crate::text;

/// Where the ledger stands, relative to the root of the repository.
pub const LEDGER: &str = "book/ledger.toml";

/// The ledger, read.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// How many entries there may be: lowered when one goes, never raised.
    pub at_most: usize,
    /// The entries.
    #[serde(default, rename = "block")]
    pub blocks: Vec<Entry>,
    /// The pages in the form before the arc.
    #[serde(default)]
    pub old_form: OldForm,
    /// The console blocks that erase all their numbers.
    #[serde(default)]
    pub varies: Varies,
    /// The ledger as it was written.
    #[serde(skip)]
    text: String,
}

/// The notes that are not yet in the form of the arc.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OldForm {
    /// How many there may be: lowered when one goes, never raised.
    pub at_most: usize,
    /// Each as `book/part/note.md`.
    pub pages: Vec<String>,
}

/// How many blocks with plain `varies` there are.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Varies {
    /// How many there may be in all: lowered when one goes, never raised.
    pub at_most: usize,
    /// How many there are on each page, by `book/part/note.md`.
    pub pages: BTreeMap<String, usize>,
}

/// One block that nothing proves, and why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The page, `book/part/note.md`.
    pub page: String,
    /// The block's name as `cargo book check` prints it.
    pub block: String,
    /// Why nothing proves it.
    pub reason: String,
}

impl Ledger {
    /// Reads the ledger; a missing or unreadable one is a problem.
    pub fn read(root: &Path) -> Result<Ledger, Problem> {
        let problem = |what: String, line| Fault::new(what, "").at(LEDGER, line);
        let text = text::read(&root.join(LEDGER)).map_err(|e| problem(e.to_string(), 1))?;
        let read: Result<Ledger, _> = toml::from_str(&text);
        let mut ledger = read.map_err(|error| {
            let before = error.span().map_or("", |span| &text[..span.start]);
            problem(error.message().to_owned(), before.matches('\n').count() + 1)
        })?;
        ledger.text = text;
        Ok(ledger)
    }

    /// The line, from 1, at which something stands in the ledger's text after `section`.
    pub fn line(&self, section: &str, what: &str) -> usize {
        let from = self.text.find(section).unwrap_or(0);
        let at = self.text[from..].find(what).map_or(from, |at| from + at);
        self.text[..at].matches('\n').count() + 1
    }

    /// Whether a page is one of those in the form before the arc.
    pub fn is_old(&self, page: &Path) -> bool {
        self.old_form.pages.iter().any(|old| Path::new(old) == page)
    }

    /// Whether a block of a page may stand unproven.
    pub fn excuses(&self, page: &Path, block: &str) -> bool {
        self.blocks.iter().any(|entry| Path::new(&entry.page) == page && entry.block == block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the lists were when they began. They may only shrink.
    #[test]
    fn no_list_of_the_ledger_grows() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let ledger = Ledger::read(&root).unwrap();
        assert_eq!(ledger.at_most, 0);
        assert!(ledger.old_form.at_most <= 18, "{:?}", ledger.old_form);
        assert!(ledger.varies.at_most <= 21, "{:?}", ledger.varies);
    }

    #[test]
    fn an_entry_is_found_with_its_line() {
        let text = "at_most = 0\n[old_form]\npages = [\n\"a\",\n]\n[varies.pages]\n\"a\" = 1\n";
        let ledger = Ledger { text: text.into(), ..Ledger::default() };
        assert_eq!(ledger.line("[old_form]", "\"a\""), 4);
        assert_eq!(ledger.line("[varies", "\"a\""), 7);
        assert_eq!(ledger.line("[varies", "\"b\""), 6);
    }
}

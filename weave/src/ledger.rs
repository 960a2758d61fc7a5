//! The one list of blocks that nothing proves, `book/ledger.toml`. It may only shrink.

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
        toml::from_str(&text).map_err(|error| {
            let before = error.span().map_or("", |span| &text[..span.start]);
            problem(error.message().to_owned(), before.matches('\n').count() + 1)
        })
    }

    /// Whether a block of a page may stand unproven.
    pub fn excuses(&self, page: &Path, block: &str) -> bool {
        self.blocks.iter().any(|entry| Path::new(&entry.page) == page && entry.block == block)
    }
}

//! What the book still has to get rid of, `book/ledger.toml`: blocks that nothing proves, and blocks whose
//! numbers are all erased. Each list may only shrink.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::book::Book;
use crate::fence::{Fence, Varies as Which};
use crate::page::Block;
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
    /// The console blocks that erase all their numbers.
    #[serde(default)]
    pub varies: Varies,
    /// The ledger as it was written.
    #[serde(skip)]
    text: String,
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

    /// Whether a block of a page may stand unproven.
    pub fn excuses(&self, page: &Path, block: &str) -> bool {
        self.blocks.iter().any(|entry| Path::new(&entry.page) == page && entry.block == block)
    }
}

/// What is wrong with the ledger, and what is owed without standing in it.
pub fn check(book: &Book, problems: &mut Vec<Problem>) {
    blocks(book, problems);
    varies(book, problems);
}

/// Blocks that nothing proves.
fn blocks(book: &Book, problems: &mut Vec<Problem>) {
    let blocks = &book.ledger.blocks;
    let mut wrong = |what: String, help: &str| {
        problems.push(Fault::new(what, help).at(LEDGER, 1));
    };
    if blocks.len() > book.ledger.at_most {
        let what = format!("{} entries, at most {}", blocks.len(), book.ledger.at_most);
        wrong(what, "the ledger may only shrink: prove the block instead");
    } else if blocks.len() < book.ledger.at_most {
        wrong(format!("{} entries, yet at_most is higher", blocks.len()), "lower `at_most` to it");
    }
    for entry in blocks {
        let page = book.pages.iter().find(|page| page.file == Path::new(&entry.page));
        let unrun =
            |block: &&Block| block.name == entry.block && block.fence == Fence::Rust { run: false };
        if page.and_then(|page| page.blocks.iter().find(unrun)).is_none() {
            let what = format!("{} has no unproven block `{}`", entry.page, entry.block);
            wrong(what, "take the entry out and lower `at_most`");
        }
    }
}

/// Blocks that erase all their numbers are counted, and may only become fewer.
fn varies(book: &Book, problems: &mut Vec<Problem>) {
    let ledger = &book.ledger;
    let is_plain = |block: &&Block| block.fence == Fence::Console { varies: Which::Everything };
    for page in &book.pages {
        let file = page.file.to_string_lossy();
        let allowed = ledger.varies.pages.get(&*file).copied().unwrap_or(0);
        let blocks: Vec<&Block> = page.blocks.iter().filter(is_plain).collect();
        for block in blocks.iter().skip(allowed) {
            let help =
                "name the words before or above the numbers that differ: `varies=\"ms, ns\"`";
            let what = "`varies` that erases all numbers, in a new block";
            problems.push(page.problem(block.line, Fault::new(what, help)));
        }
        if blocks.len() < allowed {
            let what = format!("{file} has {} blocks with plain `varies`", blocks.len());
            let help = "lower its number, or take it out, and lower `at_most`";
            let line = ledger.line("[varies.pages]", &format!("\"{file}\""));
            problems.push(Fault::new(what, help).at(LEDGER, line));
        }
    }
    for page in ledger.varies.pages.keys() {
        if !book.pages.iter().any(|known| known.file == Path::new(page)) {
            let line = ledger.line("[varies.pages]", &format!("\"{page}\""));
            let what = format!("there is no page `{page}`");
            problems.push(Fault::new(what, "take it out, and lower `at_most`").at(LEDGER, line));
        }
    }
    let all: usize = ledger.varies.pages.values().sum();
    if all != ledger.varies.at_most {
        let what = format!("{all} blocks with plain `varies`, at_most {}", ledger.varies.at_most);
        let help = "the count may only shrink: lower `at_most` to it, and never raise it";
        problems.push(Fault::new(what, help).at(LEDGER, ledger.line("[varies]", "at_most")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::tests::book;

    /// What the lists were when they began. They may only shrink.
    #[test]
    fn no_list_of_the_ledger_grows() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let ledger = Ledger::read(&root).unwrap();
        assert_eq!(ledger.at_most, 0);
        assert!(ledger.varies.at_most <= 21, "{:?}", ledger.varies);
    }

    #[test]
    fn an_entry_is_found_with_its_line() {
        let text = "at_most = 0\n[a]\nb = [\n\"a\",\n]\n[varies.pages]\n\"a\" = 1\n";
        let ledger = Ledger { text: text.into(), ..Ledger::default() };
        assert_eq!(ledger.line("[a]", "\"a\""), 4);
        assert_eq!(ledger.line("[varies", "\"a\""), 7);
        assert_eq!(ledger.line("[varies", "\"b\""), 6);
    }

    #[test]
    fn blocks_that_erase_all_numbers_only_become_fewer() {
        let said = |allowed: usize, at_most| {
            let text = "# T\n\n```console,varies\n$ a\n```\n\n```console,varies\n$ b\n```\n";
            let mut book = book(&[("why/a.md", text)]);
            book.ledger.varies.at_most = at_most;
            book.ledger.varies.pages.insert("book/why/a.md".into(), allowed);
            let mut problems = Vec::new();
            varies(&book, &mut problems);
            problems.iter().map(|problem| problem.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(said(2, 2), [""; 0]);
        let more = said(1, 1);
        assert!(more[0].starts_with("book/why/a.md:7: `varies` that erases all"), "{more:?}");
        assert!(said(3, 3)[0].contains("has 2 blocks with plain `varies`"));
        assert!(said(2, 3)[0].contains("2 blocks with plain `varies`, at_most 3"));
    }
}

//! What was found out about a page, kept with it for as long as nothing changes that it rests on: the
//! author saves one page, and the others need not be looked at again.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use crate::book::Book;
use crate::minutes::minutes;
use crate::page::Page;
use crate::problem::Problem;
use crate::render::render;
use crate::source::Include;

/// What is kept with a page.
#[derive(Debug, Default)]
pub struct Kept {
    woven: OnceLock<Arc<Woven>>,
    /// Its terms that are not introduced yet, which rest on the needs of all notes and the glossary.
    pub(crate) terms: OnceLock<Vec<Problem>>,
    /// What is wrong with its listings and diffs, which rest on the sources and on nothing else.
    pub(crate) listings: OnceLock<Vec<Problem>>,
    /// What else is wrong with it, other pages aside: that rests on it, and on the tests that it names.
    pub(crate) alone: OnceLock<Vec<Problem>>,
    /// Its lines of code, which rest on the sources too.
    pub(crate) code_lines: OnceLock<usize>,
    /// Which heading tells each of its cards, by the line of the card; that rests on the page alone.
    pub(crate) told: OnceLock<HashMap<usize, usize>>,
}

/// A page as mdBook reads it.
#[derive(Debug)]
pub struct Woven {
    /// Its Markdown.
    pub text: String,
    /// Every id in the page that is built of it.
    pub ids: HashSet<String>,
}

/// The page as mdBook reads it, woven when it is first asked for.
pub fn woven<'a>(book: &Book, page: &'a Page) -> &'a Arc<Woven> {
    page.kept.woven.get_or_init(|| {
        let text = render(book, page);
        let ids = book.markdown.ids(&text).into_iter().collect();
        Arc::new(Woven { text, ids })
    })
}

impl Kept {
    /// Forgets what rests on other pages too.
    pub(crate) fn forget_others(&mut self) {
        self.woven = OnceLock::new();
        self.terms = OnceLock::new();
    }
}

/// What other pages show of a page: where it differs, they may.
pub(crate) fn outline(book: &Book, page: &Page) -> String {
    let needs = page.marks.needs.as_ref().map(|needs| (&needs.notes, needs.level.name()));
    let includes: Vec<Include> =
        page.blocks.iter().filter_map(|block| Include::parse(&block.body)?.ok()).collect();
    let shown = (page.title(), &page.part, page.draft, minutes(book, page), needs, includes);
    format!("{shown:?}")
}

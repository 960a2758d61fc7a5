//! Weaving as an mdBook preprocessor.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, bail};
use mdbook_preprocessor::book::{Book as MdBook, BookItem, Chapter};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};

use crate::book::Book;
use crate::check::check;
use crate::paper::paper;
use crate::source::normalise;
use crate::woven::woven;
use crate::yours::Yours;

/// The preprocessor. Stock mdBook calls it through the `weave` program; the `book` command
/// registers it in process, under the same name.
#[derive(Default)]
pub struct Weave {
    /// Whether drafts are shown. Where they are not, they stand in the contents without a page.
    pub drafts: bool,
    /// The book, if it was read and checked already.
    pub book: Option<Arc<Book>>,
    /// The only pages that are wanted, if not all are. They and their neighbours, which they name, are
    /// all that is left of the book; the neighbours are empty.
    pub only: Option<BTreeSet<PathBuf>>,
    /// Whether it is for paper, where nothing unfolds.
    pub paper: bool,
    /// Whether the reader's own notes are shown.
    pub yours: bool,
}

impl Preprocessor for Weave {
    fn name(&self) -> &str {
        "weave"
    }

    fn run(&self, ctx: &PreprocessorContext, mut woven: MdBook) -> Result<MdBook> {
        let book = match &self.book {
            Some(book) => Arc::clone(book),
            None => Arc::new(sound(&ctx.root)?),
        };
        woven.for_each_chapter_mut(|chapter| self.chapter(&book, chapter));
        if self.yours {
            Yours::load(&book).add_to(&book, &mut woven);
        }
        if let Some(only) = &self.only {
            woven.items = neighbourhoods(&woven, only);
        }
        Ok(woven)
    }

    fn supports_renderer(&self, renderer: &str) -> Result<bool> {
        Ok(renderer == "html")
    }
}

/// The chapters of these pages, each with those before and after it.
fn neighbourhoods(book: &MdBook, only: &BTreeSet<PathBuf>) -> Vec<BookItem> {
    let chapters = book.chapters().filter(|chapter| chapter.path.is_some());
    let chapters: Vec<Chapter> =
        chapters.map(|chapter| Chapter { sub_items: Vec::new(), ..chapter.clone() }).collect();
    let is_wanted = |chapter: &Chapter| {
        let path = chapter.source_path.as_deref().map(normalise);
        path.is_some_and(|path| only.contains(&path))
    };
    let near = |at: usize| {
        chapters[at.saturating_sub(1)..(at + 2).min(chapters.len())].iter().any(is_wanted)
    };
    let kept = chapters.iter().enumerate().filter(|(at, _)| near(*at));
    kept.map(|(_, chapter)| BookItem::Chapter(chapter.clone())).collect()
}

fn sound(root: &Path) -> Result<Book> {
    let book = Book::load(root)?;
    let problems = check(&book);
    if !problems.is_empty() {
        let listed: Vec<String> = problems.iter().map(ToString::to_string).collect();
        bail!("{}", listed.join("\n"));
    }
    Ok(book)
}

impl Weave {
    fn chapter(&self, book: &Book, chapter: &mut Chapter) {
        let path = chapter.source_path.as_deref().map(normalise);
        let Some(page) = path.and_then(|path| book.page(&path)) else {
            return;
        };
        if page.draft && !self.drafts {
            chapter.path = None;
            chapter.source_path = None;
            chapter.content.clear();
        } else if self.only.as_ref().is_none_or(|only| only.contains(&page.path)) {
            let text = &woven(book, page).text;
            chapter.content = if self.paper { paper(text) } else { text.clone() };
        } else {
            chapter.content.clear();
        }
    }
}

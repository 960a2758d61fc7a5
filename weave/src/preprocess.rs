//! Weaving as an mdBook preprocessor.

use anyhow::{Result, bail};
use mdbook_preprocessor::book::{Book as MdBook, Chapter};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};

use crate::book::Book;
use crate::check::check;
use crate::render::render;
use crate::source::normalise;
use crate::yours::Yours;

/// The preprocessor. Stock mdBook calls it through the `weave` program; the `book` command
/// registers it in process, under the same name.
pub struct Weave {
    /// Whether drafts are shown. Where they are not, they stand in the contents without a page.
    pub drafts: bool,
    /// Whether the reader's own notes are shown.
    pub yours: bool,
}

impl Preprocessor for Weave {
    fn name(&self) -> &str {
        "weave"
    }

    fn run(&self, ctx: &PreprocessorContext, mut woven: MdBook) -> Result<MdBook> {
        let book = Book::load(&ctx.root)?;
        let problems = check(&book);
        if !problems.is_empty() {
            let listed: Vec<String> = problems.iter().map(ToString::to_string).collect();
            bail!("{}", listed.join("\n"));
        }
        woven.for_each_chapter_mut(|chapter| self.chapter(&book, chapter));
        if self.yours {
            Yours::load(&book).add_to(&book, &mut woven);
        }
        Ok(woven)
    }

    fn supports_renderer(&self, renderer: &str) -> Result<bool> {
        Ok(renderer == "html")
    }
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
        } else {
            chapter.content = render(book, page);
        }
    }
}

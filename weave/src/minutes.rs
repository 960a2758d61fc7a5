//! How long a page takes to read.

use crate::book::Book;
use crate::fence::Fence;
use crate::page::{Block, Page};
use crate::source::Include;

/// How many words of prose are read in a minute.
pub const WORDS: usize = 180;

/// How many lines of code are read in a minute.
pub const LINES: usize = 12;

/// Minutes for the words and the code that are not folded, rounded up.
pub fn minutes(book: &Book, page: &Page) -> usize {
    let code = code_lines(book, page);
    (page.words * LINES + code * WORDS).div_ceil(WORDS * LINES).max(1)
}

/// How many lines of code the reader sees without unfolding anything.
pub fn code_lines(book: &Book, page: &Page) -> usize {
    *page.kept.code_lines.get_or_init(|| {
        let shown = page.blocks.iter().filter(|block| !page.marks.folds(block.range.start));
        shown.map(|block| lines_of(book, page, block)).sum()
    })
}

fn lines_of(book: &Book, page: &Page, block: &Block) -> usize {
    match &block.fence {
        Fence::Rust { .. } | Fence::Go => match Include::parse(&block.body) {
            None => shown_lines(&block.body),
            Some(include) => {
                let found = include.and_then(|include| include.resolve(&book.root, &page.file));
                found.map_or(0, |excerpt| shown_lines(&excerpt.code))
            }
        },
        Fence::Refusal(_) => shown_lines(&block.body),
        Fence::Diff { .. } => block.body.lines().filter(|line| !line.starts_with("--- ")).count(),
        _ => 0,
    }
}

/// The lines of a listing that are not hidden.
pub fn shown_lines(code: &str) -> usize {
    code.lines().filter(|line| !(*line == "#" || line.starts_with("# "))).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::tests::book;

    fn minutes_of(words: usize, rest: &str) -> usize {
        let prose = "word ".repeat(words - 1);
        let book = book(&[("why/a.md", &format!("# T\n\n{prose}\n\n{rest}"))]);
        minutes(&book, &book.pages[0])
    }

    #[test]
    fn words_and_shown_lines_of_code_take_minutes_and_what_is_folded_does_not() {
        assert_eq!(minutes_of(180, ""), 1);
        assert_eq!(minutes_of(181, ""), 2);
        assert_eq!(minutes_of(180, &format!("```rust\n{}```\n", "a();\n".repeat(12))), 2);
        assert_eq!(minutes_of(180, &format!("```rust\n{}```\n", "a();\n".repeat(13))), 3);
        assert_eq!(minutes_of(180, &format!("```rust\n{}```\n", "# a();\n".repeat(12))), 1);
        let folded = format!("word\n\n```rust\n{}```\n", "a();\n".repeat(12));
        assert_eq!(minutes_of(180, &format!("<!-- fold: f -->\n{folded}<!-- /fold -->\n")), 1);
    }
}

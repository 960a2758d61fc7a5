//! A card is asked without its page, so its question may not point at what only the page shows.

use crate::fence::Fence;
use crate::page::{Block, Page};
use crate::problem::{Fault, Problem};

/// Words that point at the page around a card.
const POINTING: [&str; 9] = [
    "this page",
    "this note",
    "above",
    "below",
    "here",
    "the table",
    "the listing",
    "both loops",
    "the same client",
];

/// The question and the answer of a card; `None` if it lacks one.
pub fn sides(body: &str) -> Option<(&str, &str)> {
    let (question, answer) = body.split_once("\n---\n")?;
    let filled = !question.trim().is_empty() && !answer.trim().is_empty();
    filled.then_some((question, answer))
}

/// The questions of a page that can't be understood without it.
pub fn check(page: &Page, problems: &mut Vec<Problem>) {
    for block in &page.blocks {
        if let Some((at, words)) = pointing(block) {
            let what = format!("`{words}` in the question of a card");
            let help = "a card is asked without its page: name the thing";
            problems.push(page.problem(block.line + 1 + at, Fault::new(what, help)));
        }
    }
}

/// The first words that point at the page, and how many lines below the question's first.
fn pointing(block: &Block) -> Option<(usize, &'static str)> {
    let Fence::Recall { .. } = block.fence else {
        return None;
    };
    let (question, _) = sides(&block.body)?;
    let text = question.to_ascii_lowercase().replace('\n', " ");
    let found = POINTING.iter().filter_map(|words| Some((find_words(&text, words)?, *words)));
    let (at, words) = found.min()?;
    Some((question[..at].matches('\n').count(), words))
}

/// Where whole words stand in a text.
fn find_words(text: &str, words: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut places = text.match_indices(words).map(|(at, _)| at);
    places.find(|&at| {
        !text[..at].ends_with(is_part) && !text[at + words.len()..].starts_with(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::tests::book;

    fn said(question: &str) -> Vec<String> {
        let text = format!("# T\n\n```recall,x\n{question}\n---\nHere, and above.\n```\n");
        let book = book(&[("why/a.md", &text)]);
        let mut problems = Vec::new();
        check(&book.pages[0], &mut problems);
        problems.iter().map(|problem| problem.to_string()).collect()
    }

    #[test]
    fn a_question_that_points_at_its_page_is_refused_at_its_line() {
        for words in POINTING {
            let said = said(&format!("What does it say,\nand why {words}?"));
            assert!(said[0].starts_with(&format!("book/why/a.md:5: `{words}`")), "{said:?}");
        }
        assert!(said("By the definition of\nThis note, is it?")[0].starts_with("book/why/a.md:5:"));
        assert!(said("What does this\nnote say?")[0].starts_with("book/why/a.md:4: `this note`"));
    }

    #[test]
    fn parts_of_words_do_not_point() {
        assert_eq!(said("Is there a theorem about the tablecloth, or where?"), [""; 0]);
    }
}

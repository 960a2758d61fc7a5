//! A card is asked without its page, so its question may not point at what only the page shows. Where
//! its answer is what a program printed, it says where that stands.

use std::collections::BTreeSet;

use mdbook_markdown::pulldown_cmark::Event;

use crate::fence::Fence;
use crate::page::{Block, Heading, Page};
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
        if let Fence::Recall { console: Some(console), .. } = &block.fence
            && let Err((at, fault)) = printed(page, block, console)
        {
            problems.push(page.problem(block.line + at, fault));
        }
    }
}

/// The block that a card names by the heading above it, or by its own name where there are several
/// under one heading: `the-race`, `the-race-2`.
pub fn console<'a>(page: &'a Page, named: &str) -> Option<&'a Block> {
    let heading = page.headings.iter().find(|heading| heading.text.eq_ignore_ascii_case(named));
    let id = heading.map_or(named, |heading| heading.id.as_str());
    let name = format!("console::{id}");
    page.blocks.iter().find(|block| block.name == name)
}

/// The heading under which a card's answer is told: that of the console which it names, or of the section
/// that shares the most words with the card, where a word counts the more the fewer sections have it.
/// The title stands for what is above all sections.
pub fn source<'a>(page: &'a Page, block: &Block) -> Option<&'a Heading> {
    let Fence::Recall { console, .. } = &block.fence else { return None };
    if let Some(printed) = console.as_ref().and_then(|named| self::console(page, named)) {
        return page.headings.iter().rfind(|heading| heading.line < printed.line);
    }
    let tells = |at: &usize| !TELLS_NOTHING.contains(&page.headings[*at].text.as_str());
    let lines: Vec<&str> = page.text.lines().collect();
    let sections: Vec<(usize, BTreeSet<String>)> = (0..page.headings.len())
        .take_while(|at| page.headings[*at].text != "Recall")
        .filter(tells)
        .map(|at| {
            let end = page.headings.get(at + 1).map_or(lines.len(), |next| next.line - 1);
            (at, long_words(&lines[page.headings[at].line - 1..end].join("\n")))
        })
        .collect();
    let asked = long_words(&block.body);
    let worth = |word: &String| {
        let having = sections.iter().filter(|(_, words)| words.contains(word)).count();
        1.0 / having.max(1) as f64
    };
    // A long section has many words of every card.
    let shared = |words: &BTreeSet<String>| {
        asked.intersection(words).map(worth).sum::<f64>() / (words.len() as f64 + 1.0).sqrt()
    };
    let told = sections.iter().map(|(at, words)| (shared(words), *at));
    // The first of several that share as much.
    let (_, at) = told.rev().max_by(|one, other| one.0.total_cmp(&other.0))?;
    page.headings.get(at)
}

/// Sections that say again what others tell, or lead elsewhere.
const TELLS_NOTHING: [&str; 4] = ["In one sentence", "Break it", "Fork it", "Sources"];

/// The words of a text, in small letters, without those that every text has.
fn long_words(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| word.chars().count() > 3).map(str::to_lowercase).collect()
}

/// Whether all that the answer has in backticks was printed.
fn printed(page: &Page, block: &Block, named: &str) -> Result<(), (usize, Fault)> {
    let Some(console) = self::console(page, named) else {
        let names = page.blocks.iter().filter_map(|block| block.name.strip_prefix("console::"));
        let what = format!("no console block stands under `{named}`");
        let help = match names.collect::<Vec<_>>()[..] {
            [] => "the page has none".to_owned(),
            ref names => format!("the console blocks are: {}", names.join(", ")),
        };
        return Err((0, Fault::new(what, help)));
    };
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let output = console.body.lines().filter(|line| !line.starts_with("$ "));
    let output = words(&output.collect::<Vec<_>>().join("\n"));
    let Some((question, answer)) = sides(&block.body) else { return Ok(()) };
    let above = question.matches('\n').count() + 3;
    let mut said = 0;
    for (event, range) in page.markdown.parser(answer).into_offset_iter() {
        let Event::Code(code) = event else { continue };
        said += 1;
        if find_words(&output, &words(&code)).is_none() {
            let what = format!("the program does not print `{code}`");
            let help = format!(
                "what an answer has in backticks stands in the output at line {}, which it names",
                console.line
            );
            let at = above + answer[..range.start].matches('\n').count();
            return Err((at, Fault::new(what, help)));
        }
    }
    if said == 0 {
        let help = "write what was printed in backticks, or leave `console` out";
        return Err((0, Fault::new("an answer from a console that quotes nothing of it", help)));
    }
    Ok(())
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

    #[test]
    fn a_card_is_told_in_the_section_that_shares_its_rarest_words() {
        let card = |id: &str, text: &str| format!("```recall,{id}\n{text}\n---\nIt does.\n```\n");
        let text = format!(
            "# T\n\nThe kernel keeps everything.\n\n## The lists\n\nThe kernel keeps the entry on a list.\n\n\
             ## The close\n\nThe kernel forgets the entry.\n\n## In one sentence\n\nForgets the entry on a list.\n\n\
             ## Recall\n\n{}{}{}",
            card("a", "When does the kernel forget: forgets the entry?"),
            card("b", "Where is the entry, on which list?"),
            card("c", "What is everything?")
        );
        let book = book(&[("why/a.md", &text)]);
        let page = &book.pages[0];
        let told = page.blocks.iter().map(|block| source(page, block).unwrap().text.as_str());
        assert_eq!(told.collect::<Vec<_>>(), ["The close", "The lists", "T"]);
    }

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

    /// What is said of a card with this answer, beside a console block.
    fn of_answer(console: &str, answer: &str) -> Vec<String> {
        let text = format!(
            "# T\n\n## The race\n\n```console\n$ a --b\nlevel  ends,\n  1000 of 1000\n```\n\n```console\n$ c\n2\n```\n\n\
             ```recall,x,console={console}\nWhat does it print?\n---\n{answer}\n```\n"
        );
        let book = book(&[("why/a.md", &text)]);
        assert!(book.pages[0].problems.is_empty(), "{:?}", book.pages[0].problems);
        let mut problems = Vec::new();
        check(&book.pages[0], &mut problems);
        problems.iter().map(|problem| problem.to_string()).collect()
    }

    #[test]
    fn an_answer_that_is_an_output_stands_in_it() {
        for (console, answer) in [
            ("the-race", "It ends `1000 of 1000` times, `level ends`, of course."),
            ("\"The race\"", "`ends, 1000`"),
            ("the-race-2", "`2`"),
        ] {
            assert_eq!(of_answer(console, answer), [""; 0], "{console} {answer}");
        }
        let wrong = |console: &str, answer: &str| of_answer(console, answer).concat();
        let said = wrong("the-race", "First.\n\nIt ends `999` times.");
        assert!(said.starts_with("book/why/a.md:21: the program does not print `999`"), "{said}");
        assert!(said.contains("the output at line 5"), "{said}");
        assert!(wrong("the-race", "`100`").contains("does not print"), "a part of a number");
        assert!(wrong("the-race", "`a --b`").contains("does not print"), "a command is no output");
        assert!(wrong("the-race-2", "`1000`").contains("at line 11"));
        assert!(wrong("the-race", "A thousand.").contains("quotes nothing"));
        let said = wrong("the-rase", "`2`");
        assert!(said.contains("the console blocks are: the-race, the-race-2"), "{said}");
    }
}

//! The glossary: a table of terms, and the notes in which each may stand.

use std::path::{Path, PathBuf};

use mdbook_markdown::pulldown_cmark::{Event, Tag, TagEnd};

use crate::book::Book;
use crate::cards;
use crate::fence::Fence;
use crate::needs;
use crate::page::Page;
use crate::problem::{Fault, Problem};
use crate::prose::{self, Prose};
use crate::source::normalise;

/// The page of the glossary, relative to the book's source folder.
pub const GLOSSARY: &str = "glossary.md";

/// The most words of the line that defines a term.
const WORDS: usize = 25;

const ROW: &str = "`| drain law, its other forms | one line | [The note](part/note.md) |`";

/// A term with one meaning in this book.
#[derive(Debug, PartialEq, Eq)]
pub struct Term {
    /// It and its other forms; what ends with one more `s` is a form too.
    pub forms: Vec<String>,
    /// The note that introduces it, relative to the book's source folder.
    pub note: PathBuf,
    /// Its line in the glossary, from 1.
    pub line: usize,
}

/// A cell of a table: its text, and where its links lead.
#[derive(Default)]
struct Cell {
    text: String,
    links: Vec<String>,
}

/// The table's rows below its head, each with its line.
fn rows(page: &Page) -> Vec<(usize, Vec<Cell>)> {
    let mut rows: Vec<(usize, Vec<Cell>)> = Vec::new();
    for (event, range) in page.markdown.parser(&page.text).into_offset_iter() {
        let cell = rows.last_mut().and_then(|(_, cells)| cells.last_mut());
        match (event, cell) {
            (Event::Start(Tag::TableRow), _) => rows.push((page.line(range.start), Vec::new())),
            (Event::Start(Tag::TableCell), _) => {
                if let Some((_, cells)) = rows.last_mut() {
                    cells.push(Cell::default());
                }
            }
            (Event::Start(Tag::Link { dest_url, .. }), Some(cell)) => {
                cell.links.push(dest_url.to_string());
            }
            (Event::Text(text) | Event::Code(text), Some(cell)) => cell.text.push_str(&text),
            (Event::End(TagEnd::Table), _) => rows.push((0, Vec::new())),
            _ => {}
        }
    }
    rows.retain(|(line, _)| *line > 0);
    rows
}

/// The terms of a glossary, and what is wrong with it.
pub fn read(book: &Book, page: &Page) -> (Vec<Term>, Vec<Problem>) {
    let (mut terms, mut problems) = (Vec::<Term>::new(), Vec::new());
    for (line, cells) in rows(page) {
        let mut wrong =
            |what: String, help: &str| problems.push(page.problem(line, Fault::new(what, help)));
        let [term, means, note] = &cells[..] else {
            wrong(format!("a row of {} cells in the glossary", cells.len()), ROW);
            continue;
        };
        let forms = term.text.split(',').map(|form| form.trim().to_ascii_lowercase());
        let forms: Vec<String> = forms.filter(|form| !form.is_empty()).collect();
        let Some(first) = forms.first() else {
            wrong("a row without a term in the glossary".into(), ROW);
            continue;
        };
        let words = means.text.split_whitespace().count();
        if words == 0 || words > WORDS {
            let what = format!("`{first}` is defined in {words} words");
            wrong(what, &format!("one line of at most {WORDS}"));
        }
        let known = |form: &&String| terms.iter().any(|term| term.forms.contains(form));
        if let Some(twice) = forms.iter().find(known) {
            wrong(format!("`{twice}` stands in the glossary twice"), "a term has one meaning");
        }
        match note.links.iter().map(|to| target(page, to)).find_map(|to| book.page(&to)) {
            Some(note) if needs::note(book, &note.name()).is_some() => {
                terms.push(Term { forms, note: note.path.clone(), line });
            }
            _ => wrong(format!("`{first}` links to no note that introduces it"), ROW),
        }
    }
    (terms, problems)
}

/// The page that a link on `page` leads to.
fn target(page: &Page, to: &str) -> PathBuf {
    let path = to.split('#').next().unwrap_or(to);
    if path.is_empty() {
        return page.path.clone();
    }
    normalise(&page.path.parent().unwrap_or(Path::new("")).join(path))
}

/// Terms in notes that neither introduce them nor need a note that does.
pub fn check(book: &Book, problems: &mut Vec<Problem>) {
    let Some(glossary) = book.page(Path::new(GLOSSARY)) else {
        return;
    };
    let (terms, wrong) = read(book, glossary);
    problems.extend(wrong);
    for page in book.pages.iter().filter(|page| page.marks.needs.is_some() && !page.draft) {
        problems
            .extend(page.kept.terms.get_or_init(|| of_page(book, page, &terms)).iter().cloned());
    }
}

/// The terms in a note that neither it nor what it needs introduces.
fn of_page(book: &Book, page: &Page, terms: &[Term]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let needed = needs::all(book, page);
    let is_known =
        |term: &&Term| term.note == page.path || needed.iter().any(|note| note.path == term.note);
    let unknown: Vec<&Term> = terms.iter().filter(|term| !is_known(term)).collect();
    for prose in said(page) {
        for term in &unknown {
            if let Some((at, form)) = find(page, &prose, term) {
                let line = page.line(prose.offset(at));
                problems.push(page.problem(line, not_yet(book, term, form)));
            }
        }
    }
    problems
}

fn not_yet(book: &Book, term: &Term, form: &str) -> Fault {
    let note = book.page(&term.note);
    let (title, name) = note.map_or(("", String::new()), |note| (note.title(), note.name()));
    Fault::new(
        format!("`{form}` stands in a note that does not need the one which introduces it"),
        format!(
            "that is *{title}*, {}: add `{name}` to `needs`, or say it in other words",
            term.note.display()
        ),
    )
}

/// The prose of a note, its cards included. The names of texts under *Sources* are not its words.
fn said(page: &Page) -> Vec<Prose> {
    let mut said = prose::read(page.markdown, &page.text);
    said.retain(|prose| prose.section != "Sources");
    for block in page.blocks.iter().filter(|block| matches!(block.fence, Fence::Recall { .. })) {
        let Some((question, answer)) = cards::sides(&block.body) else {
            continue;
        };
        for side in [question, answer] {
            let Some(at) = page.text[block.range.clone()].find(side) else {
                continue;
            };
            let shift = block.range.start + at;
            said.extend(
                prose::read(page.markdown, side).into_iter().map(|prose| prose.moved(shift)),
            );
        }
    }
    said
}

/// Where a term stands in prose, outside code and outside links to the note that introduces it.
fn find<'a>(page: &Page, prose: &Prose, term: &'a Term) -> Option<(usize, &'a str)> {
    let plain = |text: &str| text.to_ascii_lowercase().replace('-', " ");
    let text = plain(&prose.text);
    let is_explained = |at: usize| {
        prose.code.iter().any(|code| code.contains(&at))
            || prose
                .links
                .iter()
                .any(|(range, to)| range.contains(&at) && target(page, to) == term.note)
    };
    let places = term.forms.iter().flat_map(|form| {
        let places = find_words(&text, &plain(form));
        places.into_iter().map(move |at| (at, form.as_str()))
    });
    places.filter(|(at, _)| !is_explained(*at)).min()
}

/// Where whole words stand, in one number or the other.
fn find_words(text: &str, words: &str) -> Vec<usize> {
    let is_whole = |at: &usize| {
        let after = &text[at + words.len()..];
        let after = after.strip_prefix('s').unwrap_or(after);
        !text[..*at].ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric)
    };
    text.match_indices(words).map(|(at, _)| at).filter(is_whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::tests::book;

    const TABLE: &str = "# Glossary\n\n| term | in one line | note |\n|---|---|---|\n\
         | edge-triggered, edge triggering | Told once. | [B](why/b.md) |\n";

    fn said_with(glossary: &str, c: &str) -> Vec<String> {
        let note = |needs: &str, text: &str| {
            format!("# T\n<!-- needs: {needs}; level: first -->\n{text}\n")
        };
        let (a, b) = (note("", "Plain."), note("a", "Edge-triggered, it is told once."));
        let pages =
            [("glossary.md", glossary), ("why/a.md", &a), ("why/b.md", &b), ("why/c.md", c)];
        let mut problems = Vec::new();
        check(&book(&pages), &mut problems);
        problems.iter().map(|problem| problem.to_string()).collect()
    }

    fn said(needs: &str, text: &str) -> Vec<String> {
        said_with(TABLE, &format!("# T\n<!-- needs: {needs}; level: first -->\n\n{text}\n"))
    }

    #[test]
    fn a_term_may_stand_in_its_note_and_in_those_that_need_it() {
        assert_eq!(said("b", "Edge-triggered."), [""; 0]);
        let said_so = said("a", "One line.\nIt is *edge*-triggered.");
        assert_eq!(
            said_so,
            [
                "book/why/c.md:5: `edge-triggered` stands in a note that does not need the one which \
              introduces it\n    that is *T*, why/b.md: add `b` to `needs`, or say it in other words"
            ]
        );
    }

    #[test]
    fn forms_are_whole_words_in_prose() {
        for form in
            ["Edge triggered.", "an edge\ntriggering", "EDGE-TRIGGEREDs", "- edge-triggered"]
        {
            assert_eq!(said("", form).len(), 1, "{form}");
        }
        for other in [
            "`edge-triggered`",
            "ledge-triggered",
            "edge-triggeredness",
            "[edge-triggered](b.md#x)",
            "```text\nedge-triggered\n```",
            "## Sources\n\n- `epoll(7)`, *Edge-triggered*",
        ] {
            assert_eq!(said("", other), [""; 0], "{other}");
        }
        assert_eq!(
            said("", "[edge-triggered](a.md)").len(),
            1,
            "a link elsewhere explains nothing"
        );
    }

    #[test]
    fn the_words_of_a_card_are_the_notes() {
        let card = "```recall,x\nWhy?\n---\nIt is told,\nedge-triggered, once.\n```\n";
        let said = said("", card);
        assert!(said[0].starts_with("book/why/c.md:8: `edge-triggered`"), "{said:?}");
    }

    #[test]
    fn a_page_that_says_no_needs_is_not_held_to_the_glossary() {
        assert_eq!(said_with(TABLE, "# T\n\nEdge-triggered.\n"), [""; 0]);
    }

    #[test]
    fn the_glossary_has_one_line_and_one_note_for_each_term() {
        let long = "word ".repeat(26);
        for (row, says) in [
            (
                "| a, edge-triggered | One. | [B](why/b.md) |",
                "`edge-triggered` stands in the glossary twice",
            ),
            ("| a | One. | b |", "`a` links to no note that introduces it"),
            ("| a | One. | [B](why/z.md) |", "`a` links to no note that introduces it"),
            ("| a | One. | [G](glossary.md) |", "`a` links to no note that introduces it"),
            ("| a |  | [B](why/b.md) |", "`a` is defined in 0 words"),
            (&format!("| a | {long} | [B](why/b.md) |"), "`a` is defined in 26 words"),
            ("| | One. | [B](why/b.md) |", "a row without a term"),
        ] {
            let said = said_with(&format!("{TABLE}{row}\n"), "# T\n");
            assert_eq!(said.len(), 1, "{row}: {said:?}");
            assert!(said[0].starts_with("book/glossary.md:6: "), "{row}: {said:?}");
            assert!(said[0].contains(says), "{row}: {said:?}");
        }
        let two = "# G\n\n| term | note |\n|---|---|\n| a | [B](why/b.md) |\n";
        assert!(said_with(two, "# T\n")[0].contains("a row of 2 cells"));
    }
}

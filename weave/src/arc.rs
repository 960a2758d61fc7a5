//! The arc of a note: what every note has, and in which order.

use std::ops::Range;

use crate::book::Book;
use crate::fence::Fence;
use crate::minutes::{self, code_lines};
use crate::page::{Block, Heading, Page};
use crate::problem::{Fault, Problem};
use crate::prose;

/// How many words of prose a note has, folded ones aside.
pub const WORDS: Range<usize> = 600..1401;

/// The headings that weave knows, in their order, and whether every note has them.
pub const HEADINGS: [(&str, bool); 7] = [
    ("What to do", true),
    ("In one sentence", true),
    ("Objections", false),
    ("Break it", true),
    ("Fork it", false),
    ("Recall", true),
    ("Sources", true),
];

/// Notes without a whole program: each is about a program that is too long to be shown whole.
const WITHOUT_PROGRAM: [&str; 5] = ["gauntlet", "tokio", "faults", "speed", "queues"];

/// Everything that is wrong with a note in the form of the arc.
pub fn check(book: &Book, page: &Page, problems: &mut Vec<Problem>) {
    let mut wrong = |line, what: String, help: String| {
        problems.push(page.problem(line, Fault::new(what, help)))
    };
    match (&page.marks.needs, &page.opening) {
        (None, _) => {
            let help = "write `<!-- needs: one-note, another; level: first -->` under the title";
            wrong(1, "the note does not say what it needs".into(), help.into());
        }
        (Some(needs), None) => {
            let help = "under `needs` stands a quotation, its first paragraph the plain sentence";
            wrong(needs.line, "the note does not open with its plain sentence".into(), help.into());
        }
        (Some(_), Some(opening)) => {
            for (line, fault) in opening.faults() {
                wrong(line, fault.what, fault.help);
            }
        }
    }
    headings(page, &mut wrong);
    sections(page, &mut wrong);
    folds(page, &mut wrong);
    let is_shown = |block: &Block| !page.marks.folds(block.range.start);
    if !WITHOUT_PROGRAM.contains(&page.name().as_str()) && !page.programs().any(is_shown) {
        let help = "the plain case is a `rust` block that runs, and that nobody must unfold";
        wrong(1, "the note shows no whole program".into(), help.into());
    }
    if !WORDS.contains(&page.words) {
        let help = format!("a note has {} to {}, folded ones aside", WORDS.start, WORDS.end - 1);
        wrong(1, format!("the note has {} words", page.words), help);
    }
    let (code, needs) = (code_lines(book, page), page.marks.needs.as_ref());
    let code_is_subject = needs.is_some_and(|needs| needs.code_is_subject);
    if code * minutes::WORDS > page.words * minutes::LINES && !code_is_subject {
        let what = format!("{code} lines of code take longer to read than {} words", page.words);
        let help = "fold a listing, or write `code: subject` into `needs` if code is the subject";
        wrong(1, what, help.into());
    }
}

type Wrong<'a> = dyn FnMut(usize, String, String) + 'a;

/// The place of a heading among those that weave knows.
fn known(heading: &Heading) -> Option<usize> {
    HEADINGS.iter().position(|(name, _)| name.eq_ignore_ascii_case(heading.text.trim()))
}

fn headings(page: &Page, wrong: &mut Wrong<'_>) {
    let names = HEADINGS.map(|(name, _)| name);
    let order = || format!("the headings end with, in this order: {}", names.join(", "));
    let mut last: Option<usize> = None;
    for heading in page.headings.iter().filter(|heading| heading.level > 1) {
        match known(heading) {
            Some(at) if heading.level != 2 || heading.text != names[at] => {
                let what = format!("`{} {}`", "#".repeat(heading.level), heading.text);
                wrong(heading.line, what, format!("write `## {}`", names[at]));
            }
            Some(at) if last.is_some_and(|last| last >= at) => {
                let above = names[last.unwrap_or_default()];
                wrong(heading.line, format!("`{}` below `{above}`", names[at]), order());
            }
            None if heading.level == 2 && last.is_some() => {
                let above = names[last.unwrap_or_default()];
                wrong(heading.line, format!("`{}` below `{above}`", heading.text), order());
            }
            _ => {}
        }
        last = last.max(known(heading).filter(|_| heading.level == 2));
    }
    for (name, _) in HEADINGS.iter().filter(|(_, required)| *required) {
        if !page.headings.iter().any(|heading| heading.text.eq_ignore_ascii_case(name)) {
            wrong(1, format!("the note has no heading `## {name}`"), order());
        }
    }
}

/// What stands under the headings that weave knows.
fn sections(page: &Page, wrong: &mut Wrong<'_>) {
    let is_card = |block: &Block| matches!(block.fence, Fence::Recall { .. });
    let prose = prose::read(page.markdown, &page.text);
    for heading in page.headings.iter().filter(|heading| known(heading).is_some()) {
        let next = page.headings.iter().find(|h| h.line > heading.line && h.level <= 2);
        let lines = heading.line..next.map_or(usize::MAX, |next| next.line);
        let has = |is: &dyn Fn(&Block) -> bool| {
            page.blocks.iter().any(|block| lines.contains(&block.line) && is(block))
        };
        let line = |prose: &prose::Prose| page.line(prose.offset(0));
        let says =
            prose.iter().any(|prose| lines.contains(&line(prose)) && line(prose) > lines.start);
        let (empty, help) = match heading.text.as_str() {
            "Break it" => (
                !has(&|block| matches!(block.fence, Fence::Diff { .. })),
                "show a `diff` that breaks a test",
            ),
            "Recall" => (!has(&is_card), "ask in a `recall` block for the plain sentence"),
            "Fork it" => (
                !page.marks.places.iter().any(|place| lines.contains(&place.line)),
                "write `<!-- fork: ten minutes -->`",
            ),
            "Sources" => (!says, "name man pages, sources and the like"),
            _ => (!says, "say it, or take the heading out"),
        };
        if empty {
            wrong(
                heading.line,
                format!("nothing of the kind under `{}`", heading.text),
                help.into(),
            );
        }
        if heading.text == "Recall" {
            let elsewhere = |block: &&Block| is_card(block) && !lines.contains(&block.line);
            for card in page.blocks.iter().filter(elsewhere) {
                let help = "its place is under `## Recall`";
                wrong(card.line, "a card in the midst of the note".into(), help.into());
            }
        }
    }
}

/// A fold holds text, listings and consoles.
fn folds(page: &Page, wrong: &mut Wrong<'_>) {
    for block in page.blocks.iter().filter(|block| page.marks.folds(block.range.start)) {
        let what = match block.fence {
            Fence::Diff { .. } => "a diff in a fold",
            Fence::Recall { .. } => "a card in a fold",
            Fence::Folded => "a folded excerpt in a fold",
            _ => continue,
        };
        let help = "a fold holds text, listings and consoles; what is in it is folded already";
        wrong(block.line, what.into(), help.into());
    }
    for heading in page.headings.iter().filter(|h| page.marks.folds(page.start_of(h.line))) {
        let help = "a fold holds text, listings and consoles: put the heading above it";
        wrong(heading.line, format!("the heading `{}` in a fold", heading.text), help.into());
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::book::tests::book;

    /// A note as it should be.
    pub(crate) fn note() -> String {
        let words = "Ten words of prose are what this one line has.\n".repeat(60);
        format!(
            "# T\n<!-- needs: ; level: first -->\n> Read on.\n>\n> **Exactly** (Linux): So. \
             [Proof](test:a::b)\n\n{words}\n```rust\nfn main() {{}}\n```\n\n## What to do\n\nThis.\n\n\
             ## In one sentence\n\nThat.\n\n## Break it\n\n```diff,name=x,test=a::b,hangs\n-a\n```\n\n\
             ## Recall\n\n```recall,x\nWhy?\n---\nSo.\n```\n\n## Sources\n\n- `epoll(7)`\n"
        )
    }

    fn said(text: &str) -> Vec<String> {
        said_of("why/a.md", text)
    }

    fn said_of(path: &str, text: &str) -> Vec<String> {
        let book = book(&[(path, text)]);
        let mut problems = Vec::new();
        check(&book, &book.pages[0], &mut problems);
        problems.iter().map(|problem| problem.to_string()).collect()
    }

    #[test]
    fn a_note_in_the_form_of_the_arc_passes() {
        assert_eq!(said(&note()), [""; 0]);
    }

    #[test]
    fn what_a_note_must_have_is_missed() {
        for (without, says) in [
            ("<!-- needs: ; level: first -->\n", "a.md:1: the note does not say what it needs"),
            (
                "> Read on.\n>\n> **Exactly** (Linux): So. [Proof](test:a::b)\n",
                "a.md:2: the note does not open",
            ),
            ("> Read on.\n>\n", "a.md:3: the note has no plain sentence"),
            ("## What to do\n", "a.md:1: the note has no heading `## What to do`"),
            ("## In one sentence\n", "no heading `## In one sentence`"),
            ("## Break it\n", "no heading `## Break it`"),
            ("## Recall\n", "no heading `## Recall`"),
            ("## Sources\n", "no heading `## Sources`"),
            ("```diff,name=x,test=a::b,hangs\n-a\n```\n", "under `Break it`\n    show a `diff`"),
            ("```recall,x\nWhy?\n---\nSo.\n```\n", "under `Recall`"),
            ("- `epoll(7)`\n", "under `Sources`"),
            ("This.\n", "under `What to do`"),
            ("```rust\nfn main() {}\n```\n", "a.md:1: the note shows no whole program"),
        ] {
            let text = note();
            assert!(text.contains(without), "{without}");
            let said = said(&text.replacen(without, "", 1));
            assert!(said.iter().any(|said| said.contains(says)), "{without:?}: {said:#?}");
        }
    }

    #[test]
    fn headings_stand_in_their_order_and_none_between_them() {
        let swapped = note().replace("## Recall", "## X").replace("## Break it", "## Recall");
        let said_swapped = said(&swapped.replace("## X", "## Break it"));
        assert!(
            said_swapped.iter().any(|said| said.contains("`Break it` below `Recall`")),
            "{said_swapped:#?}"
        );
        let between = said(&note().replace("## Recall", "## More\n\nText.\n\n## Recall"));
        assert!(between[0].contains("`More` below `Break it`"), "{between:#?}");
        for wrong in ["### Sources", "## sources"] {
            let said = said(&note().replace("## Sources", wrong));
            assert!(said[0].contains("write `## Sources`"), "{said:#?}");
        }
        let twice = said(
            &note().replace("## Sources", "## Recall\n\n```recall,y\nA\n---\nB\n```\n\n## Sources"),
        );
        assert!(twice.iter().any(|said| said.contains("`Recall` below `Recall`")), "{twice:#?}");
        let objections = note().replace("## Break it", "## Objections\n\nNone.\n\n## Break it");
        assert_eq!(said(&objections), [""; 0]);
    }

    #[test]
    fn a_program_in_a_fold_is_not_the_one_that_a_note_shows() {
        let folded = note()
            .replace("```rust\n", "<!-- fold: f -->\n```rust\n")
            .replace("{}\n```\n", "{}\n```\n<!-- /fold -->\n");
        assert!(said(&folded)[0].contains("no whole program"), "{:?}", said(&folded));
        assert_eq!(said_of("small-mio/gauntlet.md", &folded), [""; 0]);
    }

    #[test]
    fn words_that_are_folded_do_not_count() {
        let more = "word ".repeat(900);
        let long = note().replace("## What", &format!("{more}\n\n## What"));
        assert!(said(&long)[0].contains("the note has 15"), "{:?}", said(&long));
        let folded = note()
            .replace("## What", &format!("<!-- fold: f -->\n{more}\n<!-- /fold -->\n## What"));
        assert_eq!(said(&folded), [""; 0]);
        let exactly = note().replace("So. [", &format!("{more} ["));
        assert_eq!(said(&exactly), [""; 0]);
        let short =
            said(&note().replacen("Ten words of prose are what this one line has.\n", "", 10));
        assert!(short[0].contains("the note has 5"), "{short:?}");
    }

    #[test]
    fn a_note_shows_more_prose_than_code_unless_code_is_its_subject() {
        let code = format!("```rust\nfn main() {{}}\n```\n\n```rust\n{}```\n", "a();\n".repeat(50));
        let long = note().replace("```rust\nfn main() {}\n```\n", &code);
        assert!(said(&long)[0].contains("lines of code take longer to read"), "{:?}", said(&long));
        assert_eq!(said(&long.replace("level: first", "level: first; code: subject")), [""; 0]);
    }

    #[test]
    fn a_fold_holds_no_card_no_diff_and_no_heading() {
        for (opened, says) in [
            ("```diff", "a diff in a fold"),
            ("```recall", "a card in a fold"),
            ("## Sources", "the heading `Sources` in a fold"),
        ] {
            let folded = format!(
                "{}\n<!-- /fold -->\n",
                note().replace(opened, &format!("<!-- fold: f -->\n{opened}"))
            );
            let said = said(&folded);
            assert!(said.iter().any(|said| said.contains(says)), "{said:#?}");
        }
    }
}

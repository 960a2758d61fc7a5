//! The sections of a note, each marked as what it is in the arc.

use std::ops::Range;

use crate::page::{Heading, Page};

/// Behind the heading of the surprise, where that is not the section before *What to do*.
const SURPRISE: &str = "{.surprise}";

/// What surrounds each section of a note in the form of the arc, by the bytes before which it stands.
pub fn marks(page: &Page) -> Vec<(Range<usize>, String)> {
    let mut marks = Vec::new();
    if page.marks.needs.is_none() {
        return marks;
    }
    let headings: Vec<_> = page.headings.iter().filter(|heading| heading.level <= 2).collect();
    let title = |at: usize| headings.get(at).map(|heading| heading.text.as_str());
    let is_marked = |heading: &Heading| {
        let line = page.text[page.start_of(heading.line)..].lines().next().unwrap_or("");
        line.trim_end().ends_with(SURPRISE)
    };
    let marked = headings.iter().any(|heading| is_marked(heading));
    for (at, heading) in headings.iter().enumerate().filter(|(_, heading)| heading.level == 2) {
        let class = match &heading.text[..] {
            "What to do" => "what-to-do",
            "In one sentence" => "in-one-sentence",
            "Objections" => "objections",
            "Break it" => "break-it",
            "Fork it" => "fork-it",
            "Recall" => "cards",
            "Sources" => "sources",
            _ if is_marked(heading) => "surprise",
            // Where they are one section, it is the surprise that makes it worth reading.
            _ if !marked && title(at + 1) == Some("What to do") => "surprise",
            _ if headings[..at].iter().all(|before| before.level == 1) => "plain-case",
            _ => continue,
        };
        let start = page.start_of(heading.line);
        let end = headings.get(at + 1).map_or(page.text.len(), |next| page.start_of(next.line));
        marks.push((start..start, format!("<section class=\"{class}\">\n\n")));
        marks.push((end..end, "\n</section>\n\n".into()));
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_section_is_marked_as_what_it_is() {
        let page = |text: String| {
            let mut marks = Vec::new();
            let page = Page::parse("book/a.md".as_ref(), "a.md".as_ref(), text);
            for (_, mark) in super::marks(&page) {
                marks.extend(mark.split('"').nth(1).map(str::to_owned));
            }
            marks
        };
        let arc = "# T\n<!-- needs: ; level: first -->\n\n> S.\n\n## A\n\n## B\n\n### B1\n\n## C\n\n\
                   ## What to do\n\n## In one sentence\n\n## Recall\n\n## Sources\n";
        let classes =
            ["plain-case", "surprise", "what-to-do", "in-one-sentence", "cards", "sources"];
        assert_eq!(page(arc.into()), classes);
        let marked = page(arc.replace("## B\n", "## B {.surprise}\n"));
        assert_eq!(marked, classes, "another section of the same class");
        let first = page(arc.replace("## A\n", "## A {.surprise}\n"));
        assert_eq!(first, &classes[1..]);
        assert!(page(arc.replace("<!-- needs: ; level: first -->\n", "")).is_empty());
    }
}

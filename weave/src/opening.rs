//! How a note opens: the plain sentence, and folded below it what is exactly true, with its proof.

use std::ops::Range;

use mdbook_markdown::pulldown_cmark::{Event, Tag, TagEnd};

use crate::mdbook::Markdown;
use crate::problem::Fault;

/// The most words of the plain sentence.
pub const PLAIN: usize = 20;

/// The most words of the line for who uses tokio alone.
pub const ASIDE: usize = 40;

const FORM: &str = "\
> The plain sentence.
>
> **Exactly** (Linux): the contract, with its exceptions. [Proof](test:crate::test)";

/// The quotation under a note's title.
#[derive(Debug, Default)]
pub struct Opening {
    paragraphs: Vec<Paragraph>,
    /// The bytes of the page that the whole quotation takes.
    pub range: Range<usize>,
    /// Where something stands in it that is no paragraph.
    other: Option<usize>,
}

#[derive(Debug, Default)]
struct Paragraph {
    /// The line, from 1.
    line: usize,
    /// The byte of the page at which it begins.
    start: usize,
    /// As Markdown, without the quotation's marks.
    source: String,
    words: usize,
    links: usize,
    proven: bool,
    exactly: bool,
}

impl Opening {
    /// Reads the quotation that takes `range` of a page.
    pub fn read(markdown: Markdown, text: &str, range: Range<usize>) -> Opening {
        let mut opening = Opening { range: range.clone(), ..Opening::default() };
        let (mut depth, mut bold) = (0, false);
        let parser = markdown.parser(&text[range.clone()]).into_offset_iter();
        for (event, at) in parser {
            let (start, end) = (range.start + at.start, range.start + at.end);
            match (&event, opening.paragraphs.last_mut()) {
                (Event::Start(Tag::Paragraph), _) if depth == 1 => {
                    opening.paragraphs.push(Paragraph::new(markdown, text, start..end));
                }
                (Event::Start(_), _) if depth == 1 => opening.other = Some(line(text, start)),
                (Event::Start(Tag::Link { dest_url, .. }), Some(paragraph)) => {
                    paragraph.links += 1;
                    paragraph.proven |= dest_url.starts_with("test:");
                }
                (Event::Start(Tag::Strong), Some(paragraph)) => bold = paragraph.start == start,
                (Event::End(TagEnd::Strong), _) => bold = false,
                (Event::Text(text), Some(paragraph)) if bold => {
                    paragraph.exactly = text.trim() == "Exactly";
                }
                _ => {}
            }
            match event {
                Event::Start(_) => depth += 1,
                Event::End(_) => depth -= 1,
                _ => {}
            }
        }
        opening
    }

    /// The first paragraph that begins with a bold **Exactly**.
    fn exactly(&self) -> Option<usize> {
        self.paragraphs.iter().position(|paragraph| paragraph.exactly)
    }

    /// Whether a byte of the page is in what is folded.
    pub fn folds(&self, offset: usize) -> bool {
        let from = self.exactly().map(|at| self.paragraphs[at].start);
        from.is_some_and(|from| (from..self.range.end).contains(&offset))
    }

    /// What is wrong with it, each with its line.
    pub fn faults(&self) -> Vec<(usize, Fault)> {
        let mut faults = Vec::new();
        let mut wrong =
            |line, what: String, help: &str| faults.push((line, Fault::new(what, help)));
        if let Some(line) = self.other {
            wrong(line, "the opening quotation holds more than paragraphs".into(), FORM);
        }
        let exactly = self.exactly();
        let (before, after) = self.paragraphs.split_at(exactly.unwrap_or(self.paragraphs.len()));
        let first = self.paragraphs.first().map_or(1, |paragraph| paragraph.line);
        match before {
            [] => wrong(first, "the note has no plain sentence".into(), FORM),
            [plain, aside @ ..] => {
                if plain.words > PLAIN {
                    let what = format!("a plain sentence of {} words", plain.words);
                    let help = format!("at most {PLAIN}: what a reader would repeat at work");
                    wrong(plain.line, what, &help);
                }
                if plain.links > 0 {
                    let help = "the links stand under **Exactly**";
                    wrong(plain.line, "a link in the plain sentence".into(), help);
                }
                if let Some(aside) = aside.first().filter(|aside| aside.words > ASIDE) {
                    let what = format!("a second paragraph of {} words", aside.words);
                    let help =
                        format!("at most {ASIDE}: where it is safe for who uses tokio alone");
                    wrong(aside.line, what, &help);
                }
                if let Some(third) = aside.get(1) {
                    let help = "the plain sentence, one paragraph for who uses tokio, **Exactly**";
                    wrong(third.line, "a third paragraph before **Exactly**".into(), help);
                }
            }
        }
        match after {
            [] => wrong(first, "the note does not say what is exactly true".into(), FORM),
            [exactly, ..] => {
                if exactly.platform().is_none() {
                    wrong(exactly.line, "**Exactly** names no platform".into(), FORM);
                }
                if !after.iter().any(|paragraph| paragraph.proven) {
                    wrong(exactly.line, "**Exactly** links to no test that proves it".into(), FORM);
                }
            }
        }
        faults
    }

    /// The opening as it is shown: the sentence at once, the contract on demand.
    pub fn html(&self) -> String {
        let exactly = self.exactly().unwrap_or(self.paragraphs.len());
        let (before, after) = self.paragraphs.split_at(exactly);
        let joined = |paragraphs: &[Paragraph]| {
            let each: Vec<&str> = paragraphs.iter().map(|p| p.source.as_str()).collect();
            each.join("\n\n")
        };
        let mut out = String::from("<div class=\"opening\">\n\n");
        if let [plain, aside @ ..] = before {
            out += &format!("<div class=\"plain\">\n\n{}\n\n</div>\n\n", plain.source);
            out += &joined(aside);
        }
        if let [first, rest @ ..] = after {
            let (platform, said) = first.platform().unwrap_or(("", &first.source));
            out += &format!(
                "\n\n<details class=\"exactly\">\n<summary>Exactly {platform}</summary>\n\n\
                 {said}\n\n{}\n\n</details>\n",
                joined(rest)
            );
        }
        out + "\n</div>\n\n"
    }
}

impl Paragraph {
    fn new(markdown: Markdown, text: &str, range: Range<usize>) -> Paragraph {
        let lines = text[range.clone()].lines().map(|line| {
            let inside = line.trim_start();
            inside.strip_prefix('>').map_or(inside, str::trim_start)
        });
        let source = lines.collect::<Vec<_>>().join("\n").trim_end().to_owned();
        let words = crate::prose::read(markdown, &source).iter().map(|prose| prose.words()).sum();
        let (line, start) = (line(text, range.start), range.start);
        Paragraph { line, start, source, words, ..Paragraph::default() }
    }

    /// The platform in brackets and what follows it, of a paragraph that begins with **Exactly**.
    fn platform(&self) -> Option<(&str, &str)> {
        let rest = self.source.strip_prefix("**Exactly**")?.trim_start();
        let (platform, said) = rest.split_at_checked(rest.find(')')? + 1)?;
        let said = said.strip_prefix(':')?.trim();
        (platform.starts_with('(') && platform.len() > 2).then_some((platform, said))
    }
}

fn line(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(quote: &str) -> Opening {
        let text = format!("# T\n{quote}\n");
        Opening::read(Markdown::default(), &text, 4..text.len())
    }

    const EXACTLY: &str =
        ">\n> **Exactly** (Linux): When\n> so, so. [Proof](test:a::b)\n>\n> Not else.";

    #[test]
    fn the_plain_sentence_is_shown_and_the_contract_folded() {
        let opening =
            opening(&format!("> Read until nothing\n> is left.\n>\n> In tokio: safe.\n{EXACTLY}"));
        assert!(opening.faults().is_empty(), "{:?}", opening.faults());
        assert_eq!(
            opening.html(),
            "<div class=\"opening\">\n\n<div class=\"plain\">\n\nRead until nothing\nis left.\n\n</div>\n\n\
             In tokio: safe.\n\n<details class=\"exactly\">\n<summary>Exactly (Linux)</summary>\n\n\
             When\nso, so. [Proof](test:a::b)\n\nNot else.\n\n</details>\n\n</div>\n\n"
        );
        let text = "# T\n> Read until nothing\n";
        assert!(!opening.folds(text.len() - 1) && opening.folds(opening.range.end - 3));
    }

    #[test]
    fn an_opening_in_another_form_is_refused_at_its_line() {
        let long = "word ".repeat(PLAIN + 1);
        let aside = "word ".repeat(ASIDE + 1);
        for (quote, line, says) in [
            (format!("> {long}\n{EXACTLY}"), 2, "a plain sentence of 21 words"),
            (format!("> See [it](a.md).\n{EXACTLY}"), 2, "a link in the plain sentence"),
            (EXACTLY.to_owned(), 3, "no plain sentence"),
            (format!("> Plain.\n>\n> {aside}\n{EXACTLY}"), 4, "a second paragraph of 41 words"),
            (format!("> Plain.\n>\n> One.\n>\n> Two.\n{EXACTLY}"), 6, "a third paragraph"),
            ("> Plain.\n>\n> And so on.".into(), 2, "does not say what is exactly true"),
            ("> Plain.\n>\n> **Exactly**: So. [Proof](test:a::b)".into(), 4, "names no platform"),
            ("> Plain.\n>\n> **Exactly** (Linux): So.".into(), 4, "links to no test"),
            (format!("> Plain.\n>\n> - item\n{EXACTLY}"), 4, "more than paragraphs"),
        ] {
            let faults = opening(&quote).faults();
            assert_eq!(faults.len(), 1, "{quote}: {faults:?}");
            assert_eq!(faults[0].0, line, "{quote}: {faults:?}");
            assert!(faults[0].1.what.contains(says), "{quote}: {faults:?}");
        }
    }
}

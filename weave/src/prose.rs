//! The prose of a page: what stands outside its blocks, paragraph by paragraph.

use std::ops::Range;

use mdbook_markdown::pulldown_cmark::{Event, HeadingLevel, Tag, TagEnd};

use crate::mdbook::Markdown;

/// A paragraph, a heading, a list item or a cell of a table, as plain text.
#[derive(Debug, Default, Clone)]
pub struct Prose {
    /// What a reader sees, on one line.
    pub text: String,
    /// The heading of the second level above it; its own text for such a heading.
    pub section: String,
    /// Where in `text` there is code.
    pub code: Vec<Range<usize>>,
    /// Where in `text` there are links, and where these lead.
    pub links: Vec<(Range<usize>, String)>,
    /// Where pieces of `text` stand in the source: byte in `text`, byte in the source.
    spots: Vec<(usize, usize)>,
}

impl Prose {
    /// The byte of the source at which a byte of `text` stands.
    pub fn offset(&self, at: usize) -> usize {
        let before = self.spots.iter().rev().find(|(inside, _)| *inside <= at);
        before.map_or(0, |(inside, offset)| offset + (at - inside))
    }

    /// How many words it has, those of code included.
    pub fn words(&self) -> usize {
        self.text.split_whitespace().count()
    }

    /// The same prose, where the text that it was read from stands so far down in another.
    pub fn moved(mut self, by: usize) -> Prose {
        for (_, offset) in &mut self.spots {
            *offset += by;
        }
        self
    }

    fn push(&mut self, text: &str, offset: usize) {
        self.spots.push((self.text.len(), offset));
        self.text.push_str(text);
    }
}

/// All prose of a Markdown text, in order.
pub fn read(markdown: Markdown, text: &str) -> Vec<Prose> {
    let mut found = Vec::new();
    let (mut now, mut section) = (Prose::default(), String::new());
    let mut links: Vec<(usize, String)> = Vec::new();
    let mut in_block = false;
    for (event, range) in markdown.parser(text).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_block = true,
            Event::End(TagEnd::CodeBlock) => in_block = false,
            Event::Text(text) if !in_block => now.push(&text, range.start),
            Event::Code(text) => {
                let from = now.text.len();
                now.push(&text, range.start);
                now.code.push(from..now.text.len());
            }
            Event::SoftBreak | Event::HardBreak => now.push(" ", range.start),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                links.push((now.text.len(), dest_url.to_string()));
            }
            Event::End(TagEnd::Link | TagEnd::Image) => {
                if let Some((from, to)) = links.pop() {
                    now.links.push((from..now.text.len(), to));
                }
            }
            Event::Start(Tag::Emphasis | Tag::Strong | Tag::Strikethrough)
            | Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough) => {}
            Event::Start(_) | Event::End(_) => {
                if event == Event::End(TagEnd::Heading(HeadingLevel::H2)) {
                    section.clone_from(&now.text);
                }
                if !now.text.is_empty() {
                    now.section.clone_from(&section);
                    found.push(std::mem::take(&mut now));
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_what_stands_outside_blocks_and_knows_its_place() {
        let text =
            "# T\n\nOne *two*\n`three` [four](a.md).\n\n```text\nno\n```\n\n## S\n\n- five\n";
        let found = read(Markdown::default(), text);
        let texts: Vec<&str> = found.iter().map(|prose| prose.text.as_str()).collect();
        assert_eq!(texts, ["T", "One two three four.", "S", "five"]);
        let sections: Vec<&str> = found.iter().map(|prose| prose.section.as_str()).collect();
        assert_eq!(sections, ["", "", "S", "S"]);
        let paragraph = &found[1];
        assert_eq!(&paragraph.text[paragraph.code[0].clone()], "three");
        assert_eq!(paragraph.links, [(14..18, "a.md".to_owned())]);
        let at = paragraph.text.find("four").unwrap();
        assert!(text[paragraph.offset(at)..].starts_with("four]"));
        assert_eq!(paragraph.words(), 4);
    }
}

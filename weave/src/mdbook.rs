//! What mdBook makes of a page: its parser, and the ids of the built page.

use std::collections::HashSet;
use std::path::Path;
use std::str::FromStr;

pub use mdbook_markdown::pulldown_cmark;
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};
use mdbook_preprocessor::config::Config;
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use crate::problem::{Fault, Problem};
use crate::text;

/// mdBook's configuration, relative to the root of the repository.
pub const CONFIG: &str = "book.toml";

/// How mdBook reads Markdown, as `book.toml` sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Markdown {
    smart_punctuation: bool,
    definition_lists: bool,
    admonitions: bool,
}

impl Default for Markdown {
    fn default() -> Markdown {
        let MarkdownOptions { smart_punctuation, definition_lists, admonitions, .. } =
            MarkdownOptions::default();
        Markdown { smart_punctuation, definition_lists, admonitions }
    }
}

impl Markdown {
    /// As the book under `root` sets it.
    pub fn of(root: &Path) -> Result<Markdown, Problem> {
        let problem = |what: String| Fault::new(what, "").at(CONFIG, 1);
        let text = text::read(&root.join(CONFIG)).map_err(|error| problem(error.to_string()))?;
        let config = Config::from_str(&text).map_err(|error| problem(format!("{error:#}")))?;
        let html = config.html_config().unwrap_or_default();
        Ok(Markdown {
            smart_punctuation: html.smart_punctuation,
            definition_lists: html.definition_lists,
            admonitions: html.admonitions,
        })
    }

    /// mdBook's own parser.
    pub fn parser<'a>(&self, text: &'a str) -> Parser<'a> {
        let mut options = MarkdownOptions::default();
        options.smart_punctuation = self.smart_punctuation;
        options.definition_lists = self.definition_lists;
        options.admonitions = self.admonitions;
        new_cmark_parser(text, &options)
    }

    /// Every id in the page that mdBook builds of this text.
    pub fn ids(&self, text: &str) -> Vec<String> {
        let mut anchors = Anchors::default();
        let mut found = Vec::new();
        for event in self.parser(text) {
            match &event {
                Event::Html(html) | Event::InlineHtml(html) => {
                    let written = html.split(" id=\"").skip(1);
                    found.extend(written.filter_map(|rest| Some(rest.split_once('"')?.0.into())));
                }
                Event::Start(Tag::FootnoteDefinition(name)) => {
                    found.push(format!("footnote-{name}"));
                }
                _ => {}
            }
            found.extend(anchors.event(&event).map(|anchor| anchor.id));
        }
        found
    }
}

/// A heading, or a term of a list of definitions, with the id that mdBook gives it.
#[derive(Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Plain text.
    pub text: String,
    /// The fragment that leads to it.
    pub id: String,
}

/// Follows the events of a page and knows the ids that mdBook gives out. mdBook does not export how
/// it does; a test of this repository compares this with what it builds.
#[derive(Debug, Default)]
pub struct Anchors {
    used: HashSet<String>,
    /// The id that the author wrote, and the text so far.
    open: Option<(Option<String>, String)>,
    images: usize,
    footnotes: Vec<String>,
}

impl Anchors {
    /// The anchor that ends with this event, if one does.
    pub fn event(&mut self, event: &Event<'_>) -> Option<Anchor> {
        match event {
            Event::Start(Tag::Heading { id, .. }) => {
                self.open = Some((id.as_ref().map(ToString::to_string), String::new()));
            }
            Event::Start(Tag::DefinitionListTitle) => self.open = Some((None, String::new())),
            Event::End(TagEnd::Heading(_) | TagEnd::DefinitionListTitle) => return self.close(),
            // What stands for an image where none is shown is no text.
            Event::Start(Tag::Image { .. }) => self.images += 1,
            Event::End(TagEnd::Image) => self.images -= 1,
            Event::Text(text) | Event::Code(text) if self.images == 0 => self.push(text),
            Event::SoftBreak if self.images == 0 => self.push("\n"),
            Event::FootnoteReference(name) => {
                let number = self.number(name).to_string();
                self.push(&number);
            }
            _ => {}
        }
        None
    }

    fn push(&mut self, text: &str) {
        if let Some((_, open)) = &mut self.open {
            open.push_str(text);
        }
    }

    /// Footnotes are numbered as they are first mentioned.
    fn number(&mut self, name: &str) -> usize {
        let known = self.footnotes.iter().position(|footnote| footnote == name);
        known.map_or_else(
            || {
                self.footnotes.push(name.to_owned());
                self.footnotes.len()
            },
            |at| at + 1,
        )
    }

    /// An id that the author wrote is taken as it is, and not counted.
    fn close(&mut self) -> Option<Anchor> {
        let (id, text) = self.open.take()?;
        let id = id.unwrap_or_else(|| {
            let wanted = heading_id(&text);
            let numbered = (1..).map(|n| format!("{wanted}-{n}"));
            let mut free = std::iter::once(wanted.clone()).chain(numbered);
            free.find(|id| self.used.insert(id.clone())).unwrap_or(wanted)
        });
        Some(Anchor { text, id })
    }
}

/// The letters and digits of a text in lower case, its blanks as dashes.
fn heading_id(text: &str) -> String {
    let keep = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c),
        c if c.is_whitespace() => Some('-'),
        _ => None,
    };
    text.trim().to_lowercase().chars().filter_map(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_smart_punctuation() {
        let ids = Markdown::default().ids("## What --patience does\n\n## A `--b`: \"c\"\n");
        assert_eq!(ids, ["what-patience-does", "a---b-c"]);
        let plain = Markdown { smart_punctuation: false, ..Markdown::default() };
        assert_eq!(plain.ids("## What --patience does\n"), ["what---patience-does"]);
    }
}

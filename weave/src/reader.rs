//! The walk over a page's Markdown that takes it apart.

use std::ops::Range;

use mdbook_markdown::pulldown_cmark::{CodeBlockKind, Event, LinkType, Tag, TagEnd};

use crate::fence::{Fence, Refusal};
use crate::mdbook::{Anchors, Markdown};
use crate::page::{Block, Heading, Link, Page};
use crate::problem::Fault;
use crate::source::Include;

/// Walks over the Markdown events of one page, or of a card in it.
pub struct Reader<'a> {
    page: &'a mut Page,
    text: &'a str,
    /// How many lines of the page stand above the text.
    above: usize,
    anchors: Anchors,
    heading: Option<(usize, usize)>,
    block: Option<(String, Range<usize>, String)>,
    /// Where the last text ended, and with what: a bracket that is text is in no link.
    bracket: Option<(usize, char)>,
    /// The footnotes: defined, and mentioned, each with its line.
    footnotes: [Vec<(String, usize)>; 2],
}

impl<'a> Reader<'a> {
    /// A reader of `text` that puts what it finds into `page`.
    pub fn new(page: &'a mut Page, text: &'a str, above: usize) -> Self {
        Reader {
            page,
            text,
            above,
            anchors: Anchors::default(),
            heading: None,
            block: None,
            bracket: None,
            footnotes: Default::default(),
        }
    }

    fn line(&self, offset: usize) -> usize {
        self.above + self.text[..offset].matches('\n').count() + 1
    }

    /// Reads everything.
    pub fn read(mut self, markdown: Markdown) {
        for (event, range) in markdown.parser(self.text).into_offset_iter() {
            if let Some(anchor) = self.anchors.event(&event) {
                self.end_heading(anchor.text, anchor.id);
            }
            self.event(event, range, markdown);
        }
        self.end_footnotes();
    }

    fn event(&mut self, event: Event<'_>, range: Range<usize>, markdown: Markdown) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                self.block = Some((info.to_string(), range, String::new()));
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => {
                self.block = Some(("an indented block".into(), range, String::new()));
            }
            Event::End(TagEnd::CodeBlock) => self.end_block(markdown),
            Event::Start(Tag::Heading { level, .. }) => {
                self.heading = Some((level as usize, self.line(range.start)));
            }
            Event::Start(Tag::Link { link_type, dest_url, .. }) => {
                self.link(link_type, &dest_url, range);
            }
            Event::Start(Tag::Image { dest_url, .. }) => {
                let line = self.line(range.start);
                self.page.links.push(Link { to: dest_url.to_string(), line, image: true });
            }
            Event::Start(Tag::FootnoteDefinition(name)) => self.footnote(0, &name, range),
            Event::FootnoteReference(name) => self.footnote(1, &name, range),
            Event::Text(text) => {
                self.brackets(&text, &range);
                self.text(&text, range);
            }
            Event::Code(text) => self.text(&text, range),
            Event::SoftBreak | Event::HardBreak => self.text(" ", range),
            Event::Html(html) | Event::InlineHtml(html) => self.html(&html, range),
            _ => {}
        }
    }

    fn link(&mut self, kind: LinkType, to: &str, range: Range<usize>) {
        let line = self.line(range.start);
        let to = if kind == LinkType::Email { format!("mailto:{to}") } else { to.to_owned() };
        // Only this form is replaced when the page is woven.
        if to.starts_with("test:") && !self.text[range.clone()].contains(&format!("]({to})")) {
            let what = format!("a link to `{to}` in another form");
            self.problem(range.start, &what, "a link to a test is `[words](test:crate::name)`");
        }
        self.page.links.push(Link { to, line, image: false });
    }

    /// `[words][name]` and `[^name]` without a definition of the name are shown as they stand.
    fn brackets(&mut self, text: &str, range: &Range<usize>) {
        let after = self.bracket.filter(|(end, _)| self.block.is_none() && *end == range.start);
        let (what, help) = match (after, text.chars().next()) {
            (Some((_, ']')), Some('[')) => {
                ("a link whose name stands nowhere", "add a line `[name]: where/it/leads.md`")
            }
            (Some((_, '[')), Some('^')) => {
                ("a footnote that stands nowhere", "add a line `[^name]: the note`")
            }
            _ => ("", ""),
        };
        if !what.is_empty() {
            self.problem(range.start, what, help);
        }
        self.bracket = text.chars().last().map(|last| (range.end, last));
    }

    fn footnote(&mut self, which: usize, name: &str, range: Range<usize>) {
        let line = self.line(range.start);
        self.footnotes[which].push((name.to_owned(), line));
    }

    /// mdBook shows a footnote where it is mentioned, and the first of its name.
    fn end_footnotes(&mut self) {
        let [defined, mentioned] = std::mem::take(&mut self.footnotes);
        let has = |all: &[(String, usize)], name: &str| all.iter().any(|(other, _)| other == name);
        let mut wrong = |line: usize, what: String, help: &str| {
            self.page.problems.push(Fault::new(what, help).at(&self.page.file, line));
        };
        for (at, (name, line)) in defined.iter().enumerate() {
            if has(&defined[..at], name) {
                wrong(*line, format!("a second footnote `{name}`"), "mdBook shows the first alone");
            }
            if !has(&mentioned, name) {
                let help = format!("mention it as `[^{name}]`, or take it out");
                wrong(*line, format!("no reader will see the footnote `{name}`"), &help);
            }
        }
    }

    fn text(&mut self, text: &str, range: Range<usize>) {
        if let Some((_, _, body)) = &mut self.block {
            body.push_str(text);
            return;
        }
        if text.contains("{{#") {
            self.problem(range.start, "an include outside a `rust` block", "put it in one, alone");
        }
    }

    /// Comments are the author's; any other HTML would go unchecked.
    fn html(&mut self, html: &str, range: Range<usize>) {
        let html = html.trim();
        if !html.is_empty() && !html.starts_with("<!--") {
            let what = format!("HTML in a page: `{html}`");
            self.problem(range.start, &what, "write it in Markdown; the page language has no HTML");
        }
    }

    fn end_block(&mut self, markdown: Markdown) {
        let Some((info, range, body)) = self.block.take() else {
            return;
        };
        let line = self.line(range.start);
        if self.above > 0 {
            let help = "write code in the text of a card between single backticks";
            return self.problem(range.start, "a block in a card, which nothing proves", help);
        }
        match Fence::parse(&info) {
            Ok(fence) => {
                if let Fence::Recall { .. } = fence {
                    let (question, answer) = body.split_once("\n---\n").unwrap_or((&body, ""));
                    let answered = line + question.lines().count() + 1;
                    Reader::new(self.page, question, line).read(markdown);
                    Reader::new(self.page, answer, answered).read(markdown);
                }
                let name = self.block_name(&fence, &body);
                self.page.blocks.push(Block { fence, name, line, body, range });
            }
            Err(fault) => self.page.problems.push(fault.at(&self.page.file, line)),
        }
    }

    /// The first name of this kind that no block of the page has yet.
    fn block_name(&self, fence: &Fence, body: &str) -> String {
        let heading = self.page.headings.last().map_or("page", |heading| &heading.id);
        let name = match fence {
            Fence::Rust { .. } | Fence::Folded => match Include::parse(body) {
                Some(Ok(include)) => format!("excerpt::{}", include.anchor),
                _ => format!("program::{heading}"),
            },
            Fence::Go => format!("go-excerpt::{heading}"),
            Fence::Refusal(Refusal::Code(code)) => format!("refusal::{code}-{heading}"),
            Fence::Refusal(Refusal::Says(_)) => format!("refusal::{heading}"),
            Fence::Console { .. } | Fence::Slow => format!("console::{heading}"),
            Fence::Drawing => format!("drawing::{heading}"),
            Fence::Diff { name, .. } => format!("diff::{name}"),
            Fence::Recall { id, .. } => format!("recall::{id}"),
            Fence::Text => format!("text::{heading}"),
        };
        let taken = |name: &str| self.page.blocks.iter().any(|block| block.name == name);
        let numbered = (2..).map(|n| format!("{name}-{n}"));
        std::iter::once(name.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(name)
    }

    fn end_heading(&mut self, text: String, id: String) {
        let Some((level, line)) = self.heading.take() else {
            return;
        };
        if self.above > 0 {
            let fault = Fault::new("a heading in a card", "a card is a question and an answer");
            return self.page.problems.push(fault.at(&self.page.file, line));
        }
        if let Some(first) = self.page.headings.iter().find(|heading| heading.id == id) {
            let help = format!("the first is at line {}", first.line);
            let fault = Fault::new(format!("a second heading with the id `{id}`"), help);
            self.page.problems.push(fault.at(&self.page.file, line));
        }
        self.page.headings.push(Heading { level, text, id, line });
    }

    fn problem(&mut self, offset: usize, what: &str, help: &str) {
        let problem = Fault::new(what, help).at(&self.page.file, self.line(offset));
        self.page.problems.push(problem);
    }
}

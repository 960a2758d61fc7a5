//! One page of the book, taken apart: its blocks, headings, links and claim, each with its line.

use std::ops::Range;
use std::path::{Path, PathBuf};

use mdbook_markdown::pulldown_cmark::{CodeBlockKind, Event, LinkType, Tag, TagEnd};

use crate::fence::{Fence, Refusal};
use crate::mdbook::{Anchors, Markdown};
use crate::problem::{Fault, Problem};
use crate::source::Include;
use crate::text::MARK;

/// The first line of a page that is a draft.
pub const DRAFT: &str = "<!-- draft -->";

/// A page, parsed.
#[derive(Debug)]
pub struct Page {
    /// The path relative to the root of the repository, for people: `book/why/edges.md`.
    pub file: PathBuf,
    /// The path relative to the book's source folder: `why/edges.md`.
    pub path: PathBuf,
    /// The text as the author wrote it, without a byte order mark.
    pub text: String,
    /// Whether the page is a draft: not published, and its failures are reported but not fatal.
    pub draft: bool,
    /// Every fenced block whose tag is known, in order.
    pub blocks: Vec<Block>,
    /// The headings.
    pub headings: Vec<Heading>,
    /// The links and images.
    pub links: Vec<Link>,
    /// The paragraphs that begin with a bold **Claim**.
    pub claims: Vec<Claim>,
    /// The words of the prose, without blocks.
    pub words: usize,
    /// Blocks and HTML that could not be read.
    pub problems: Vec<Problem>,
}

/// A fenced block.
#[derive(Debug, Clone)]
pub struct Block {
    /// What it is.
    pub fence: Fence,
    /// Its name, unique among the page's blocks: `console::the-race`, after what it is and the
    /// heading above it, or the name that it has itself.
    pub name: String,
    /// The line of the opening fence, from 1.
    pub line: usize,
    /// What stands between the fences.
    pub body: String,
    /// The bytes of the page that it takes, fences included.
    pub range: Range<usize>,
}

/// A heading and the id that mdBook gives it.
#[derive(Debug)]
pub struct Heading {
    /// 1 for the title.
    pub level: usize,
    /// Plain text.
    pub text: String,
    /// The fragment that links to it.
    pub id: String,
    /// The line, from 1.
    pub line: usize,
}

/// A link's destination as written.
#[derive(Debug)]
pub struct Link {
    /// The destination.
    pub to: String,
    /// The line, from 1.
    pub line: usize,
    /// Whether it is shown and not followed.
    pub image: bool,
}

/// A claim: a quoted paragraph that begins with **Claim**.
#[derive(Debug)]
pub struct Claim {
    /// The line, from 1.
    pub line: usize,
    /// Its plain text.
    pub text: String,
    /// The bytes of the page that the whole quotation takes.
    pub range: Range<usize>,
}

impl Page {
    /// Takes a page's text apart, as mdBook reads it where nothing else is set.
    pub fn parse(file: &Path, path: &Path, text: String) -> Page {
        Page::parse_as(Markdown::default(), file, path, text)
    }

    /// Takes a page's text apart. Never fails: what can't be read is in `problems`.
    pub fn parse_as(markdown: Markdown, file: &Path, path: &Path, text: String) -> Page {
        let text = match text.strip_prefix(MARK) {
            Some(text) => text.to_owned(),
            None => text,
        };
        let mut page = Page {
            file: file.to_owned(),
            path: path.to_owned(),
            draft: text.starts_with(DRAFT),
            blocks: Vec::new(),
            headings: Vec::new(),
            links: Vec::new(),
            claims: Vec::new(),
            words: 0,
            problems: Vec::new(),
            text: String::new(),
        };
        Reader::new(&mut page, &text, 0).read(markdown);
        page.text = text;
        page
    }

    /// The name under which the tests of this page's blocks are found: `edges` for `why/edges.md`.
    pub fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The page's title.
    pub fn title(&self) -> &str {
        self.headings.iter().find(|h| h.level == 1).map_or("", |h| &h.text)
    }

    /// The destinations of the links that name tests: `test:crate::name` without the scheme.
    pub fn tests(&self) -> impl Iterator<Item = (&str, usize)> {
        self.links.iter().filter_map(|link| Some((link.to.strip_prefix("test:")?, link.line)))
    }

    /// The chapter crates that this page's claim, tests and diffs are about; its programs may use
    /// these crates and what these depend on.
    pub fn crates(&self) -> Vec<&str> {
        let of_diffs = self.blocks.iter().filter_map(|block| match &block.fence {
            Fence::Diff { test, .. } => Some(test.as_str()),
            _ => None,
        });
        let mut crates: Vec<&str> = self
            .tests()
            .map(|(test, _)| test)
            .chain(of_diffs)
            .filter_map(|test| Some(test.split_once("::")?.0))
            .collect();
        crates.sort_unstable();
        crates.dedup();
        crates
    }

    /// A problem at a line of this page.
    pub fn problem(&self, line: usize, fault: Fault) -> Problem {
        fault.at(&self.file, line)
    }
}

/// Walks over the Markdown events of one page, or of a card in it.
struct Reader<'a> {
    page: &'a mut Page,
    text: &'a str,
    /// How many lines of the page stand above the text.
    above: usize,
    anchors: Anchors,
    heading: Option<(usize, usize)>,
    quote: Option<(Range<usize>, String)>,
    block: Option<(String, Range<usize>, String)>,
    /// The prose so far; its words are counted when it ends.
    prose: String,
    /// Where the last text ended, and with what: a bracket that is text is in no link.
    bracket: Option<(usize, char)>,
    /// The footnotes: defined, and mentioned, each with its line.
    footnotes: [Vec<(String, usize)>; 2],
}

impl<'a> Reader<'a> {
    fn new(page: &'a mut Page, text: &'a str, above: usize) -> Self {
        Reader {
            page,
            text,
            above,
            anchors: Anchors::default(),
            heading: None,
            quote: None,
            block: None,
            prose: String::new(),
            bracket: None,
            footnotes: Default::default(),
        }
    }

    fn line(&self, offset: usize) -> usize {
        self.above + self.text[..offset].matches('\n').count() + 1
    }

    fn read(mut self, markdown: Markdown) {
        for (event, range) in markdown.parser(self.text).into_offset_iter() {
            if let Some(anchor) = self.anchors.event(&event) {
                self.end_heading(anchor.text, anchor.id);
            }
            self.event(event, range, markdown);
        }
        self.end_footnotes();
        if self.above == 0 {
            self.page.words += self.prose.split_whitespace().count();
        }
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
            Event::Start(Tag::BlockQuote(_)) => self.quote = Some((range, String::new())),
            Event::End(TagEnd::BlockQuote(_)) => self.end_quote(),
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
            Event::End(
                TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link,
            ) => {}
            Event::End(_) => self.prose.push('\n'),
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
        if let Some((_, quote)) = &mut self.quote {
            quote.push_str(text);
        }
        self.prose.push_str(text);
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
            Fence::Recall { id } => format!("recall::{id}"),
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

    fn end_quote(&mut self) {
        let Some((range, text)) = self.quote.take() else {
            return;
        };
        if self.above == 0 && text.starts_with("Claim") {
            let line = self.line(range.start);
            self.page.claims.push(Claim { line, text, range });
        }
    }

    fn problem(&mut self, offset: usize, what: &str, help: &str) {
        let problem = Fault::new(what, help).at(&self.page.file, self.line(offset));
        self.page.problems.push(problem);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page::parse(Path::new("book/why/edges.md"), Path::new("why/edges.md"), text.to_owned())
    }

    #[test]
    fn blocks_headings_links_and_claims_carry_their_lines() {
        let page = page(concat!(
            "# The edge\n\n> **Claim** (Linux): it is so. [Proof](test:edges::it_is_so)\n\n",
            "## The edge\n\n```text\nhello\n```\n",
        ));
        assert_eq!(page.name(), "edges");
        assert_eq!(page.title(), "The edge");
        assert_eq!(page.headings[1].id, "the-edge-1");
        assert_eq!((page.blocks[0].line, page.blocks[0].body.as_str()), (7, "hello\n"));
        assert_eq!(page.tests().collect::<Vec<_>>(), [("edges::it_is_so", 3)]);
        assert_eq!(page.crates(), ["edges"]);
        assert_eq!(page.claims[0].line, 3);
        assert!(page.problems.is_empty(), "{:?}", page.problems);
    }

    #[test]
    fn marks_and_carriage_returns_change_nothing() {
        let text = "\u{feff}<!-- draft -->\r\n# It's *so*\r\n\r\n```console\r\n$ a\r\n1\r\n```\r\n";
        let page = page(text);
        assert!(page.draft);
        assert_eq!((page.title(), page.words), ("It’s so", 2));
        assert_eq!((page.blocks[0].line, &*page.blocks[0].body), (4, "$ a\n1\n"));
        assert!(page.text[page.blocks[0].range.clone()].ends_with("1\r\n```"));
        assert!(page.problems.is_empty(), "{:?}", page.problems);
    }

    #[test]
    fn what_no_reader_would_see_as_meant_is_a_problem() {
        for (text, line, words) in [
            ("# T\n\n[a][gone]\n", 3, "a link whose name stands nowhere"),
            ("# T\n\nA[^gone]\n", 3, "a footnote that stands nowhere"),
            ("# T\n\n[^n]: note\n", 3, "no reader will see the footnote `n`"),
            ("# T\n\na[^n]\n\n[^n]: 1\n\n[^n]: 2\n", 7, "a second footnote `n`"),
            ("# T\n\n[a][b]\n\n[b]: test:x::y\n", 3, "a link to `test:x::y` in another form"),
            ("# T\n\n<test:x::y>\n", 3, "a link to `test:x::y` in another form"),
            ("# T {#x}\n\n## X\n", 3, "a second heading with the id `x`"),
            ("# T\n\n```recall,c\nQ\n---\n# A\n```\n", 6, "a heading in a card"),
            ("# T\n\n````recall,c\nQ\n---\n```\nA\n```\n````\n", 6, "a block in a card"),
            ("# T\n\n```recall,c\nQ <b>\n---\nA\n```\n", 4, "HTML in a page"),
        ] {
            let found = page(text).problems;
            let is = |p: &&Problem| p.line == line && p.what.starts_with(words);
            assert!(found.iter().any(|p| is(&p)), "{text}: {found:?}");
        }
        assert!(
            page("# T\n\n[a] [b](c.md)[d](e.md) `x[0][1]` [f][g]\n\n[g]: h.md\n")
                .problems
                .is_empty()
        );
    }

    #[test]
    fn what_can_not_be_read_is_a_problem_at_its_line() {
        let page = page("# T\n\n```ruts\n```\n\n    indented\n\n<b>x</b>\n\n{{#include a:b}}\n");
        let lines: Vec<usize> = page.problems.iter().map(|p| p.line).collect();
        assert_eq!(lines, [3, 6, 8, 8, 10], "{:#?}", page.problems);
    }
}

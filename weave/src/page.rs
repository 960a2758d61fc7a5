//! One page of the book, taken apart: its blocks, headings, links and claim, each with its line.

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::fence::{Fence, Refusal};
use crate::problem::{Fault, Problem};
use crate::source::Include;

/// The first line of a page that is a draft.
pub const DRAFT: &str = "<!-- draft -->";

/// A page, parsed.
#[derive(Debug)]
pub struct Page {
    /// The path relative to the root of the repository, for people: `book/why/edges.md`.
    pub file: PathBuf,
    /// The path relative to the book's source folder: `why/edges.md`.
    pub path: PathBuf,
    /// The text as the author wrote it.
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

/// The Markdown extensions that mdBook reads with.
pub fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
}

impl Page {
    /// Takes a page's text apart. Never fails: what can't be read is in `problems`.
    pub fn parse(file: &Path, path: &Path, text: String) -> Page {
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
        Reader::new(&mut page, &text).read();
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

/// Walks over the Markdown events of one page.
struct Reader<'a> {
    page: &'a mut Page,
    text: &'a str,
    ids: HashSet<String>,
    heading: Option<(usize, Option<String>, String, usize)>,
    quote: Option<(Range<usize>, String)>,
    block: Option<(String, Range<usize>, String)>,
}

impl<'a> Reader<'a> {
    fn new(page: &'a mut Page, text: &'a str) -> Self {
        Reader { page, text, ids: HashSet::new(), heading: None, quote: None, block: None }
    }

    fn line(&self, offset: usize) -> usize {
        self.text[..offset].matches('\n').count() + 1
    }

    fn read(mut self) {
        for (event, range) in Parser::new_ext(self.text, options()).into_offset_iter() {
            self.event(event, range);
        }
    }

    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                self.block = Some((info.to_string(), range, String::new()));
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => {
                self.block = Some(("an indented block".into(), range, String::new()));
            }
            Event::End(TagEnd::CodeBlock) => self.end_block(),
            Event::Start(Tag::Heading { level, id, .. }) => {
                let id = id.map(|id| id.to_string());
                self.heading = Some((level as usize, id, String::new(), self.line(range.start)));
            }
            Event::End(TagEnd::Heading(_)) => self.end_heading(),
            Event::Start(Tag::BlockQuote(_)) => self.quote = Some((range, String::new())),
            Event::End(TagEnd::BlockQuote(_)) => self.end_quote(),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                let line = self.line(range.start);
                self.page.links.push(Link { to: dest_url.to_string(), line });
            }
            Event::Text(text) | Event::Code(text) => self.text(&text, range),
            Event::SoftBreak | Event::HardBreak => self.text(" ", range),
            Event::Html(html) | Event::InlineHtml(html) => self.html(&html, range),
            _ => {}
        }
    }

    fn text(&mut self, text: &str, range: Range<usize>) {
        if let Some((_, _, body)) = &mut self.block {
            body.push_str(text);
            return;
        }
        if let Some((_, _, heading, _)) = &mut self.heading {
            heading.push_str(text);
        }
        if let Some((_, quote)) = &mut self.quote {
            quote.push_str(text);
        }
        self.page.words += text.split_whitespace().count();
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

    fn end_block(&mut self) {
        let Some((info, range, body)) = self.block.take() else {
            return;
        };
        let line = self.line(range.start);
        match Fence::parse(&info) {
            Ok(fence) => {
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

    fn end_heading(&mut self) {
        let Some((level, id, text, line)) = self.heading.take() else {
            return;
        };
        let wanted = id.unwrap_or_else(|| heading_id(&text));
        let mut id = wanted.clone();
        for n in 1.. {
            if self.ids.insert(id.clone()) {
                break;
            }
            id = format!("{wanted}-{n}");
        }
        self.page.headings.push(Heading { level, text, id, line });
    }

    fn end_quote(&mut self) {
        let Some((range, text)) = self.quote.take() else {
            return;
        };
        if text.starts_with("Claim") {
            let line = self.line(range.start);
            self.page.claims.push(Claim { line, text, range });
        }
    }

    fn problem(&mut self, offset: usize, what: &str, help: &str) {
        let problem = Fault::new(what, help).at(&self.page.file, self.line(offset));
        self.page.problems.push(problem);
    }
}

/// The id that mdBook gives a heading: its letters and digits in lower case, blanks as dashes.
pub fn heading_id(text: &str) -> String {
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
    fn what_can_not_be_read_is_a_problem_at_its_line() {
        let page = page("# T\n\n```ruts\n```\n\n    indented\n\n<b>x</b>\n\n{{#include a:b}}\n");
        let lines: Vec<usize> = page.problems.iter().map(|p| p.line).collect();
        assert_eq!(lines, [3, 6, 8, 8, 10], "{:#?}", page.problems);
    }
}

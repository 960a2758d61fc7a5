//! One page of the book, taken apart: its blocks, headings, links and claim, each with its line.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::fence::Fence;
use crate::marks::Marks;
use crate::mdbook::Markdown;
use crate::opening::Opening;
use crate::problem::{Fault, Problem};
use crate::prose;
use crate::reader::Reader;
use crate::source::Include;
use crate::text::MARK;
use crate::woven::Kept;

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
    /// How mdBook reads it.
    pub markdown: Markdown,
    /// What it says in comments.
    pub marks: Marks,
    /// The quotation under `needs`.
    pub opening: Option<Opening>,
    /// The words of the prose, without blocks and without what is folded.
    pub words: usize,
    /// The title of the part in which `SUMMARY.md` lists it.
    pub part: String,
    /// Whether it is the reader's and not the author's.
    pub yours: bool,
    /// The crates that its programs may use beyond those that it is about: those of the note that it
    /// belongs to.
    pub also: Vec<String>,
    /// Blocks and HTML that could not be read.
    pub problems: Vec<Problem>,
    /// What was found out about it.
    pub kept: Kept,
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

impl Block {
    /// The body of a program as the compiler gets it: with the lines that are hidden on the page.
    pub fn code(&self) -> String {
        let unhidden = self.body.lines().map(|line| match line.strip_prefix("# ") {
            Some(hidden) => hidden,
            None if line == "#" => "",
            None => line,
        });
        unhidden.flat_map(|line| [line, "\n"]).collect()
    }
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
            markdown,
            marks: Marks::read(markdown, &text),
            opening: None,
            words: 0,
            part: String::new(),
            yours: false,
            also: Vec::new(),
            problems: Vec::new(),
            kept: Kept::default(),
            text: String::new(),
        };
        Reader::new(&mut page, &text, 0).read(markdown);
        page.text = text;
        page.read_arc();
        page
    }

    /// What the marks of the page tell of its prose.
    fn read_arc(&mut self) {
        let quote = self.marks.quote.clone();
        self.opening = quote.map(|quote| Opening::read(self.markdown, &self.text, quote));
        let opening = self.opening.as_ref();
        let is_shown = |prose: &&prose::Prose| {
            let at = prose.offset(0);
            !self.marks.folds(at) && !opening.is_some_and(|opening| opening.folds(at))
        };
        self.words =
            prose::read(self.markdown, &self.text).iter().filter(is_shown).map(|p| p.words()).sum();
        let faults = std::mem::take(&mut self.marks.faults);
        self.problems.extend(faults.into_iter().map(|(line, fault)| fault.at(&self.file, line)));
    }

    /// The line, from 1, at which a byte of the page stands.
    pub fn line(&self, offset: usize) -> usize {
        self.text[..offset].matches('\n').count() + 1
    }

    /// The byte at which a line of the page begins.
    pub fn start_of(&self, line: usize) -> usize {
        self.text.split_inclusive('\n').take(line - 1).map(str::len).sum()
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
            .chain(self.also.iter().map(String::as_str))
            .collect();
        crates.sort_unstable();
        crates.dedup();
        crates
    }

    /// The whole programs that are run, in order.
    pub fn programs(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(|block| {
            block.fence == (Fence::Rust { run: true }) && Include::parse(&block.body).is_none()
        })
    }

    /// A problem at a line of this page.
    pub fn problem(&self, line: usize, fault: Fault) -> Problem {
        fault.at(&self.file, line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page::parse(Path::new("book/why/edges.md"), Path::new("why/edges.md"), text.to_owned())
    }

    #[test]
    fn blocks_headings_and_links_carry_their_lines() {
        let page = page(concat!(
            "# The edge\n\n> It is so. [Proof](test:edges::it_is_so)\n\n",
            "## The edge\n\n```text\nhello\n```\n",
        ));
        assert_eq!(page.name(), "edges");
        assert_eq!(page.title(), "The edge");
        assert_eq!(page.headings[1].id, "the-edge-1");
        assert_eq!((page.blocks[0].line, page.blocks[0].body.as_str()), (7, "hello\n"));
        assert_eq!(page.tests().collect::<Vec<_>>(), [("edges::it_is_so", 3)]);
        assert_eq!(page.crates(), ["edges"]);
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

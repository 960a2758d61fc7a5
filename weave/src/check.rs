//! Everything that can be wrong with the book and be found without a compiler.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::arc;
use crate::book::Book;
use crate::fence::Fence;
use crate::ledger::{self, LEDGER};
use crate::links::Site;
use crate::minutes::shown_lines;
use crate::page::{Block, Page};
use crate::patch::Patch;
use crate::problem::{Fault, Problem};
use crate::source::Include;
use crate::{cards, draft, fork, glossary, needs, redirects};

/// The longest listing, in lines that the reader sees.
pub const LONGEST_LISTING: usize = 25;

/// The longest program, in lines with those that are hidden.
pub const LONGEST_PROGRAM: usize = 40;

/// All problems, in the order of files and lines.
pub fn check(book: &Book) -> Vec<Problem> {
    let mut problems = book.problems.clone();
    problems.extend(book.tests.problems.iter().cloned());
    let site = Site::of(book);
    for page in &book.pages {
        problems.extend(page.problems.iter().cloned());
        blocks(book, page, &mut problems);
        links(&site, page, &mut problems);
        problems.extend(page.kept.alone.get_or_init(|| alone(book, page)).iter().cloned());
    }
    names(book, &mut problems);
    ledger::check(book, &mut problems);
    needs::check(book, &mut problems);
    glossary::check(book, &mut problems);
    fork::check(book, &mut problems);
    redirects::check(book, &mut problems);
    problems.sort();
    problems.dedup();
    problems
}

/// What is wrong with a page, its listings, links and other pages aside.
fn alone(book: &Book, page: &Page) -> Vec<Problem> {
    let mut problems = Vec::new();
    cards::check(page, &mut problems);
    if page.path.parent() != Some(Path::new("")) && !page.draft {
        note(book, page, &mut problems);
    }
    problems
}

pub(crate) fn blocks(book: &Book, page: &Page, problems: &mut Vec<Problem>) {
    let listings = page.kept.listings.get_or_init(|| listings(book, page));
    problems.extend(listings.iter().cloned());
    for block in &page.blocks {
        if let Fence::Console { .. } = block.fence
            && let Some((at, fault)) = programs(book, block)
        {
            problems.push(page.problem(block.line + at, fault));
        }
    }
}

/// What is wrong with the blocks of a page, other pages aside.
fn listings(book: &Book, page: &Page) -> Vec<Problem> {
    let mut problems = Vec::new();
    for block in &page.blocks {
        let fault = match &block.fence {
            Fence::Rust { run } => rust(book, page, block, *run),
            Fence::Folded => folded(book, page, block),
            Fence::Go => go(book, page, block),
            Fence::Console { .. } | Fence::Slow | Fence::Drawing
                if !block.body.starts_with("$ ") =>
            {
                Some((
                    0,
                    Fault::new("this console shows no command", "its first line is `$ command`"),
                ))
            }
            Fence::Drawing => drawing(page, block),
            Fence::Diff { test, .. } => diff(book, block, test),
            Fence::Recall { .. } => recall(block),
            Fence::Console { .. } | Fence::Refusal(_) | Fence::Slow => too_long(&block.body),
            Fence::Text => None,
        };
        if let Some((at, fault)) = fault {
            problems.push(page.problem(block.line + at, fault));
        }
    }
    problems
}

/// A fault and how many lines below the block's fence it stands.
type BlockFault = Option<(usize, Fault)>;

fn rust(book: &Book, page: &Page, block: &Block, run: bool) -> BlockFault {
    match Include::parse(&block.body) {
        Some(Err(fault)) => Some((1, fault)),
        Some(Ok(include)) => match include.resolve(&book.root, &page.file) {
            Err(fault) => Some((1, fault)),
            // What is folded may be long: who unfolds it wants to read it.
            Ok(_) if page.marks.folds(block.range.start) => None,
            Ok(excerpt) => too_long(&excerpt.code),
        },
        None if !run && !page.yours && !book.ledger.excuses(&page.file, &block.name) => {
            let what = format!("`{}` is compiled but not run", block.name);
            Some((0, Fault::new(what, format!("drop `no_run`, or give a reason in {LEDGER}"))))
        }
        None => too_long(&block.body).or_else(|| too_much(&block.body)),
    }
}

fn too_much(program: &str) -> BlockFault {
    let lines = program.lines().count();
    (lines > LONGEST_PROGRAM).then(|| {
        let what = format!("a program of {lines} lines, those that are hidden included");
        (0, Fault::new(what, format!("at most {LONGEST_PROGRAM}: the rest belongs into the crate")))
    })
}

/// What is folded is always an excerpt. It may be long: who unfolds it wants to read it.
fn folded(book: &Book, page: &Page, block: &Block) -> BlockFault {
    let form = "a `rust,folded` block is one line, `{{#include path/from/this/page.rs:anchor}}`";
    match Include::parse(&block.body) {
        None => Some((0, Fault::new("a folded block that is no excerpt", form))),
        Some(include) => {
            let found = include.and_then(|include| include.resolve(&book.root, &page.file));
            found.err().map(|fault| (1, fault))
        }
    }
}

/// A Go program is run by a console block of the same page, so that what it says is proven too.
fn go(book: &Book, page: &Page, block: &Block) -> BlockFault {
    let form = "a `go` block is one line, `{{#include path/from/this/page.go:anchor}}`";
    let include = match Include::parse(&block.body) {
        None => return Some((0, Fault::new("Go code that stands in no file", form))),
        Some(include) => include.and_then(|include| include.resolve(&book.root, &page.file)),
    };
    let excerpt = match include {
        Err(fault) => return Some((1, fault)),
        Ok(excerpt) => excerpt,
    };
    let command = format!("go run {}", excerpt.file.display());
    let is_run = |other: &Block| {
        matches!(other.fence, Fence::Console { .. }) && other.body.contains(&command)
    };
    if !page.blocks.iter().any(is_run) {
        let help = format!("show a console block with `$ {command}` on this page");
        return Some((1, Fault::new("no console block runs this Go program", help)));
    }
    too_long(&excerpt.code)
}

/// `cargo book run PAGE [NUMBER]` names one program.
fn programs(book: &Book, block: &Block) -> BlockFault {
    for (at, line) in (1..).zip(block.body.lines()) {
        let command = line.strip_prefix("$ ").and_then(|line| line.split_once("cargo book run "));
        let mut words = command.map_or("", |(_, words)| words).split_whitespace();
        let Some(name) = words.next().filter(|name| !name.ends_with(".rs")) else {
            continue;
        };
        let page = book.pages.iter().find(|page| page.name() == name);
        let count = page.map_or(0, |page| page.programs().count());
        let number = words.next().and_then(|word| word.parse::<usize>().ok());
        if !number.map_or(count == 1, |number| (1..=count).contains(&number)) {
            let what = match count {
                0 => format!("`{name}` has no whole program"),
                1 => format!("`{name}` has one whole program"),
                _ => format!("`{name}` has {count} whole programs"),
            };
            let help =
                "the command is `cargo book run PAGE`, or `cargo book run PAGE 2` for the second";
            return Some((at, Fault::new(what, help)));
        }
    }
    None
}

/// A drawing goes into the page as HTML, so it is one SVG and nothing else, and says what it shows.
fn drawing(page: &Page, block: &Block) -> BlockFault {
    let fault = |what: &str, help: &str| Some((1, Fault::new(what, help)));
    let svg = block.body.split_once('\n').map_or("", |(_, output)| output.trim());
    let inside = svg.strip_prefix("<svg").and_then(|rest| rest.strip_suffix("</svg>"));
    let Some(inside) = inside.filter(|inside| !inside.contains("svg>") && !inside.contains("<svg"))
    else {
        let help =
            format!("show one command; `cargo book record {}` writes its drawing", page.name());
        return fault("the output of this command is not one SVG", &help);
    };
    if inside.contains("<script") {
        return fault("a drawing with a script", "the page shows it as it is, without scripts");
    }
    let Some(title) = title(inside) else {
        let help = "say in <title> what it shows, for who can't see it";
        return fault("a drawing without a <title>", help);
    };
    let same = |other: &&Block| {
        other.line < block.line
            && other.fence == Fence::Drawing
            && self::title(&other.body) == Some(title)
    };
    page.blocks.iter().find(same).and_then(|first| {
        let help = format!("the first is at line {}; ids are made from titles", first.line);
        fault(&format!("a second drawing with the title `{title}`"), &help)
    })
}

/// The text of the first title element, if there is any.
fn title(svg: &str) -> Option<&str> {
    let (_, rest) = svg.split_once("<title")?;
    let (text, _) = rest.split_once('>')?.1.split_once("</title>")?;
    Some(text.trim()).filter(|text| !text.is_empty())
}

fn too_long(code: &str) -> BlockFault {
    let shown = shown_lines(code);
    (shown > LONGEST_LISTING).then(|| {
        let what = format!("a listing of {shown} lines");
        let help = format!("at most {LONGEST_LISTING}: it has two ideas, or boilerplate to hide");
        (0, Fault::new(what, help))
    })
}

fn diff(book: &Book, block: &Block, test: &str) -> BlockFault {
    let applied = Patch::parse(&block.body).and_then(|patch| patch.apply(&book.root));
    match applied {
        Err((at, fault)) => Some((at + 1, fault)),
        Ok(_) => book.tests.get(test).err().map(|fault| (0, fault)),
    }
}

fn recall(block: &Block) -> BlockFault {
    cards::sides(&block.body).is_none().then(|| {
        let help = "write the question, a line `---`, the answer";
        (0, Fault::new("this card has no question or no answer", help))
    })
}

fn links(site: &Site<'_>, page: &Page, problems: &mut Vec<Problem>) {
    for link in &page.links {
        if let Err(fault) = site.follow(page, link) {
            problems.push(page.problem(link.line, fault));
        }
    }
}

/// What a note must have.
pub(crate) fn note(book: &Book, page: &Page, problems: &mut Vec<Problem>) {
    problems.extend(draft::unwritten(book, page));
    arc::check(book, page, problems);
}

/// The names by which readers and tests find things are unique in the book.
fn names(book: &Book, problems: &mut Vec<Problem>) {
    let mut seen: HashMap<String, (PathBuf, usize)> = HashMap::new();
    for page in &book.pages {
        let blocks = page.blocks.iter().filter_map(|block| match &block.fence {
            Fence::Diff { name, .. } => Some((format!("diff `{name}`"), block.line)),
            Fence::Recall { id, .. } => Some((format!("card `{id}`"), block.line)),
            _ => None,
        });
        for (name, line) in blocks.chain([(format!("page name `{}`", page.name()), 1)]) {
            let first = seen.entry(name.clone()).or_insert_with(|| (page.file.clone(), line));
            if *first != (page.file.clone(), line) {
                let help = format!("the first is at {}:{}", first.0.display(), first.1);
                problems.push(page.problem(line, Fault::new(format!("a second {name}"), help)));
            }
        }
    }
}

//! `SUMMARY.md`, as mdBook reads it: only what mdBook builds is a page.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use mdbook_markdown::pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};
use mdbook_summary::{SummaryItem, parse_summary};

use crate::problem::Fault;
use crate::text;

/// Names of pages in the book's folder itself that mdBook writes over, or takes for its own.
const TAKEN: [&str; 4] = ["404.md", "print.md", "toc.md", "SUMMARY.md"];

/// The contents of the book.
#[derive(Debug, Default)]
pub struct Summary {
    /// The pages that mdBook builds, in the order of reading.
    pub pages: Vec<Entry>,
    /// What mdBook refuses or drops, each with its line.
    pub faults: Vec<(usize, Fault)>,
}

/// A page in the contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path, relative to the book's folder.
    pub path: PathBuf,
    /// The title of the part that it stands in; none before the first.
    pub part: Option<String>,
    /// Its line, from 1.
    pub line: usize,
}

/// A link of `SUMMARY.md`, wherever it stands.
struct Found {
    path: PathBuf,
    line: usize,
}

impl Summary {
    /// Reads the text of a `SUMMARY.md`. A link without a path, `[Title]()`, is mdBook's own way to
    /// announce a page: it stands in the contents and is no page.
    pub fn read(raw: &str) -> Summary {
        let text = text::without_mark(raw);
        let (found, dropped) = scan(text);
        let mut summary = Summary::default();
        match parse_summary(raw) {
            Ok(parsed) => {
                let mut built = Vec::new();
                let mut part = None;
                for items in [&parsed.prefix_chapters, &parsed.numbered_chapters] {
                    flatten(items, &mut part, &mut built);
                }
                flatten(&parsed.suffix_chapters, &mut None, &mut built);
                summary.faults.extend(dropped);
                summary.match_up(found, built);
            }
            Err(error) => {
                summary.faults.push(refused(&error, &found));
                let entry = |f: Found| Entry { path: f.path, part: None, line: f.line };
                summary.pages.extend(found.into_iter().map(entry));
                summary.pages.retain(|page| page.path != Path::new(""));
            }
        }
        summary.check_paths();
        summary
    }

    /// What mdBook builds is found again among the links; what is passed over is never built.
    fn match_up(&mut self, found: Vec<Found>, built: Vec<(PathBuf, Option<String>)>) {
        let mut built = built.into_iter().peekable();
        for link in found {
            match built.next_if(|(path, _)| *path == link.path) {
                Some((path, _)) if path == Path::new("") => {}
                Some((path, part)) => self.pages.push(Entry { path, part, line: link.line }),
                None => {
                    let what = format!("mdBook never builds `{}`", link.path.display());
                    let help = "only the first link of an item of its own, `- [Title](part/page.md)`, \
                                is a page";
                    self.faults.push((link.line, Fault::new(what, help)));
                }
            }
        }
    }

    fn check_paths(&mut self) {
        let mut seen: HashMap<String, &Entry> = HashMap::new();
        for (at, page) in self.pages.iter().enumerate() {
            let shown = page.path.display();
            let mut wrong = |what: String, help: String| {
                self.faults.push((page.line, Fault::new(what, help)));
            };
            if !page.path.components().all(|part| matches!(part, Component::Normal(_)))
                || page.path.iter().collect::<PathBuf>().as_os_str() != page.path.as_os_str()
            {
                let help = "a path leads from this folder to the page, without `.` and `..`";
                wrong(format!("`{shown}` is no plain path"), help.into());
            } else if page.path.extension().is_none_or(|of| of != "md") {
                wrong(format!("`{shown}` is no page"), "a page's name ends in `.md`".into());
            }
            let taken = TAKEN.iter().any(|name| Path::new(name) == page.path);
            if taken || (at > 0 && page.path == Path::new("index.md")) {
                let help = "mdBook has a page of that name itself: choose another";
                wrong(format!("`{shown}` would be lost"), help.into());
            }
            let same = page.path.display().to_string().to_lowercase();
            if let Some(first) = seen.insert(same, page).filter(|f| f.path != page.path) {
                let what = format!("`{shown}` and `{}` differ only in case", first.path.display());
                wrong(what, "some systems take them for one file: choose another name".into());
            }
        }
    }
}

/// All links, and the words that mdBook drops.
fn scan(text: &str) -> (Vec<Found>, Vec<(usize, Fault)>) {
    let line = |at: usize| text[..at].matches('\n').count() + 1;
    let (mut found, mut dropped, mut shown) = (Vec::new(), Vec::new(), 0);
    for (event, range) in Parser::new(text).into_offset_iter() {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => {
                // As mdBook does.
                let path = PathBuf::from(dest_url.replace("%20", " "));
                found.push(Found { path, line: line(range.start) });
                shown += 1;
            }
            Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }) => shown += 1,
            Event::End(TagEnd::Link | TagEnd::Heading(HeadingLevel::H1)) => shown -= 1,
            Event::Text(words) | Event::Code(words) if shown == 0 && !words.trim().is_empty() => {
                let what = format!("mdBook drops `{}`", words.trim());
                let help = "SUMMARY.md has titles of parts, `# Part`, and links; what else is said \
                            here goes into a comment";
                dropped.push((line(range.start), Fault::new(what, help)));
            }
            _ => {}
        }
    }
    (found, dropped)
}

/// The paths of all chapters, in the order of reading; empty for those without a page.
fn flatten(
    items: &[SummaryItem],
    part: &mut Option<String>,
    built: &mut Vec<(PathBuf, Option<String>)>,
) {
    for item in items {
        match item {
            SummaryItem::PartTitle(title) => *part = Some(title.clone()),
            SummaryItem::Link(link) => {
                built.push((link.location.clone().unwrap_or_default(), part.clone()));
                flatten(&link.nested_items, part, built);
            }
            _ => {}
        }
    }
}

/// What mdBook says, at the line that it means.
fn refused(error: &anyhow::Error, found: &[Found]) -> (usize, Fault) {
    let said = error.root_cause().to_string();
    let told = said.split_once("line ").and_then(|(_, rest)| rest.split_once(','));
    let told = told.and_then(|(line, _)| line.parse().ok());
    let listed_before = |(at, link): (usize, &Found)| {
        let again = found[..at].iter().any(|first| first.path == link.path);
        (again && link.path != Path::new("")).then_some(link.line)
    };
    let twice = || found.iter().enumerate().find_map(listed_before);
    let help = "a chapter is an item of its own, `- [Title](part/page.md)`, and is listed once";
    (told.or_else(twice).unwrap_or(1), Fault::new(format!("mdBook refuses this: {said}"), help))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        let faults = Summary::read(text).faults;
        faults.into_iter().map(|(line, fault)| format!("{line}: {}", fault.what)).collect()
    }

    fn pages(text: &str) -> Vec<String> {
        let pages = Summary::read(text).pages;
        pages.into_iter().map(|page| format!("{}: {}", page.line, page.path.display())).collect()
    }

    #[test]
    fn a_sound_summary_is_its_pages() {
        let text = "# Summary\n\n[Start](start.md)\n\n# One\n\n- [A](one/a.md)\n  - [B](one/b.md)\n\
                    - [Later]()\n\n---\n\n# Two\n\n* [`C`](<two/c d.md>)\n* [E](two/e%20f.md)\n\n\
                    [End](end.md)\n";
        assert_eq!(said(text), Vec::<String>::new());
        let right =
            ["3: start.md", "7: one/a.md", "8: one/b.md", "15: two/c d.md", "16: two/e f.md"];
        assert_eq!(pages(text)[..5], right);
        assert_eq!(pages(text)[5], "18: end.md");
        let parts: Vec<_> = Summary::read(text).pages.into_iter().map(|page| page.part).collect();
        let named = |title: &str| Some(title.to_owned());
        assert_eq!(parts, [None, named("One"), named("One"), named("Two"), named("Two"), None]);
    }

    #[test]
    fn a_byte_order_mark_and_carriage_returns_change_nothing() {
        let text = "\u{feff}# Summary\r\n\r\n# One\r\n\r\n- [A](a.md)\r\n";
        assert_eq!((said(text), pages(text)), (vec![], vec!["5: a.md".to_owned()]));
    }

    #[test]
    fn what_mdbook_refuses_is_refused() {
        for (text, line, words) in [
            ("- [A](a.md)\n- [B](b.md)\n- [A](a.md)\n", 3, "Duplicate file"),
            ("- [A](a.md)\n- see [B](b.md)\n", 2, "must only contain a hyperlink"),
            ("- [A](a.md)\n- `B`\n", 2, "must only contain a hyperlink"),
            ("- [A](a.md)\n\n[B](b.md)\n\n- [C](c.md)\n", 5, "cannot be followed by a list"),
        ] {
            let said = said(text);
            assert!(said[0].starts_with(&format!("{line}: mdBook refuses this: ")), "{said:?}");
            assert!(said[0].contains(words), "{said:?}");
        }
    }

    #[test]
    fn what_mdbook_drops_is_told() {
        for (text, right) in [
            ("# S\n\n# [Part](p.md)\n\n- [A](a.md)\n", "3: mdBook never builds `p.md`"),
            ("- [A](a.md) [B](b.md)\n", "1: mdBook never builds `b.md`"),
            ("- [A](a.md)\n\n## [B](b.md)\n\n- [C](c.md)\n", "3: mdBook never builds `b.md`"),
            ("- [A](a.md)\n  - [B](b.md)\n\n  * [C](c.md)\n", "2: mdBook never builds `b.md`"),
            ("- [A](a.md) and more\n", "1: mdBook drops `and more`"),
            ("See:\n\n[A](a.md)\n", "1: mdBook drops `See:`"),
        ] {
            assert!(said(text).contains(&right.to_owned()), "{text}: {:?}", said(text));
        }
    }

    #[test]
    fn a_path_that_would_be_lost_is_refused() {
        for path in ["../a.md", "/a.md", "./a.md", "a/../b.md", "a//b.md", "a.txt", "a", "print.md"]
        {
            assert_eq!(said(&format!("[S](start.md)\n\n- [A]({path})\n")).len(), 1, "{path}");
        }
        assert!(said("- [A](a.md)\n- [B](A.md)\n")[0].contains("differ only in case"));
    }
}

//! What weave writes from the marks of all pages: the line under a title, the map, the routes.

use std::path::{Component, Path, PathBuf};

use crate::book::Book;
use crate::fork;
use crate::highlight;
use crate::marks::{Asked, Level, Needs};
use crate::minutes::minutes;
use crate::needs;
use crate::page::Page;

/// The line under a note's title: what to read before, for whom it is, and how long it takes.
pub fn needs_line(book: &Book, page: &Page, of: &Needs) -> String {
    let needed = needs::direct(book, page);
    let needed = match &needed[..] {
        [] => String::new(),
        all => format!("Needs {}. ", listed(all.iter().map(|note| link(page, note)))),
    };
    format!("*{needed}{}, {}.*", level(of.level), time(minutes(book, page)))
}

/// What goes in the place of a mark on a page.
pub fn written(book: &Book, page: &Page, asked: &Asked) -> String {
    match asked {
        Asked::Map => map(book, page),
        Asked::Fork { time, of_crate } => fork::written(book, page, *time, of_crate.as_deref()),
        Asked::Route { notes, .. } => {
            let notes: Vec<&Page> =
                notes.iter().filter_map(|name| needs::note(book, name)).collect();
            let took = notes.iter().map(|note| minutes(book, note)).sum();
            format!("{} ({})", listed(notes.iter().map(|note| link(page, note))), time(took))
        }
    }
}

/// All published notes, a table for each part.
fn map(book: &Book, page: &Page) -> String {
    let mut out = String::from("<div class=\"map\">\n");
    let mut part = None;
    let is_note = |page: &&Page| page.path.parent() != Some(Path::new("")) && !page.draft;
    for note in book.pages.iter().filter(is_note) {
        if part != Some(&note.part) {
            let title = escape(&note.part);
            out += &format!(
                "\n**{title}**\n\n| note | minutes | level | needs |\n|---|---|---|---|\n"
            );
            part = Some(&note.part);
        }
        let needed = needs::direct(book, note).into_iter().map(|needed| link(page, needed));
        let level = note.marks.needs.as_ref().map_or("", |needs| needs.level.name());
        let (needed, took) = (needed.collect::<Vec<_>>().join(", "), minutes(book, note));
        out += &format!("| {} | {took} | {level} | {needed} |\n", link(page, note));
    }
    out + "\n</div>\n"
}

fn level(level: Level) -> &'static str {
    match level {
        Level::First => "First reading",
        Level::Working => "Working level",
        Level::Deep => "Deep level",
    }
}

fn time(minutes: usize) -> String {
    format!("{minutes} minute{}", if minutes == 1 { "" } else { "s" })
}

/// "a, b and c".
fn listed(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    match &items[..] {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => items.concat(),
    }
}

/// The note that reads a file: the one of its crate's name, or the first that shows it, or else another file
/// of its crate.
pub fn note_of<'a>(book: &'a Book, file: &Path) -> Option<&'a Page> {
    let folder: PathBuf = file.components().take(2).collect();
    let of_crate = folder.file_name()?.to_string_lossy();
    let notes = || book.pages.iter().filter(|page| !page.draft);
    let shows = |path: String| {
        notes().find(|page| {
            page.blocks.iter().any(|block| {
                block.body.trim_start().starts_with("{{#include") && block.body.contains(&path)
            })
        })
    };
    let named = notes().find(|page| page.name() == of_crate);
    let by_file = || shows(file.display().to_string());
    named.or_else(by_file).or_else(|| shows(format!("{}/", folder.display())))
}

/// A link to a page, as HTML.
pub fn html_link(from: &Page, to: &Page) -> String {
    let href = relative(&from.path, &to.path);
    format!("<a href=\"{href}\">{}</a>", highlight::escape(to.title()))
}

fn link(from: &Page, to: &Page) -> String {
    format!("[{}]({})", escape(to.title()), relative(&from.path, &to.path))
}

/// The way from one page's folder to another page.
fn relative(from: &Path, to: &Path) -> String {
    let folder = from.parent().unwrap_or(Path::new(""));
    let shared = folder.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| "..".to_owned());
    let name = |part: Component<'_>| part.as_os_str().to_string_lossy().into_owned();
    let down = to.components().skip(shared).map(name);
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// Plain text as Markdown that shows it.
fn escape(text: &str) -> String {
    let special =
        |c: char| if "\\`*_[]<>|&".contains(c) { format!("\\{c}") } else { c.to_string() };
    text.chars().map(special).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::tests::book;

    fn four() -> Book {
        let note = |title: &str, needs: &str, level: &str| {
            format!(
                "# {title}\n<!-- needs: {needs}; level: {level} -->\n\n{}\n",
                "word ".repeat(170)
            )
        };
        let (a, b) = (note("Ask, `or` be told", "", "first"), note("Edges", "a", "working"));
        let c = note("The end", "a, b", "deep");
        let start = "# S\n";
        let mut book =
            book(&[("why/a.md", &a), ("why/b.md", &b), ("mio/c.md", &c), ("start.md", start)]);
        for page in &mut book.pages {
            page.part =
                if page.path.starts_with("why") { "Why".into() } else { "A small mio".into() };
        }
        book
    }

    #[test]
    fn the_line_under_the_title_says_what_to_read_before() {
        let book = four();
        let line = |at: usize| {
            let page = &book.pages[at];
            needs_line(&book, page, page.marks.needs.as_ref().unwrap())
        };
        assert_eq!(line(0), "*First reading, 1 minute.*");
        assert_eq!(line(1), "*Needs [Ask, or be told](a.md). Working level, 1 minute.*");
        let two = "*Needs [Ask, or be told](../why/a.md) and [Edges](../why/b.md). Deep level, 1 minute.*";
        assert_eq!(line(2), two);
    }

    #[test]
    fn a_route_and_the_map_are_made_from_the_pages() {
        let book = four();
        let start = &book.pages[3];
        let route = Asked::Route { name: "first".into(), notes: vec!["a".into(), "b".into()] };
        assert_eq!(
            written(&book, start, &route),
            "[Ask, or be told](why/a.md) and [Edges](why/b.md) (2 minutes)"
        );
        let map = written(&book, start, &Asked::Map);
        assert_eq!(
            map,
            "<div class=\"map\">\n\n**Why**\n\n| note | minutes | level | needs |\n|---|---|---|---|\n\
             | [Ask, or be told](why/a.md) | 1 | first |  |\n\
             | [Edges](why/b.md) | 1 | working | [Ask, or be told](why/a.md) |\n\n\
             **A small mio**\n\n| note | minutes | level | needs |\n|---|---|---|---|\n\
             | [The end](mio/c.md) | 1 | deep | [Ask, or be told](why/a.md), [Edges](why/b.md) |\n\n\
             </div>\n"
        );
    }

    #[test]
    fn a_title_is_shown_as_it_is() {
        assert_eq!(escape("a_b *c* [d] | `e`"), "a\\_b \\*c\\* \\[d\\] \\| \\`e\\`");
        assert_eq!(relative(Path::new("a/b/x.md"), Path::new("a/c/y.md")), "../c/y.md");
    }
}

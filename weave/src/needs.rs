//! The order of the notes: each comes after those it needs, in the contents and on every route.

use std::collections::HashSet;
use std::path::Path;

use crate::book::Book;
use crate::marks::{Asked, Place};
use crate::minutes::minutes;
use crate::page::Page;
use crate::problem::{Fault, Problem};

/// The most minutes of the route `first`.
pub const FIRST: usize = 45;

/// The note of that name. What stands in no part is no note.
pub fn note<'a>(book: &'a Book, name: &str) -> Option<&'a Page> {
    let is_note = |page: &&Page| page.path.parent() != Some(Path::new("")) && page.name() == name;
    book.pages.iter().find(is_note)
}

/// The notes that a page names under its title.
pub fn direct<'a>(book: &'a Book, page: &Page) -> Vec<&'a Page> {
    let names = page.marks.needs.iter().flat_map(|needs| &needs.notes);
    names.filter_map(|name| note(book, name)).collect()
}

/// The notes that a page needs, directly or through others. In a circle the page is one of them.
pub fn all<'a>(book: &'a Book, page: &Page) -> Vec<&'a Page> {
    let (mut found, mut seen) = (direct(book, page), HashSet::new());
    let mut at = 0;
    while at < found.len() {
        if seen.insert(&found[at].path) {
            found.extend(direct(book, found[at]));
        }
        at += 1;
    }
    let mut once = HashSet::new();
    found.retain(|page| once.insert(&page.path));
    found
}

/// Unknown notes, circles, and an order that contradicts the needs.
pub fn check(book: &Book, problems: &mut Vec<Problem>) {
    for (at, page) in book.pages.iter().enumerate() {
        for place in &page.marks.places {
            route(book, page, place, problems);
        }
        let Some(needs) = &page.marks.needs else {
            continue;
        };
        let mut wrong = |what: String, help: &str| {
            problems.push(page.problem(needs.line, Fault::new(what, help)))
        };
        let mut ring = false;
        for (nth, name) in needs.notes.iter().enumerate() {
            let Some(needed) = note(book, name) else {
                wrong(format!("`needs` names no note: `{name}`"), &names(book));
                continue;
            };
            let position = book.pages.iter().position(|other| other.path == needed.path);
            if needs.notes[..nth].contains(name) {
                wrong(format!("`needs` names `{name}` twice"), "name it once");
            } else if let Some(circle) = circle(book, page, needed) {
                // Told once, at the page that stands first.
                let first = circle.iter().all(|other| position_of(book, other) >= at);
                if first && !ring {
                    let names: Vec<String> = circle.iter().map(|page| page.name()).collect();
                    let what =
                        format!("a circle of needs: {} → {}", page.name(), names.join(" → "));
                    wrong(what, "a note needs what stands before it: take one of them out");
                    ring = true;
                }
            } else if position > Some(at) {
                let what = format!("`{name}` is needed here and comes later in SUMMARY.md");
                wrong(what, "move one of the two there, or take it out of `needs`");
            } else if needed.draft && !page.draft {
                let help = "prove it first, or take it out of `needs`";
                wrong(format!("`{name}` is a draft, which is never published"), help);
            }
        }
    }
}

fn position_of(book: &Book, page: &Page) -> usize {
    book.pages.iter().position(|other| other.path == page.path).unwrap_or(usize::MAX)
}

/// The way from a needed note back to the page, if there is one.
fn circle<'a>(book: &'a Book, page: &'a Page, needed: &'a Page) -> Option<Vec<&'a Page>> {
    let mut ways = vec![vec![needed]];
    let mut seen = HashSet::new();
    while let Some(way) = ways.pop() {
        let last = *way.last()?;
        if last.path == page.path {
            return Some(way);
        }
        if seen.insert(&last.path) {
            ways.extend(
                direct(book, last).into_iter().map(|next| [way.clone(), vec![next]].concat()),
            );
        }
    }
    None
}

fn names(book: &Book) -> String {
    let notes = book.pages.iter().map(Page::name).filter(|name| note(book, name).is_some());
    format!("the notes are: {}", notes.collect::<Vec<_>>().join(", "))
}

/// A route names notes, each after those it needs; the first of all is short.
fn route(book: &Book, page: &Page, place: &Place, problems: &mut Vec<Problem>) {
    let Asked::Route { name: route, notes } = &place.asked else {
        return;
    };
    let mut wrong =
        |what: String, help: &str| problems.push(page.problem(place.line, Fault::new(what, help)));
    let mut took = 0;
    for (at, name) in notes.iter().enumerate() {
        let Some(stop) = note(book, name) else {
            wrong(format!("the route `{route}` names no note: `{name}`"), &names(book));
            continue;
        };
        took += minutes(book, stop);
        if stop.draft && !page.draft {
            let what = format!("the route `{route}` leads to the draft `{name}`");
            wrong(what, "drafts are never published");
        }
        if notes[..at].contains(name) {
            wrong(format!("the route `{route}` comes to `{name}` twice"), "name it once");
        }
        for needed in direct(book, stop) {
            if !notes[..at].contains(&needed.name()) {
                let what =
                    format!("on the route `{route}`, `{name}` needs `{}` before it", needed.name());
                wrong(what, "put it before, or take the note off the route");
            }
        }
    }
    if route == "first" && took > FIRST {
        let what = format!("the route `first` takes {took} minutes");
        wrong(what, &format!("at most {FIRST}: take a note off it, or shorten one"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::tests::book;

    fn said(pages: &[(&str, &str)]) -> Vec<String> {
        let notes: Vec<(String, String)> = pages
            .iter()
            .map(|(name, needs)| {
                (format!("why/{name}.md"), format!("# T\n<!-- needs: {needs}; level: first -->\n"))
            })
            .collect();
        let pages: Vec<(&str, &str)> =
            notes.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let mut problems = Vec::new();
        check(&book(&pages), &mut problems);
        problems.iter().map(|problem| problem.to_string()).collect()
    }

    #[test]
    fn a_note_comes_after_those_it_needs() {
        assert_eq!(said(&[("a", ""), ("b", "a"), ("c", "b, a")]), [""; 0]);
        let later = said(&[("a", "b"), ("b", "")]);
        assert!(
            later[0].starts_with("book/why/a.md:2: `b` is needed here and comes later"),
            "{later:?}"
        );
        let unknown = said(&[("a", "z")]);
        assert!(unknown[0].contains("names no note: `z`\n    the notes are: a"), "{unknown:?}");
        assert!(said(&[("a", ""), ("b", "a, a")])[0].contains("names `a` twice"));
    }

    #[test]
    fn a_circle_is_told_once_with_all_of_it() {
        let ring = said(&[("a", "c"), ("b", "a"), ("c", "b")]);
        assert_eq!(ring.len(), 1, "{ring:?}");
        assert!(ring[0].contains("a.md:2: a circle of needs: a → c → b → a"), "{ring:?}");
        assert!(said(&[("a", "a")])[0].contains("a circle of needs: a → a"));
        let off = said(&[("a", "b"), ("b", "a"), ("c", "a")]);
        assert_eq!(off.len(), 1, "{off:?}");
    }

    #[test]
    fn needs_are_followed_through_others() {
        let note = |needs: &str| format!("# T\n<!-- needs: {needs}; level: first -->\n");
        let (a, b, c) = (note(""), note("a"), note("b"));
        let book = book(&[("why/a.md", &a), ("why/b.md", &b), ("why/c.md", &c)]);
        let names: Vec<String> =
            all(&book, &book.pages[2]).iter().map(|page| page.name()).collect();
        assert_eq!(names, ["b", "a"]);
    }

    #[test]
    fn a_route_keeps_the_order_and_the_first_is_short() {
        let route = |route: &str, words: usize| {
            let a = format!("# T\n<!-- needs: ; level: first -->\n\n{}\n", "word ".repeat(words));
            let b = "# T\n<!-- needs: a; level: first -->\n".to_owned();
            let start = format!("# S\n\n<!-- route: {route} -->\n");
            let book = book(&[("why/a.md", &a), ("why/b.md", &b), ("start.md", &start)]);
            let mut problems = Vec::new();
            check(&book, &mut problems);
            problems.iter().map(|problem| problem.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(route("first: a, b", 10), [""; 0]);
        let turned = route("first: b, a", 10);
        assert!(
            turned[0].starts_with("book/start.md:3: on the route `first`, `b` needs `a`"),
            "{turned:?}"
        );
        assert!(route("x: b", 10)[0].contains("`b` needs `a` before it"));
        assert!(route("x: a, z", 10)[0].contains("names no note: `z`"));
        assert!(route("x: a, a", 10)[0].contains("comes to `a` twice"));
        assert_eq!(route("first: a, b", 44 * 180 - 2), [""; 0]);
        assert!(route("first: a, b", 44 * 180)[0].contains("the route `first` takes 46 minutes"));
        assert_eq!(route("other: a, b", 44 * 180), [""; 0]);
    }
}

//! Where pages and headings that are gone lead now: `[output.html.redirect]` of `book.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::book::Book;
use crate::page::Page;
use crate::problem::{Fault, Problem};
use crate::source::normalise;
use crate::woven::woven;

/// The file that names them, relative to the root of the repository.
const FILE: &str = "book.toml";

const FORM: &str = "an entry is `\"/part/gone.html\" = \"note.html\"`, or for a heading \
                    `\"/part/gone.html#heading\" = \"note.html#heading\"`; the value is relative to the key";

#[derive(Deserialize, Default)]
#[serde(default)]
struct Config {
    output: Output,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Output {
    html: Html,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Html {
    redirect: BTreeMap<Spanned<String>, String>,
}

/// Entries that lead nowhere, or away from what is still there.
pub fn check(book: &Book, problems: &mut Vec<Problem>) {
    match fs::read_to_string(book.root.join(FILE)) {
        Ok(text) => problems.extend(faults(book, &text)),
        Err(error) => problems.push(Fault::new(format!("can't be read: {error}"), "").at(FILE, 1)),
    }
}

fn faults(book: &Book, text: &str) -> Vec<Problem> {
    let line = |offset: usize| text[..offset].matches('\n').count() + 1;
    let config: Config = match toml::from_str(text) {
        Ok(config) => config,
        Err(error) => {
            let at = error.span().map_or(1, |span| line(span.start));
            return vec![Fault::new(error.message(), "").at(FILE, at)];
        }
    };
    let redirects = config.output.html.redirect;
    let whole = |page: &str| redirects.keys().any(|key| key.as_ref() == page);
    let faults = redirects.iter().filter_map(|(key, to)| {
        let fault = fault(book, key.as_ref(), to, whole).err()?;
        Some(fault.at(FILE, line(key.span().start)))
    });
    faults.collect()
}

fn fault(book: &Book, key: &str, to: &str, whole: impl Fn(&str) -> bool) -> Result<(), Fault> {
    let (from, heading) = split(key);
    let Some(gone) = from.strip_prefix('/').and_then(|path| path.strip_suffix(".html")) else {
        return Err(Fault::new(format!("`{key}` is no page that is gone"), FORM));
    };
    let gone = normalise(Path::new(&format!("{gone}.md")));
    match (published(book, &gone), heading) {
        (Some(_), None) => {
            let help = "take the entry out: a page that is there leads nowhere else";
            return Err(Fault::new(format!("`{key}` is a page of the book"), help));
        }
        (Some(page), Some(heading)) if has_fragment(book, page, heading) => {
            let help = "take the entry out: a heading that is there leads nowhere else";
            return Err(Fault::new(format!("`{key}` is a heading of the book"), help));
        }
        (None, Some(_)) if !whole(from) => {
            let what = format!("`{key}` is a heading of a page that is gone without an entry");
            return Err(Fault::new(what, format!("add `\"{from}\" = \"…\"` for the page itself")));
        }
        _ => {}
    }
    if to.starts_with('/') || to.contains(':') {
        return Err(Fault::new(format!("`{to}` is not relative"), FORM));
    }
    target(book, &gone, to)
}

/// The page and the heading that an entry leads to are there.
fn target(book: &Book, from: &Path, to: &str) -> Result<(), Fault> {
    let (path, heading) = split(to);
    let path = match path.strip_suffix(".html") {
        Some(path) => {
            let folder = from.parent().unwrap_or(Path::new(""));
            normalise(&folder.join(format!("{path}.md")))
        }
        None if path.is_empty() => from.to_owned(),
        None => return Err(Fault::new(format!("`{to}` is no page"), FORM)),
    };
    let Some(page) = published(book, &path) else {
        let what = format!("`{to}` leads nowhere: there is no published page {}", path.display());
        return Err(Fault::new(what, FORM));
    };
    if heading.is_some_and(|heading| !has_fragment(book, page, heading)) {
        let ids: Vec<&str> = page.headings.iter().map(|heading| heading.id.as_str()).collect();
        let help = format!("the headings of {} are: {}", page.file.display(), ids.join(", "));
        return Err(Fault::new(format!("`{to}` leads to no heading"), help));
    }
    Ok(())
}

fn split(url: &str) -> (&str, Option<&str>) {
    url.split_once('#').map_or((url, None), |(path, heading)| (path, Some(heading)))
}

/// Whether the page, as it is built, has that id.
fn has_fragment(book: &Book, page: &Page, id: &str) -> bool {
    woven(book, page).ids.contains(id)
}

fn published<'a>(book: &'a Book, path: &Path) -> Option<&'a Page> {
    book.page(path).filter(|page| !page.draft)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::tests::book;

    fn said(entries: &str) -> Vec<String> {
        let pages = [
            ("why/a.md", "# A\n\n## There\n\n```recall,card\nWhy?\n---\nSo.\n```\n"),
            ("why/half.md", "<!-- draft -->\n\n# Half\n"),
        ];
        let text = format!("[book]\ntitle = \"B\"\n[output.html.redirect]\n{entries}\n");
        let faults = faults(&book(&pages), &text);
        faults.iter().map(|problem| problem.to_string()).collect()
    }

    #[test]
    fn what_is_gone_may_lead_to_what_is_there() {
        for entries in [
            "\"/why/old.html\" = \"a.html\"",
            "\"/old.html\" = \"why/a.html#there\"",
            "\"/mio/old.html\" = \"../why/a.html#recall-card\"\n\"/mio/old.html#x\" = \"../why/a.html\"",
            "\"/why/a.html#gone\" = \"#there\"",
        ] {
            assert_eq!(said(entries), [""; 0], "{entries}");
        }
    }

    #[test]
    fn an_entry_that_leads_nowhere_is_refused_at_its_line() {
        for (entry, says) in [
            ("\"/why/old.html\" = \"b.html\"", "book.toml:4: `b.html` leads nowhere"),
            ("\"/old.html\" = \"a.html\"", "there is no published page a.md"),
            ("\"/why/old.html\" = \"half.html\"", "no published page why/half.md"),
            (
                "\"/why/old.html\" = \"a.html#gone\"",
                "leads to no heading\n    the headings of book/why/a.md are: a, there",
            ),
            ("\"/why/old.html\" = \"/why/a.html\"", "is not relative"),
            ("\"/why/old.html\" = \"https://example.org/\"", "is not relative"),
            ("\"/why/old.html\" = \"a.md\"", "`a.md` is no page"),
            ("\"why/old.html\" = \"a.html\"", "is no page that is gone"),
            ("\"/why/a.html\" = \"a.html\"", "is a page of the book"),
            ("\"/why/a.html#there\" = \"a.html\"", "is a heading of the book"),
            ("\"/why/old.html#x\" = \"a.html\"", "a page that is gone without an entry"),
        ] {
            let said = said(entry);
            assert_eq!(said.len(), 1, "{entry}: {said:?}");
            assert!(said[0].contains(says), "{entry}: {said:?}");
        }
    }
}

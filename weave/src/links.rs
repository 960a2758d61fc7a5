//! Links, followed as a browser follows them in the built book: what is dead there is refused.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use percent_encoding::percent_decode_str;

use crate::book::Book;
use crate::page::{Link, Page};
use crate::problem::Fault;
use crate::woven::woven;

const FOLDER: &str = "it leads to a folder: name a page in it";

/// What links can lead to in the built book.
pub struct Site<'a> {
    book: &'a Book,
    /// The pages by where they are built.
    pages: HashMap<PathBuf, &'a Page>,
}

impl<'a> Site<'a> {
    /// The site of a book.
    pub fn of(book: &'a Book) -> Site<'a> {
        let built = |page: &'a Page| (page.path.with_extension("html"), page);
        Site { book, pages: book.pages.iter().map(built).collect() }
    }

    /// The same, with pages that have places of their own.
    pub fn with(mut self, pages: &'a [Page]) -> Site<'a> {
        for page in pages {
            let place = page.path.with_extension("html");
            self.pages.entry(place).or_insert(page);
        }
        self
    }

    /// Whether a link of a page leads somewhere.
    pub fn follow(&self, page: &Page, link: &Link) -> Result<(), Fault> {
        let to = link.to.as_str();
        if let Some(test) = to.strip_prefix("test:").filter(|_| !link.image) {
            return self.book.tests.get(test).map(|_| ());
        }
        let leads = match scheme(to) {
            Some((scheme, rest)) => elsewhere(scheme, rest, to),
            None if to.starts_with("//") => on_another_host(to),
            None if to.is_empty() => Err("say where it leads".into()),
            None => self.inside(page, link),
        };
        leads.map_err(|help| Fault::new(format!("dead link `{to}`"), help))
    }

    fn inside(&self, page: &Page, link: &Link) -> Result<(), String> {
        let href = built(&link.to)?;
        let (address, fragment) = match href.split_once('#') {
            Some((address, fragment)) => (address, decode(fragment)?),
            None => (href.as_str(), String::new()),
        };
        let path = decode(address.split('?').next().unwrap_or(address))?;
        let target = match path.as_str() {
            path if path.ends_with('/') => return Err(FOLDER.into()),
            "" => page.path.with_extension("html"),
            path => below(page.path.parent().unwrap_or(Path::new("")), path)
                .ok_or("a page can only lead to what lies in the book's folder; name it instead")?,
        };
        match self.pages.get(&target) {
            Some(_) if link.image => Err("it is a page, and no picture".into()),
            Some(of) => {
                if of.draft && !page.draft {
                    return Err("it leads to a draft, which is never published".into());
                }
                match fragment.is_empty() || woven(self.book, of).ids.contains(&fragment) {
                    true => Ok(()),
                    false => Err(headings(of)),
                }
            }
            None if target == Path::new("index.html") && !link.image => Ok(()),
            None if self.book.files.contains(&target) => Ok(()),
            None => Err(self.nearest(&target)),
        }
    }

    fn nearest(&self, target: &Path) -> String {
        let lower = |path: &Path| path.display().to_string().to_lowercase();
        let of_pages = self.book.pages.iter().map(|page| page.path.as_path());
        let there = || self.book.files.iter().map(PathBuf::as_path).chain(of_pages.clone());
        if there().any(|path| path.parent() == Some(target)) {
            return FOLDER.into();
        }
        let same = |path: &&Path| {
            lower(path) == lower(target) || lower(&path.with_extension("html")) == lower(target)
        };
        if let Some(other) = there().find(same) {
            return format!("there is `{}`: write it as it is named", other.display());
        }
        let pages = of_pages.map(|path| path.display().to_string());
        format!("the pages are: {}", pages.collect::<Vec<_>>().join(", "))
    }
}

fn headings(page: &Page) -> String {
    let ids: Vec<&str> = page.headings.iter().map(|heading| heading.id.as_str()).collect();
    format!("the headings of {} are: {}", page.file.display(), ids.join(", "))
}

/// The scheme of an address and what follows it. One letter is the drive of a path.
fn scheme(to: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = to.split_once(':')?;
    let mut letters = scheme.chars();
    let first = letters.next().is_some_and(|c| c.is_ascii_alphabetic());
    let others = letters.all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c));
    (first && others && scheme.len() > 1).then_some((scheme, rest))
}

/// What is not on this site is believed, where it can be right at all.
fn elsewhere(scheme: &str, rest: &str, to: &str) -> Result<(), String> {
    let small = scheme.to_ascii_lowercase();
    if small == "test" {
        return Err("write `test:` in small letters, and as a link".into());
    }
    if ["file", "javascript"].contains(&small.as_str()) {
        return Err("it leads nowhere on another machine".into());
    }
    // mdBook knows addresses by a scheme in small letters, and makes pages of all others.
    if scheme != small && to.contains(".md") {
        return Err(format!("mdBook puts `.html` in the place of `.md` in it: write `{small}:`"));
    }
    let host = rest.strip_prefix("//").map(|rest| rest.split(['/', '?', '#']).next().unwrap_or(""));
    match small.as_str() {
        "http" | "https" if host.is_none_or(str::is_empty) => {
            Err(format!("it names no host: `{small}://host/path`"))
        }
        _ if rest.is_empty() => Err(format!("nothing follows `{scheme}:`")),
        _ => Ok(()),
    }
}

fn on_another_host(to: &str) -> Result<(), String> {
    let host = to[2..].split(['/', '?', '#']).next().unwrap_or("");
    match host.is_empty() {
        true => Err("it names no host: `//host/path`".into()),
        false if to.contains(".md") => {
            Err("mdBook puts `.html` in the place of `.md` in it: begin with `https:`".into())
        }
        false => Ok(()),
    }
}

/// The address as mdBook writes it into the page: the last `.md` becomes `.html`, and what follows
/// it goes, if it is no fragment.
fn built(to: &str) -> Result<String, String> {
    if to.starts_with('#') {
        return Ok(to.to_owned());
    }
    match to.rfind(".md") {
        None => Ok(to.to_owned()),
        Some(at) => {
            let rest = &to[at + ".md".len()..];
            if !rest.is_empty() && !rest.starts_with('#') {
                return Err(format!("mdBook leaves `{rest}` out after `.md`"));
            }
            Ok(format!("{}.html{rest}", &to[..at]))
        }
    }
}

fn decode(part: &str) -> Result<String, String> {
    let decoded = percent_decode_str(part).decode_utf8();
    decoded.map(Into::into).map_err(|_| format!("`{part}` is not UTF-8 behind its `%`"))
}

/// `path` from the folder `dir`, both inside the site; `None` if it leads out of it.
fn below(dir: &Path, path: &str) -> Option<PathBuf> {
    let mut out = dir.to_owned();
    for part in Path::new(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop().then_some(())?;
            }
            Component::Normal(name) => out.push(name),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::SRC;
    use crate::ledger::Ledger;
    use crate::mdbook::Markdown;
    use crate::source::Tests;

    fn book(links: &str) -> Book {
        let page = |path: &str, text: &str| {
            Page::parse(&Path::new(SRC).join(path), Path::new(path), text.to_owned())
        };
        Book {
            root: PathBuf::from("/nowhere"),
            pages: vec![
                page("start.md", "# Start\n"),
                page("why/edges.md", &format!("# Edges\n\n{links}")),
                page(
                    "why/my page.md",
                    "# Über — *x* `y`\n\n## Two\n\n## Two\n\n[^n]\n\n[^n]: N\n\n```recall,c\nQ?\n---\n[A](gone.md)\n```\n",
                ),
                page("why/draft.md", "<!-- draft -->\n# D\n"),
            ],
            files: ["why/a b.svg", "theme/x.css"].map(PathBuf::from).into(),
            markdown: Markdown::default(),
            tests: Tests::default(),
            tasks: Vec::new(),
            ledger: Ledger::default(),
            problems: Vec::new(),
        }
    }

    fn dead(links: &str) -> Vec<String> {
        let book = book(links);
        let (site, page) = (Site::of(&book), &book.pages[1]);
        let faults = page.links.iter().filter_map(|link| site.follow(page, link).err());
        faults.map(|fault| fault.to_string()).collect()
    }

    #[test]
    fn what_a_browser_finds_is_alive() {
        for to in [
            "mailto:a@example.org",
            "HTTPS://example.org/",
            "tel:+41",
            "//example.org/x",
            "http://h",
            "irc://h/x",
            "my%20page.md",
            "<my page.md>",
            "my%20page.md#%C3%BCber--x-y",
            "#edges",
            "my%20page.html",
            "../start.md",
            "../index.html",
            "my%20page.md#two-1",
            "../theme/x.css",
            "my%20page.md#recall-c",
            "my%20page.md#footnote-n",
            "a%20b.svg",
            "a%20b.svg?v=1#x",
            "./edges.md",
            "start.md/../edges.md",
            "../start.html?x#start",
            "?x",
            "#",
        ] {
            assert_eq!(dead(&format!("[x]({to})\n")), Vec::<String>::new(), "{to}");
        }
        let others = "<https://example.org> <a@example.org> [x][y] [y] ![z](a%20b.svg)\n\n[y]: ../start.md\n";
        assert_eq!(dead(others), Vec::<String>::new());
    }

    #[test]
    fn what_a_browser_does_not_find_is_dead() {
        for (to, help) in [
            ("gone.md", "the pages are: start.md"),
            ("#gone", "the headings of book/why/edges.md are: edges"),
            ("my%20page.md#two-2", "the headings"),
            ("My%20page.md", "there is `why/my page.md`"),
            ("draft.md", "never published"),
            ("../../x.md", "only lead to what lies in"),
            ("/start.md", "only lead to what lies in"),
            ("edges.md?x#edges", "leaves `?x#edges` out"),
            ("edges.mdx", "leaves `x` out"),
            ("edges%2Emd", "there is `why/edges.md`"),
            ("HTTPS://example.org/a.md", "write `https:`"),
            ("//example.org/a.md", "begin with `https:`"),
            ("https://", "names no host"),
            ("https:example.org", "names no host"),
            ("mailto:", "nothing follows"),
            ("file:///etc/hosts", "on another machine"),
            ("c:/x", "the pages are"),
            ("", "say where"),
            ("my%FFpage.md", "not UTF-8"),
            ("edges.md/", "leaves `/` out"),
            ("TEST:a::b", "small letters"),
            ("edges.html/", "leads to a folder"),
            ("../why/", "leads to a folder"),
            ("../why", "leads to a folder"),
        ] {
            let said = dead(&format!("[x]({to})\n"));
            assert!(said.len() == 1 && said[0].contains(help), "{to}: {said:?}");
        }
        assert!(dead("![x](edges.md)\n")[0].contains("no picture"));
        assert!(dead("![x](test:a::b)\n")[0].contains("small letters"));
        assert!(dead("[x][y]\n\n[y]: gone.md\n")[0].contains("gone.md"));
    }

    #[test]
    fn links_in_cards_are_links() {
        let book = book("");
        let links: Vec<_> = book.pages[2].links.iter().map(|link| (&*link.to, link.line)).collect();
        assert_eq!(links, [("gone.md", 14)]);
    }
}

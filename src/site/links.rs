//! What the files of a site lead to, and whether it is there.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind::{Rawtext, ScriptData};
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use percent_encoding::percent_decode_str;
use regex::Regex;
use url::Url;

use super::address::Address;

/// A built site, read: its files, and what the pages and the style sheets among them say.
pub struct Site<'a> {
    address: &'a Address,
    files: BTreeSet<String>,
    documents: BTreeMap<String, Document>,
}

/// What matters of a page or a style sheet.
#[derive(Default)]
struct Document {
    ids: HashSet<String>,
    base: Option<String>,
    links: Vec<String>,
    leads_on: bool,
}

impl<'a> Site<'a> {
    /// Reads the site in `dir`, which will be at `address`.
    pub fn read(dir: &Path, address: &'a Address) -> Result<Site<'a>> {
        let files = super::place::files(dir)?;
        let mut documents = BTreeMap::new();
        for file in &files {
            let read = || fs::read_to_string(dir.join(file)).with_context(|| file.clone());
            let document = match file.rsplit_once('.').map(|(_, extension)| extension) {
                Some("html") => Document::of_page(&read()?),
                Some("css") => Document::of_style(&read()?),
                _ if is_search(file) => Document::of_search(&read()?),
                _ => continue,
            };
            documents.insert(file.clone(), document);
        }
        Ok(Site { address, files, documents })
    }

    /// How many links lead to something in the site, and what is wrong with the others, each with
    /// its file. What leads to other sites is not followed.
    pub fn check(&self) -> (usize, Vec<String>) {
        let mut inside = 0;
        let mut wrong = BTreeSet::new();
        for (file, document) in &self.documents {
            let dir = match document.base.as_deref() {
                // Pages of all folders ask the one index, which knows the way from the root.
                None if is_search(file) => "",
                None => folder(file),
                Some(base) if base == self.address.path() => "",
                Some(base) => {
                    wrong.insert(format!("{file}: its base is `{base}`, not the site's path"));
                    continue;
                }
            };
            for link in &document.links {
                // Without a base the page itself is meant, wherever it is.
                let own = document.base.is_none() && (link.is_empty() || link.starts_with('#'));
                let to = if own { format!("{}{link}", name(file)) } else { link.clone() };
                match self.leads_to(dir, &to) {
                    Ok(found) => inside += usize::from(found.is_some()),
                    Err(why) => _ = wrong.insert(format!("{file}: `{link}`: {why}")),
                }
            }
        }
        (inside, wrong.into_iter().collect())
    }

    /// The file to which a link in the folder `dir` leads, or None if that is not of this site.
    pub fn leads_to(&self, dir: &str, link: &str) -> Result<Option<String>, String> {
        let (path, dir) = match Url::parse(link) {
            Ok(absolute) => match self.address.inside(&absolute) {
                Some(inside) => (inside.to_owned(), ""),
                None => return Ok(None),
            },
            Err(url::ParseError::RelativeUrlWithoutBase) => (link.to_owned(), dir),
            Err(error) => return Err(error.to_string()),
        };
        if path.starts_with("//") {
            return Ok(None);
        }
        if path.starts_with('/') {
            return Err("it begins with `/`, which is the host's root and not the site's".into());
        }
        let (path, fragment) = path.split_once('#').unwrap_or((&path, ""));
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let file = join(dir, &decoded(path)?).ok_or("it leads out of the site")?;
        if !self.files.contains(&file) {
            return Err(format!("there is no `{file}`"));
        }
        let fragment = decoded(fragment.split_once(":~:").map_or(fragment, |(id, _)| id))?;
        let is_there = fragment.is_empty() || fragment == "top" || self.has_id(&file, &fragment);
        if is_there { Ok(Some(file)) } else { Err(format!("nothing in `{file}` has that id")) }
    }

    /// Whether the file is a page with this id; of files that are no pages nobody knows.
    pub fn has_id(&self, file: &str, id: &str) -> bool {
        self.documents.get(file).is_none_or(|document| document.ids.contains(id))
    }

    /// Whether the file is a page that does nothing but lead on.
    pub fn leads_on(&self, file: &str) -> bool {
        self.documents.get(file).is_some_and(|document| document.leads_on)
    }
}

/// The folder of a file: empty, or with a `/` at its end.
pub fn folder(file: &str) -> &str {
    file.rfind('/').map_or("", |at| &file[..=at])
}

fn is_search(file: &str) -> bool {
    file.starts_with("searchindex") && file.ends_with(".js")
}

fn name(file: &str) -> &str {
    &file[folder(file).len()..]
}

fn decoded(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| "its bytes are not UTF-8".into())
}

/// The file at a path relative to a folder; None if it goes up too far.
fn join(dir: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = dir.split_terminator('/').collect();
    let mut steps = path.split('/').peekable();
    while let Some(step) = steps.next() {
        let last = steps.peek().is_none();
        match step {
            "." | "" if last => parts.push("index.html"),
            "." => {}
            ".." => {
                parts.pop()?;
                if last {
                    parts.push("index.html");
                }
            }
            step => parts.push(step),
        }
    }
    Some(parts.join("/"))
}

impl Document {
    fn of_page(html: &str) -> Document {
        let mut document = Document::default();
        for tag in tags(html) {
            document.tag(&tag);
        }
        document
    }

    fn of_style(css: &str) -> Document {
        let urls = Regex::new(r#"url\(\s*["']?([^"')]+?)["']?\s*\)"#).expect("it is one");
        let links = urls.captures_iter(css).map(|found| found[1].to_owned());
        Document { links: links.collect(), ..Document::default() }
    }

    /// The search finds pages by `doc_urls`, a list of strings in a string of JSON.
    fn of_search(index: &str) -> Document {
        let list = index.split_once(r#""doc_urls":["#).and_then(|(_, rest)| rest.split_once(']'));
        let urls = list.map_or("", |(urls, _)| urls).split(',');
        let links = urls.map(|url| url.trim_matches('"').to_owned());
        Document { links: links.collect(), ..Document::default() }
    }

    fn tag(&mut self, tag: &Tag) {
        let value = |name: &str| {
            let found = tag.attrs.iter().find(|attr| &*attr.name.local == name);
            found.map(|attr| attr.value.trim().to_owned())
        };
        let element: &str = &tag.name;
        self.ids.extend(value("id"));
        if element == "a" {
            self.ids.extend(value("name"));
        }
        if element == "base" {
            self.base = value("href");
            return;
        }
        for link in ["href", "xlink:href", "src", "poster", "action", "data", "cite"] {
            self.links.extend(value(link));
        }
        let sets = ["srcset", "imagesrcset"].into_iter().filter_map(value).collect::<Vec<_>>();
        let first = |candidate: &str| candidate.split_whitespace().next().map(str::to_owned);
        self.links.extend(sets.iter().flat_map(|set| set.split(',')).filter_map(first));
        if element == "meta" {
            self.meta(&value("property").or(value("http-equiv")), value("content"));
        }
    }

    fn meta(&mut self, name: &Option<String>, content: Option<String>) {
        match (name.as_deref().map(str::to_lowercase).as_deref(), content) {
            (Some("og:url" | "og:image"), content) => self.links.extend(content),
            (Some("refresh"), Some(content)) => {
                self.links.extend(content.split_once('=').map(|(_, to)| to.trim().to_owned()));
                self.leads_on = true;
            }
            _ => {}
        }
    }
}

/// Keeps the start tags.
#[derive(Default)]
struct StartTags(RefCell<Vec<Tag>>);

impl TokenSink for StartTags {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let Token::TagToken(tag) = token else {
            return TokenSinkResult::Continue;
        };
        if tag.kind == TagKind::EndTag {
            return TokenSinkResult::Continue;
        }
        // What stands in these is no HTML.
        let next = match &*tag.name {
            "script" => TokenSinkResult::RawData(ScriptData),
            "style" => TokenSinkResult::RawData(Rawtext),
            _ => TokenSinkResult::Continue,
        };
        self.0.borrow_mut().push(tag);
        next
    }
}

fn tags(html: &str) -> Vec<Tag> {
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from_slice(html));
    let tokenizer = Tokenizer::new(StartTags::default(), TokenizerOpts::default());
    // Scripts are not run, so it pauses after each.
    while !queue.is_empty() {
        let _ = tokenizer.feed(&queue);
    }
    tokenizer.end();
    tokenizer.sink.0.take()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(address: &Address) -> Site<'_> {
        let pages = [
            ("index.html", r#"<p id="a b">"#),
            ("why/x.html", "<h1 id='über'><script>'<a href=gone>'</script><a name=n>"),
            ("why/index.html", ""),
        ];
        let documents = pages.map(|(file, html)| (file.to_owned(), Document::of_page(html)));
        let pages = pages.iter().map(|(file, _)| (*file).to_owned());
        let files = pages.chain(["theme/p.png".to_owned()]).collect();
        Site { address, files, documents: documents.into() }
    }

    #[test]
    fn a_link_leads_to_a_file_or_says_why_not() {
        let address = "https://example.org/book".parse().unwrap();
        let site = site(&address);
        for (link, to) in [
            ("x.html#%C3%BCber", "why/x.html"),
            ("x.html#über", "why/x.html"),
            ("./x.html?q#n", "why/x.html"),
            ("../#a%20b", "index.html"),
            ("..", "index.html"),
            (".", "why/index.html"),
            ("../why/", "why/index.html"),
            ("../theme/p.png", "theme/p.png"),
            ("https://example.org/book/why/x.html#n", "why/x.html"),
            ("https://example.org/elsewhere", ""),
            ("//example.org/elsewhere", ""),
            ("mailto:a@example.org", ""),
            ("x.html#:~:text=a", "why/x.html"),
        ] {
            let found = site.leads_to("why/", link);
            assert_eq!(found.map(Option::unwrap_or_default).as_deref(), Ok(to), "{link}");
        }
        for (link, why) in [
            ("y.html", "there is no `why/y.html`"),
            ("X.html", "there is no `why/X.html`"),
            ("x.html#m", "has that id"),
            ("../../book/index.html", "out of the site"),
            ("/book/index.html", "the host's root"),
            ("https://example.org/book/gone", "there is no `gone`"),
            ("../theme", "there is no `theme`"),
            ("../theme/", "there is no `theme/index.html`"),
            ("%ff", "UTF-8"),
            ("http://[", "IPv6"),
        ] {
            let found = site.leads_to("why/", link);
            assert!(found.as_ref().is_err_and(|error| error.contains(why)), "{link}: {found:?}");
        }
    }

    #[test]
    fn links_of_all_kinds_are_found_and_scripts_are_not_read() {
        let html = "<img src=a srcset='b 1x, c 2x'><link href=d><form action=e>\
                    <svg><use xlink:href='#f'/></svg><meta property=og:image content=g>\
                    <script>document.write('<a href=no>')</script><style>/*<a href=no>*/</style>\
                    <!-- <a href=no> --><a href=' h&amp;i '>&lt;a href=no&gt;</a>";
        assert_eq!(Document::of_page(html).links, ["a", "b", "c", "d", "e", "#f", "g", "h&i"]);
        let refresh = "<meta http-equiv=Refresh content='0; URL=../a.html#b'>";
        let refresh = Document::of_page(refresh);
        assert!(refresh.leads_on && refresh.links == ["../a.html#b"], "{:?}", refresh.links);
        let style = Document::of_style("a{b:url(c.woff)} d{e:url( \"f g.png\" )} i{j:url('k')}");
        assert_eq!(style.links, ["c.woff", "f g.png", "k"]);
        let search =
            Document::of_search(r##"JSON.parse('{"doc_urls":["a.html#b","c.html"],"x":[]}')"##);
        assert_eq!(search.links, ["a.html#b", "c.html"]);
    }
}

//! What a published page has more than a page that is read at home: its address, and what is shown
//! where somebody links to it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use regex::Regex;
use weave::mdbook::Markdown;
use weave::mdbook::pulldown_cmark::{Event, Tag, TagEnd};
use weave::{Book, Page};

use super::address::Address;

/// The picture of link previews, in the book's folder and so in the site. Its source is beside it.
const PICTURE: &str = "theme/preview.png";

/// The longest description, in characters; what shows it cuts it off about there.
const LONGEST: usize = 200;

/// What is known of a page.
#[derive(Clone)]
struct About {
    /// Its address; that of the first page is the site's.
    url: String,
    kind: &'static str,
    title: String,
    description: String,
}

/// Adds to the pages of the built site in `dir` what belongs into their heads; writes the
/// sitemap, and says how many pages are in it.
pub fn finish(dir: &Path, address: &Address, book: &Book, named: &Named) -> Result<usize> {
    let picture = picture(dir, address, &named.title)?;
    let about = about(address, book, named);
    for (file, about) in &about {
        let head = head(about, named, &picture);
        edit(dir, file, |html| describe(html, &head))?;
    }
    edit(dir, "404.html", |html| Ok(not_found(&html)))?;
    let mut pages: Vec<&str> = about.values().map(|about| about.url.as_str()).collect();
    pages.retain(|url| *url != address.of(PRINT));
    pages.sort_unstable();
    pages.dedup();
    fs::write(dir.join("sitemap.xml"), sitemap(&pages))?;
    Ok(pages.len())
}

/// What `book.toml` says of the book.
pub struct Named {
    /// Its title.
    pub title: String,
    /// Its description.
    pub description: String,
}

/// All notes on one page, which asks search engines itself to leave it out.
const PRINT: &str = "print.html";

/// What is known of each file that is a page.
fn about(address: &Address, book: &Book, named: &Named) -> BTreeMap<String, About> {
    let print = About {
        url: address.of(PRINT),
        kind: "website",
        title: named.title.clone(),
        description: named.description.clone(),
    };
    let mut found = BTreeMap::from([(PRINT.to_owned(), print)]);
    let published = book.pages.iter().filter(|page| !page.draft);
    for (n, page) in published.enumerate() {
        let file = file(&page.path);
        // mdBook shows the first page as `index.html` too. Both are one page, whose address is the
        // shorter one.
        let (kind, at) = if n == 0 { ("website", "index.html") } else { ("article", &file[..]) };
        let title = Some(page.title()).filter(|title| !title.is_empty());
        let about = About {
            url: address.of(at),
            kind,
            title: title.unwrap_or(&named.title).to_owned(),
            description: description(book.markdown, page)
                .unwrap_or_else(|| named.description.clone()),
        };
        found.insert(at.to_owned(), about.clone());
        found.insert(file, about);
    }
    found
}

/// The file that mdBook makes of a page.
fn file(page: &Path) -> String {
    let parts = page.with_extension("html");
    let parts = parts.iter().map(|part| part.to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

/// The page's first paragraph as plain text: a note begins with the sentence that it stands for.
fn description(markdown: Markdown, page: &Page) -> Option<String> {
    let mut text = String::new();
    let mut inside = false;
    let mut skipped = None;
    for event in markdown.parser(&page.text) {
        match event {
            Event::Start(Tag::Paragraph) => inside = true,
            Event::End(TagEnd::Paragraph) if !text.trim().is_empty() => break,
            Event::End(TagEnd::Paragraph) => inside = false,
            _ if !inside => {}
            Event::Start(Tag::Link { .. }) => skipped = Some(text.len()),
            // The link that stands for its destination only is no part of the sentence.
            Event::End(TagEnd::Link) => {
                if let Some(from) = skipped.take().filter(|from| &text[*from..] == "Proof") {
                    text.truncate(from);
                }
            }
            Event::Text(words) | Event::Code(words) => text.push_str(&words),
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            _ => {}
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    (!words.is_empty()).then(|| shortened(&words.join(" ")))
}

/// At most [`LONGEST`] characters, cut between words.
fn shortened(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(LONGEST) else {
        return text.to_owned();
    };
    let cut = &text[..end];
    let whole = cut.rfind(' ').map_or(cut, |at| &cut[..at]);
    format!("{}…", whole.trim_end_matches([',', ';', ':', '.']))
}

/// The tags that tell of the picture. A picture that is none would be found out by readers only.
fn picture(dir: &Path, address: &Address, title: &str) -> Result<String> {
    let missing = || format!("the picture for link previews: {}/{PICTURE}", weave::book::SRC);
    let bytes = fs::read(dir.join(PICTURE)).with_context(missing)?;
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let is_png = bytes.starts_with(b"\x89PNG\r\n\x1a\n");
    let size = number(16).zip(number(20)).filter(|_| is_png);
    let (width, height) = size.context("it is no PNG").with_context(missing)?;
    Ok(property("og:image", &address.of(PICTURE))
        + &property("og:image:width", &width.to_string())
        + &property("og:image:height", &height.to_string())
        + &property("og:image:alt", title)
        + "<meta name=\"twitter:card\" content=\"summary_large_image\">\n")
}

fn head(about: &About, named: &Named, picture: &str) -> String {
    let About { url, kind, title, description } = about;
    format!(
        "<meta name=\"description\" content=\"{}\">\n<link rel=\"canonical\" href=\"{}\">\n",
        escape(description),
        escape(url)
    ) + &property("og:type", kind)
        + &property("og:site_name", &named.title)
        + &property("og:title", title)
        + &property("og:description", description)
        + &property("og:url", url)
        + picture
}

fn property(name: &str, value: &str) -> String {
    format!("<meta property=\"{name}\" content=\"{}\">\n", escape(value))
}

/// In the place of the description that mdBook gives to all pages alike.
fn describe(html: String, head: &str) -> Result<String> {
    replace(&html, "<meta name=\"description\" content=\"", "\">", head)
}

/// The canonical address of a redirect is that of the page to which it leads.
pub fn lead_on(dir: &Path, file: &str, to: &str) -> Result<()> {
    let canonical = format!("<link rel=\"canonical\" href=\"{}\">", escape(to));
    edit(dir, file, |html| replace(&html, "<link rel=\"canonical\" href=\"", "\">", &canonical))
}

/// The page is shown under any address. A link to a part of it would lead from its base, so there
/// is none.
fn not_found(html: &str) -> String {
    let own = Regex::new(r##"(<a class="header") href="#[^"]*""##).expect("it is one");
    let html = own.replace_all(html, "$1");
    html.replacen("</head>", "<meta name=\"robots\" content=\"noindex\">\n</head>", 1)
}

/// Puts `new` in the place of what begins and ends so, of which there is one in the page's head.
fn replace(html: &str, begins: &str, ends: &str, new: &str) -> Result<String> {
    let (head, _) = html.split_once("</head>").context("the page has no head")?;
    ensure!(head.matches(begins).count() == 1, "not one `{begins}` in its head");
    let (before, rest) = html.split_once(begins).unwrap_or_default();
    let (_, after) = rest.split_once(ends).with_context(|| format!("no `{ends}` ends it"))?;
    Ok([before, new.trim_end(), after].concat())
}

fn edit(dir: &Path, file: &str, change: impl FnOnce(String) -> Result<String>) -> Result<()> {
    let path = dir.join(file);
    let changed = fs::read_to_string(&path).map_err(Into::into).and_then(change);
    fs::write(&path, changed.with_context(|| format!("{file} of the site"))?)?;
    Ok(())
}

fn sitemap(pages: &[&str]) -> String {
    let urls: String =
        pages.iter().map(|url| format!("<url><loc>{}</loc></url>\n", escape(url))).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n{urls}</urlset>\n"
    )
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(text: &str) -> Option<String> {
        let page = Page::parse(Path::new("book/a.md"), Path::new("a.md"), text.to_owned());
        description(Markdown::default(), &page)
    }

    #[test]
    fn a_page_is_described_by_its_first_sentence_and_not_by_the_marks_around_it() {
        let linked = "# T\n\n> One *read*\n> per [event](test:a::b), then: none.\n> [Proof](test:a::b)\n\nText.\n";
        assert_eq!(described(linked).unwrap(), "One read per event, then: none.");
        let plain = "# T\n<!-- needs: a -->\n> A plain sentence.\n>\n> **Exactly** (Linux): …\n";
        assert_eq!(described(plain).unwrap(), "A plain sentence.");
        assert_eq!(
            described("# T\n\n![](a.png)\n\nWith `code` & \"more\".").unwrap(),
            "With code & “more”."
        );
        assert_eq!(described("# T\n\n- a list\n"), None);
    }

    #[test]
    fn a_long_description_ends_between_words() {
        let long = described(&"wörter, ".repeat(60)).unwrap();
        assert!(long.chars().count() <= LONGEST && long.ends_with("wörter…"), "{long}");
        let one = described(&"ü".repeat(300)).unwrap();
        assert_eq!(one.chars().count(), LONGEST + 1);
    }

    #[test]
    fn a_head_that_is_not_as_expected_is_an_error() {
        let page = |head: &str| describe(format!("<head>{head}</head>"), "NEW\n");
        let tag = "<meta name=\"description\" content=\"old &quot;one&quot;\">";
        assert_eq!(page(tag).unwrap(), "<head>NEW</head>");
        assert!(page("").is_err() && page(&tag.repeat(2)).is_err());
    }
}

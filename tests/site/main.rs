//! `cargo book site`: what is published is whole, leads nowhere but to what is there, works under any
//! path, and never takes the place of what is somebody else's.

mod host;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use url::Url;
use weave::Book;

use host::{Host, between, canonical, links};

const BOOK_TOML: &str = r#"
[book]
title = "A small <book>"
description = "Of \"two\" pages."
src = "book"

[build]
use-default-preprocessors = false

[output.html]
"#;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// An empty folder for one test.
fn empty(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// A book of two pages and a draft, with these lines at the end of its `book.toml`.
fn small_book(name: &str, toml: &str) -> PathBuf {
    let root = empty(name);
    let page = |path: &str, text: &str| fs::write(root.join("book").join(path), text).unwrap();
    fs::create_dir_all(root.join("book/theme")).unwrap();
    fs::create_dir_all(root.join("chapters-code")).unwrap();
    fs::write(root.join("book.toml"), format!("{BOOK_TOML}{toml}")).unwrap();
    let picture = "book/theme/preview.png";
    fs::copy(self::root().join(picture), root.join(picture)).unwrap();
    page("ledger.toml", "at_most = 0\n");
    page("SUMMARY.md", "# Summary\n\n- [One](one.md)\n- [Two](two.md)\n- [Half](half.md)\n");
    page("one.md", "# The first\n\nIt leads to [the second](two.md#there).\n");
    page("two.md", "# The second\n\nIt says `\"more\"`.\n\n## There\n");
    page("half.md", "<!-- draft -->\n\n# Half an idea\n\nUnproven words.\n");
    root
}

fn site(root: &Path, dir: impl AsRef<Path>, url: &str) -> Output {
    let mut book = Command::new(env!("CARGO_BIN_EXE_book"));
    book.current_dir(root).arg("site").arg(dir.as_ref()).args(["--url", url]);
    book.env_remove("CARGO_TARGET_DIR").output().unwrap()
}

fn made(root: &Path, dir: impl AsRef<Path>, url: &str) -> String {
    let output = site(root, dir, url);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(root: &Path, dir: impl AsRef<Path>, url: &str) -> String {
    let output = site(root, dir, url);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    said
}

/// All files below a folder, with what is in them.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let (dirs, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let inside = dirs.iter().flat_map(|dir| contents(dir));
    files.into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).chain(inside).collect()
}

#[test]
fn under_a_path_every_link_of_the_book_leads_somewhere_and_no_page_is_left_out() {
    let mut host = Host::new();
    let dir = empty("site").join("a blank and ü");
    let said = made(root(), &dir, host.url.as_str());
    host.serve(&dir);
    assert!(said.contains("links inside, none of them dead"), "{said}");

    let mut seen = BTreeMap::new();
    let mut next = vec![host.url.clone()];
    while let Some(mut url) = next.pop() {
        url.set_fragment(None);
        if seen.contains_key(&url) {
            continue;
        }
        let (status, body) = host.get(&url);
        assert_eq!(status, 200, "{url}");
        assert!(url.path().starts_with(host.url.path()), "{url} is outside");
        let text = String::from_utf8_lossy(&body).into_owned();
        let extension = url.path().rsplit_once('.').map_or("html", |(_, extension)| extension);
        let is_search = url.path().contains("theme/search");
        if is_search || ["html", "css"].contains(&extension) {
            next.extend(links(&text, &url, &host.url));
        }
        seen.insert(url, text);
    }

    let book = Book::load(root()).unwrap();
    for page in book.pages.iter().filter(|page| !page.draft).skip(1) {
        let path = page.path.with_extension("html");
        let url = host.url.join(path.to_str().unwrap()).unwrap();
        let text = seen.get(&url).unwrap_or_else(|| panic!("no link leads to {url}"));
        assert_eq!(canonical(text), [url.as_str()]);
        assert_eq!(between(text, "<meta property=\"og:url\" content=\"", "\""), [url.as_str()]);
        assert!(!text.contains("/.book/events"), "{url} asks for the server of `cargo run`");
        let described = between(text, "<meta name=\"description\" content=\"", "\"");
        assert!(described.len() == 1 && !described[0].starts_with("Exactly"), "{described:?}");
    }
    assert!(seen.keys().any(|url| url.path().contains("searchindex")), "{:?}", seen.keys());

    let picture = between(&seen[&host.url], "<meta property=\"og:image\" content=\"", "\"");
    let (status, png) = host.get(&Url::parse(picture[0]).unwrap());
    let size = [1200_u32.to_be_bytes(), 630_u32.to_be_bytes()].concat();
    assert_eq!((status, &png[1..4], &png[16..24]), (200, &b"PNG"[..], &size[..]));
    assert!(png.len() < 100_000, "a preview of {} bytes", png.len());
}

#[test]
fn the_page_for_what_is_missing_works_at_any_depth() {
    let mut host = Host::new();
    let root = small_book("missing", "");
    fs::write(root.join("book/404.md"), "# None\n\nIn this small book there is no such page.\n")
        .unwrap();
    made(&root, "site", host.url.as_str());
    host.serve(&root.join("site"));
    for path in ["gone.html", "why/gone", "a/b/c/gone.html"] {
        let url = host.url.join(path).unwrap();
        let (status, page) = host.get(&url);
        let page = String::from_utf8(page).unwrap();
        assert_eq!(status, 404, "{url}");
        assert_eq!(canonical(&page), [""; 0]);
        assert!(page.contains("In this small book there is no such page"), "{page}");
        let links = links(&page, &url, &host.url);
        assert!(links.len() > 5, "{links:?}");
        for link in links {
            assert_eq!(host.get(&link).0, 200, "{link} of the page at {url}");
        }
        assert!(!page.contains("href=\"#"), "it leads to a part of another page");
    }
}

#[test]
fn the_sitemap_has_each_page_once_and_the_first_is_at_the_root() {
    let mut host = Host::new();
    let root = small_book("mapped", "");
    // With and without a slash it is the same place.
    made(&root, "site", host.url.as_str().trim_end_matches('/'));
    host.serve(&root.join("site"));
    let map = host.page("sitemap.xml");
    let pages = between(&map, "<loc>", "</loc>");
    assert_eq!(pages, [host.url.as_str(), host.url.join("two.html").unwrap().as_str()]);
    for page in pages {
        assert_eq!(canonical(&host.page(page)), [page]);
    }
    assert_eq!(canonical(&host.page("one.html")), [host.url.as_str()], "the first, once more");
    assert!(root.join("site/.nojekyll").exists());
    assert!(!map.contains("print.html"));
    let two = host.page("two.html");
    let described = between(&two, "<meta property=\"og:description\" content=\"", "\"");
    assert_eq!(described, ["It says &quot;more&quot;."]);
    assert!(two.contains("og:site_name\" content=\"A small &lt;book&gt;\""), "{two}");
}

#[test]
fn a_draft_is_nowhere_in_the_site() {
    let root = small_book("draftless", "");
    made(&root, "site", "https://example.org");
    assert!(!root.join("site/half.html").exists());
    for (file, bytes) in contents(&root.join("site")) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("Unproven words"), "{}", file.display());
        assert!(!text.contains("half.html"), "{}", file.display());
    }
}

#[test]
fn redirects_lead_on_under_a_path_those_of_headings_too() {
    let redirects = r#"
        [output.html.redirect]
        "/why/old.html" = "../two.html#there"
        "/why/old.html#part" = "../one.html"
        "/two.html#moved" = "one.html#the-first"
    "#;
    let mut host = Host::new();
    let root = small_book("moved", redirects);
    let said = made(&root, "site", host.url.as_str());
    host.serve(&root.join("site"));
    assert!(said.contains("3 redirects"), "{said}");

    let old = host.page("why/old.html");
    let at = host.url.join("why/old.html").unwrap();
    let to = between(&old, "content=\"0; URL=", "\"");
    assert_eq!(at.join(to[0]).unwrap(), host.url.join("two.html#there").unwrap());
    assert_eq!(canonical(&old), [host.url.join("two.html").unwrap().as_str()]);
    assert!(old.contains(r##"{"#part":"../one.html"}"##), "{old}");
    assert!(host.page("two.html").contains(r##"{"#moved":"one.html#the-first"}"##));
    assert!(!host.page("sitemap.xml").contains("old.html"));
}

#[test]
fn a_redirect_that_leads_nowhere_is_refused_and_nothing_is_written() {
    for (n, (from, to, why)) in [
        ("/old.html", "gone.html", "no published page gone.md"),
        ("/old.html", "two.html#gone", "leads to no heading"),
        ("/old.html", "/two.html", "is not relative"),
        ("/why/old.html", "../../two.html", "out of the site"),
        ("/old.html", "half.html", "no published page half.md"),
        ("/old.html", "old.html", "no published page old.md"),
        ("/two.html#there", "one.html", "is a heading of the book"),
        ("/print.html", "one.html", "would hide it"),
        ("/two.html", "one.html", "is a page of the book"),
        ("/old.html#part", "one.html", "is gone without an entry"),
        ("/../old.html", "one.html", "from the book's root on"),
        ("old.html", "one.html", "is no page that is gone"),
        ("/old/", "one.html", "is no page that is gone"),
    ]
    .into_iter()
    .enumerate()
    {
        let entry = format!("[output.html.redirect]\n\"{from}\" = \"{to}\"\n");
        let root = small_book(&format!("nowhere-{n}"), &entry);
        let said = refused(&root, "site", "https://example.org/book");
        assert!(said.contains(why) && said.contains("book.toml"), "{from} = {to}: {said}");
        assert!(!root.join("site").exists());
        let left = fs::read_dir(root.join("target/book")).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{said}");
    }
}

#[test]
fn a_dead_link_is_refused_with_its_file_and_the_site_before_it_stays() {
    let root = small_book("dead", "");
    made(&root, "site", "https://example.org/book");
    let before = contents(&root.join("site"));

    let own = "# The second\n\n[x](https://example.org/book/gone.html)\n\n## There\n";
    fs::write(root.join("book/two.md"), own).unwrap();
    let said = refused(&root, "site", "https://example.org/book");
    let wrong = "two.html: `https://example.org/book/gone.html`: there is no `gone.html`";
    assert!(said.contains(wrong), "{said}");
    assert!(said.contains("print.html: "), "all that is wrong is listed: {said}");
    assert_eq!(contents(&root.join("site")), before);
    // Elsewhere that address is another's.
    made(&root, "other", "https://example.org/notes");

    fs::create_dir(root.join("theme")).unwrap();
    fs::write(root.join("theme/head.hbs"), "<link rel=\"x\" href=\"/x.css\">").unwrap();
    let said = refused(&root, "site", "https://example.org/");
    assert!(said.contains("one.html: `/x.css`: it begins with `/`"), "{said}");
    assert_eq!(contents(&root.join("site")), before);
}

#[test]
fn its_own_site_is_replaced_as_a_whole() {
    let root = small_book("replaced", "");
    made(&root, "new/site", "https://example.org/one");
    assert!(root.join("new/site/two.html").exists());
    fs::write(root.join("book/SUMMARY.md"), "# Summary\n\n- [One](one.md)\n").unwrap();
    fs::write(root.join("book/one.md"), "# The first\n").unwrap();
    fs::remove_file(root.join("book/two.md")).unwrap();
    fs::remove_file(root.join("book/half.md")).unwrap();
    made(&root, "./new/../new/site/", "https://example.org/two");
    assert!(!root.join("new/site/two.html").exists());
    let index = fs::read_to_string(root.join("new/site/index.html")).unwrap();
    assert_eq!(canonical(&index), ["https://example.org/two/"]);
    assert_eq!(fs::read_dir(root.join("new")).unwrap().count(), 1, "something is left beside it");
}

#[test]
fn what_is_not_its_own_is_never_touched() {
    let root = small_book("kept", "");
    let url = "https://example.org";
    fs::create_dir(root.join("taken")).unwrap();
    fs::write(root.join("taken/thesis.txt"), "years").unwrap();
    fs::write(root.join("file"), "a file").unwrap();
    made(&root, "ours", url);
    fs::write(root.join("ours/CNAME"), "example.org").unwrap();
    fs::create_dir(root.join("empty")).unwrap();
    made(&root, "empty", url);
    let keep = |dir: &str| contents(&root.join(dir));
    let (taken, ours, book) = (keep("taken"), keep("ours"), keep("book"));
    for (dir, why) in [
        ("taken", "not empty"),
        ("file", "it is a file"),
        ("file/below", "can't find"),
        ("ours", "`CNAME` in it is not of the site"),
        ("book/site", "in `book`, which holds sources"),
        ("book", "in `book`, which holds sources"),
        ("new/../book/site", "goes up"),
        ("taken/../book/theme", "in `book`, which holds sources"),
        ("chapters-code/site", "in `chapters-code`"),
        (".", "the checkout is in it"),
        ("..", "the checkout is in it"),
        ("/", "the checkout is in it"),
    ] {
        let said = refused(&root, dir, url);
        assert!(said.contains(why), "{dir}: {said}");
        assert!(said.contains("no site can be put into"), "only after it was built: {said}");
    }
    assert_eq!((taken, ours, book), (keep("taken"), keep("ours"), keep("book")));
    let here = root.join("empty");
    assert!(refused(&here, ".", url).contains("you are in it"));
    made(&here, "../beside", url);
    assert!(root.join("beside/index.html").exists());
}

#[test]
fn a_link_to_a_folder_is_followed_and_stays() {
    let root = small_book("linked", "");
    fs::create_dir(root.join("real")).unwrap();
    std::os::unix::fs::symlink("real", root.join("link")).unwrap();
    std::os::unix::fs::symlink("book", root.join("to-book")).unwrap();
    made(&root, "link", "https://example.org");
    made(&root, "link", "https://example.org");
    assert!(root.join("link").is_symlink() && root.join("real/index.html").exists());
    let said = refused(&root, "to-book/site", "https://example.org");
    assert!(said.contains("in `book`"), "{said}");
}

#[test]
fn an_address_that_is_none_is_refused_before_anything_is_built() {
    let root = small_book("nowhere", "");
    let output = site(&root, "site", "example.org/book");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("neither `https://` nor `http://`"), "{said}");
    assert!(!root.join("site").exists() && !root.join("target").exists());
}

#[test]
fn the_picture_says_what_the_book_says_of_itself() {
    let config: toml::Table =
        fs::read_to_string(root().join("book.toml")).unwrap().parse().unwrap();
    let picture = fs::read_to_string(root().join("book/theme/preview.svg")).unwrap();
    let shown: BTreeSet<&str> = between(&picture, "<text", "</text>")
        .iter()
        .map(|text| text.split_once('>').unwrap().1)
        .collect();
    let said = ["title", "description"].map(|key| config["book"][key].as_str().unwrap());
    assert_eq!(shown, BTreeSet::from(said), "draw the picture again; its source says how");
}

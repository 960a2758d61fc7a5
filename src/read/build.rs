//! Building the book, and a build as the server keeps it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use mdbook_driver::MDBook;
use mdbook_driver::config::Config;
use weave::preprocess::Weave;
use weave::yours::Yours;
use weave::{Book, Page, belongs};

use super::folder::Folder;
use super::serve::HTML;
use crate::recall::deck::{self, Card};

/// One build, in memory: nothing that happens to a folder can harm who reads it.
#[derive(Clone)]
pub struct Edition {
    /// The same for builds whose pages are the same, whichever process built them.
    pub id: String,
    files: Files,
    /// The cards of the book.
    pub deck: Vec<Card>,
    /// The notes of the book: the name of each, and its page.
    pub notes: Vec<(String, String)>,
}

/// Files by their paths.
type Files = BTreeMap<Vec<u8>, Arc<File>>;

struct File {
    bytes: Vec<u8>,
    hash: u64,
}

impl File {
    fn new(bytes: Vec<u8>) -> File {
        File { hash: hash(&bytes), bytes }
    }
}

impl Edition {
    /// Builds the book under `root`, drafts included; the book comes with it, read and checked.
    pub fn build(root: &Path) -> Result<(Edition, Arc<Book>)> {
        // Our own check first: it knows what the author meant; mdBook only knows what is missing.
        let book = Arc::new(crate::sound_book(root)?);
        let read = Some(Arc::clone(&book));
        let weave = Weave { drafts: true, yours: true, book: read, ..Weave::default() };
        Ok((Edition::of(built(root, weave)?, &book), book))
    }

    /// This build with those pages anew that were saved since, as the book has them by now. The index
    /// of the search and the page to print stay as they are.
    pub fn with(&self, root: &Path, book: &Arc<Book>, saved: BTreeSet<PathBuf>) -> Result<Edition> {
        let is_shown = |page: &&Page| saved.contains(&page.path);
        let mut names: Vec<PathBuf> = book
            .pages
            .iter()
            .filter(is_shown)
            .map(|page| page.path.with_extension("html"))
            .collect();
        // The first page has two names.
        if book.pages.first().is_some_and(|first| saved.contains(&first.path)) {
            names.push("index.html".into());
        }
        let read = Some(Arc::clone(book));
        let weave =
            Weave { drafts: true, yours: true, book: read, only: Some(saved), ..Weave::default() };
        let mut files = self.files.clone();
        let pages = built(root, weave)?;
        // They name the contents by a hash, of which only a part was built with them.
        let contents = [contents(&pages), contents(&self.files)];
        for name in names {
            let name = name.into_os_string().into_encoded_bytes();
            if let Some(page) = pages.get(&name) {
                files.insert(name, Arc::new(File::new(renamed(&page.bytes, &contents)?)));
            }
        }
        Ok(Edition::of(files, book))
    }

    fn of(files: Files, book: &Book) -> Edition {
        let said = files.iter().filter(|(name, _)| !follows(name));
        let said: Vec<(&Vec<u8>, u64)> = said.map(|(name, file)| (name, file.hash)).collect();
        let yours = Yours::load(book);
        let notes = book.pages.iter().filter(|page| page.path.parent() != Some(Path::new("")));
        let file = |page: &Page| page.path.with_extension("html").to_string_lossy().into_owned();
        Edition {
            id: format!("{:016x}", hash(&said)),
            files,
            deck: deck::deck(book),
            notes: notes.chain(yours.pages.iter()).map(|page| (page.name(), file(page))).collect(),
        }
    }

    /// The file at the path of a URL, and its type.
    pub fn file(&self, path: &[u8]) -> Option<(&'static str, &[u8])> {
        let mut name = path.strip_prefix(b"/")?.to_owned();
        if name.is_empty() || name.ends_with(b"/") {
            name.extend(b"index.html");
        }
        let file = self.files.get(&name)?;
        Some((kind(Path::new(String::from_utf8_lossy(&name).as_ref())), &file.bytes))
    }
}

/// The name of the script with the contents of the book.
fn contents(files: &Files) -> &str {
    let mut names = files.keys().filter_map(|name| str::from_utf8(name).ok());
    names.find(|name| name.starts_with("toc-") && name.ends_with(".js")).unwrap_or("toc.js")
}

/// A page that names one file in the place of another.
fn renamed(page: &[u8], [from, to]: &[&str; 2]) -> Result<Vec<u8>> {
    Ok(str::from_utf8(page)?.replacen(from, to, 1).into_bytes())
}

/// Whether a file says again what the pages say: it may be a build behind them.
fn follows(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name);
    name == "print.html" || name.starts_with("search") || name.contains("theme/search")
}

/// The files that mdBook makes of the book under `root`.
fn built(root: &Path, weave: Weave) -> Result<Files> {
    let folder = Folder::claim(&crate::target(root).join("book"))?;
    let html = folder.path().join("html");
    let is_part = weave.only.is_some();
    build_woven(root, &html, weave, |config| if is_part { without_index(config) } else { Ok(()) })?;
    let mut files = BTreeMap::new();
    for path in belongs::files(&html)? {
        let inside = path.strip_prefix(&html)?.as_os_str().as_encoded_bytes().to_owned();
        let bytes = read(&path)?;
        files.insert(inside, Arc::new(File::new(bytes)));
    }
    Ok(files)
}

/// A build of some pages: it has a search, as they name it, in which nothing is found.
fn without_index(config: &mut Config) -> Result<()> {
    let nothing = BTreeMap::from([("enable", false)]);
    config.set("output.html.search.chapter", BTreeMap::from([("", nothing)]))
}

fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// What browsers call the kinds of file that a book is made of.
fn kind(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => HTML,
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("ico") => "image/vnd.microsoft.icon",
        Some("woff2") => "font/woff2",
        Some("woff") => "font/woff",
        Some("ttf") => "font/ttf",
        Some("pdf") => "application/pdf",
        Some("md" | "txt" | "rs" | "go" | "py" | "toml") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Builds the book under `root` for paper and e-books, where nothing unfolds, in a folder that goes when
/// `take` has made of it what it wants.
pub fn on_paper<T>(root: &Path, take: impl FnOnce(&Path, &Book) -> Result<T>) -> Result<T> {
    let book = Arc::new(crate::sound_book(root)?);
    let folder = Folder::claim(&crate::target(root).join("book"))?;
    let html = folder.path().join("html");
    let weave = Weave { book: Some(Arc::clone(&book)), paper: true, ..Weave::default() };
    build_woven(root, &html, weave, |_| Ok(()))?;
    take(&html, &book)
}

/// Builds the book under `root` into `to`, with its drafts and the reader's notes, or without.
pub fn build(root: &Path, to: &Path, drafts: bool) -> Result<()> {
    build_changed(root, to, drafts, |_| Ok(()))
}

/// The same, with a configuration that was changed.
pub fn build_changed(
    root: &Path,
    to: &Path,
    drafts: bool,
    change: impl FnOnce(&mut Config) -> Result<()>,
) -> Result<()> {
    build_woven(root, to, Weave { drafts, yours: drafts, ..Weave::default() }, change)
}

fn build_woven(
    root: &Path,
    to: &Path,
    weave: Weave,
    change: impl FnOnce(&mut Config) -> Result<()>,
) -> Result<()> {
    // mdBook copies what lies beside the pages, and what editors leave there is not for readers.
    let source = to.with_added_extension("source");
    // Where only some pages are wanted, nothing that lies beside them is.
    let is_wanted =
        |file: &Path| weave.only.is_none() || file.extension().is_some_and(|of| of == "md");
    let built = copy(&root.join(weave::book::SRC), &source, is_wanted).and_then(|()| {
        // Not `MDBook::load`, which takes all variables of the environment for UTF-8.
        let mut config = Config::from_disk(root.join("book.toml"))?;
        config.book.src = source.clone();
        config.build.build_dir = to.to_owned();
        change(&mut config)?;
        let mut book = MDBook::load_with_config(root, config)?;
        book.with_preprocessor(weave);
        book.build()
    });
    let _ = fs::remove_dir_all(source);
    built
}

fn copy(from: &Path, to: &Path, is_wanted: impl Fn(&Path) -> bool) -> Result<()> {
    for file in belongs::files(from)?.into_iter().filter(|file| is_wanted(file)) {
        // No page can link to another name, and mdBook takes them all for UTF-8.
        if let Some(inside) = file.strip_prefix(from)?.to_str() {
            let copy = to.join(inside);
            fs::create_dir_all(copy.parent().unwrap_or(to))?;
            write(&copy, &read(&file)?)?;
        }
    }
    Ok(())
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("can't read {}", file.display()))
}

fn write(file: &PathBuf, text: &[u8]) -> Result<()> {
    fs::write(file, text).with_context(|| format!("can't write {}", file.display()))
}

//! Building the book, and a build as the server keeps it.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

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
pub struct Edition {
    /// The same for builds that are the same, whichever process built them.
    pub id: String,
    files: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The cards of the book.
    pub deck: Vec<Card>,
    /// The notes of the book: the name of each, and its page.
    pub notes: Vec<(String, String)>,
}

impl Edition {
    /// Builds the book under `root`, drafts included.
    pub fn build(root: &Path) -> Result<Edition> {
        // Our own check first: it knows what the author meant; mdBook only knows what is missing.
        let book = crate::sound_book(root)?;
        let folder = Folder::claim(&crate::target(root).join("book"))?;
        let html = folder.path().join("html");
        build(root, &html, true)?;
        Edition::read(&html, &book)
    }

    fn read(dir: &Path, book: &Book) -> Result<Edition> {
        let mut files = BTreeMap::new();
        for path in belongs::files(dir)? {
            let text = read(&path)?;
            let inside = path.strip_prefix(dir)?.as_os_str().as_encoded_bytes().to_owned();
            files.insert(inside, text);
        }
        let mut hash = DefaultHasher::new();
        files.hash(&mut hash);
        let yours = Yours::load(book);
        let notes = book.pages.iter().filter(|page| page.path.parent() != Some(Path::new("")));
        let file = |page: &Page| page.path.with_extension("html").to_string_lossy().into_owned();
        Ok(Edition {
            id: format!("{:016x}", hash.finish()),
            files,
            deck: deck::deck(book),
            notes: notes.chain(yours.pages.iter()).map(|page| (page.name(), file(page))).collect(),
        })
    }

    /// The file at the path of a URL, and its type.
    pub fn file(&self, path: &[u8]) -> Option<(&'static str, &[u8])> {
        let mut name = path.strip_prefix(b"/")?.to_owned();
        if name.is_empty() || name.ends_with(b"/") {
            name.extend(b"index.html");
        }
        let file = self.files.get(&name)?;
        Some((kind(Path::new(String::from_utf8_lossy(&name).as_ref())), file))
    }
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
    // mdBook copies what lies beside the pages, and what editors leave there is not for readers.
    let source = to.with_added_extension("source");
    let built = copy(&root.join(weave::book::SRC), &source).and_then(|()| {
        // Not `MDBook::load`, which takes all variables of the environment for UTF-8.
        let mut config = Config::from_disk(root.join("book.toml"))?;
        config.book.src = source.clone();
        config.build.build_dir = to.to_owned();
        change(&mut config)?;
        let mut book = MDBook::load_with_config(root, config)?;
        // Whoever reads at home has both.
        book.with_preprocessor(Weave { drafts, yours: drafts });
        book.build()
    });
    let _ = fs::remove_dir_all(source);
    built
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for file in belongs::files(from)? {
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

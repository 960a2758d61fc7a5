//! `cargo book note`: the reader's own page for a note, opened in their editor.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use weave::Book;
use weave::yours::{self, NOTES, Yours};

use crate::fork::exercise::{Exercise, named, near};
use crate::fork::place::{EXERCISES, Fork};
use crate::say;

/// Which note.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// A note of the book, as `edges`, or one of your own; without it, lists yours
    name: Option<String>,
    /// Begin a note that belongs to none of the book's
    #[arg(long, requires = "name")]
    new: bool,
}

const HELP: &str = "\
Your page for a note is notes/NAME.md, which git ignores. The served book shows it under the note, as it
is saved; one of your own is shown in a part of its own, Yours. It is written in the language of the
book's pages: programs, consoles, diffs and cards. `cargo book check` checks it, `cargo test notes` proves
it, `cargo book record notes/NAME` writes down what its commands print, and its cards are asked with the
others. $VISUAL or $EDITOR is opened; where neither is set, it says where the page is.";

/// Opens a note, creating it, or lists those that are there.
pub fn run(root: &Path, args: &Args) -> Result<()> {
    let book = Book::load(root)?;
    let yours = Yours::load(&book);
    let Some(name) = &args.name else {
        return say::all(&list(&yours));
    };
    let file = root.join(NOTES).join(name).with_extension("md");
    let is_there = file.exists();
    if !is_there {
        may_begin(&book, &yours, name, args.new)?;
        create(root, &book, name, &file)?;
    }
    let shown = file.strip_prefix(root).unwrap_or(&file).display().to_string();
    match editor() {
        None => {
            println!("{shown} is yours to write; set VISUAL or EDITOR to have it opened");
            if let Some(fork) = fork_of(root, &book, name) {
                let fork = fork.strip_prefix(root).unwrap_or(&fork).display().to_string();
                println!("your exercise for this note is {fork}");
            }
            Ok(())
        }
        Some(editor) => open(&editor, &file, &shown),
    }
}

fn list(yours: &Yours) -> String {
    let row = |page: &weave::Page| format!("{:<32} {}\n", page.file.display(), page.title());
    let rows: String = yours.pages.iter().map(row).collect();
    rows + "\n`cargo book note NAME` opens your page for a note; `cargo book note --help` has more.\n"
}

/// Whether there is to be a note of this name.
fn may_begin(book: &Book, yours: &Yours, name: &str, new: bool) -> Result<()> {
    if !yours::is_name(name) {
        bail!("no note can be called `{name}`: its name has small letters, digits and `-`");
    }
    if new || yours::host(book, name).is_some() {
        return Ok(());
    }
    let is_note = |page: &&weave::Page| page.path.parent() != Some(Path::new(""));
    let mut names: Vec<String> = book.pages.iter().filter(is_note).map(weave::Page::name).collect();
    names.extend(yours.pages.iter().map(weave::Page::name));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    bail!(
        "no note is called `{name}`{}\n    `cargo book note --new {name}` begins one of your own",
        near(name, &names)
    )
}

fn create(root: &Path, book: &Book, name: &str, file: &Path) -> Result<()> {
    let title = yours::host(book, name).map_or(name, weave::Page::title);
    let mut text = format!("# {title}, in my words\n");
    if let Some(fork) = fork_of(root, book, name) {
        let fork = fork.strip_prefix(root).unwrap_or(&fork).display().to_string();
        text += &format!("\n<!-- The exercise: ../{fork}/TASKS.md -->\n");
    }
    let create = || -> std::io::Result<()> {
        fs::create_dir_all(root.join(NOTES))?;
        let mut new = OpenOptions::new().write(true).create_new(true).open(file)?;
        new.write_all(text.as_bytes())
    };
    match create() {
        // Another command was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && file.is_file() => Ok(()),
        created => created.with_context(|| format!("{} can't be written", file.display())),
    }
}

/// The reader's fork of a note's crate, where it lies in the checkout.
fn fork_of(root: &Path, book: &Book, name: &str) -> Option<PathBuf> {
    let page = yours::host(book, name)?;
    let (exercises, forks) = (Exercise::all(book).ok()?, Fork::all(root));
    let (at, _) = named(&exercises, &page.name()).ok()?;
    let of_crate = |one: &&Exercise| one.package == exercises[at].package && one.is_whole();
    let whole = exercises.iter().find(of_crate)?;
    let found = exercises[at].fork_in(&forks).or_else(|| whole.fork_in(&forks))?;
    found.dir.starts_with(root.join(EXERCISES)).then(|| found.dir.clone())
}

/// What the reader edits with, if they have said so.
fn editor() -> Option<String> {
    let set = |name| std::env::var(name).ok().filter(|editor| !editor.trim().is_empty());
    set("VISUAL").or_else(|| set("EDITOR"))
}

/// The variable may have arguments, as `code --wait`, so a shell reads it.
fn open(editor: &str, file: &Path, shown: &str) -> Result<()> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(file);
    let kept = format!("{shown} is there, as it was saved last");
    let ended = shell.status().with_context(|| format!("no shell can be started; {kept}"))?;
    if !ended.success() {
        bail!("the editor `{editor}` ended badly ({ended}); {kept}");
    }
    Ok(())
}

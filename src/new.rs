//! `cargo book new PART/NAME`: lays out a note: a page that says what to write, a test that fails
//! until it is written, and all entries that make them part of the book.

mod entries;
mod undo;

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use weave::book::{SRC, SUMMARY};
use weave::source::{CRATES, crates};
use weave::{Book, Page, belongs};

use undo::Undo;

/// What a note is laid out from. `{words}` are filled in.
const PAGE: &str = include_str!("new/page.md");
const CLAIM: &str = include_str!("new/claim.txt");
const MANIFEST: &str = include_str!("new/manifest.txt");
const LIBRARY: &str = "//! What the note `{name}` runs.\n";

/// Which note to lay out.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The part and the page: `why/edges` is book/why/edges.md
    note: String,
    /// The title [default: the page's name in words]
    #[arg(long)]
    title: Option<String>,
    /// Put the claim into this chapter crate [default: a new one, named like the page]
    #[arg(long = "crate", value_name = "NAME")]
    of_crate: Option<String>,
    /// The title of the part, if it is new [default: the folder's name in words]
    #[arg(long, value_name = "TITLE")]
    part_title: Option<String>,
}

const HELP: &str = "\
It writes the page as a draft, a crate in chapters-code/ with the test of its claim, and the entries
in SUMMARY.md and Cargo.toml. Nothing is written over, and after an error nothing is left.
`cargo book check` then lists what the note still lacks, until it lacks nothing.

    cargo book new why/backpressure --title \"Room at the sender\"
    cargo book new why/half-close --crate edges";

/// A note that can be laid out.
#[derive(Debug)]
struct Note<'a> {
    part: &'a str,
    name: &'a str,
    title: String,
    part_title: String,
    package: &'a str,
    is_new_crate: bool,
}

/// Lays out a note of the book under `root`.
pub fn run(root: &Path, args: &Args) -> Result<()> {
    let book = crate::sound_book(root).context("mend the book first; nothing was written")?;
    let note = Note::of(&book, args)?;
    let mut undo = Undo::default();
    let made = note.lay_out(&book, &mut undo).and_then(|made| {
        crate::sound_book(root).context("the book would not be sound")?;
        Ok(made)
    });
    let made = made.context("nothing was left behind")?;
    undo.forget();
    let width = made.iter().map(|(file, _)| file.len()).max().unwrap_or_default();
    for (file, what) in made {
        println!("{file:<width$}  {what}");
    }
    println!(
        "\nWrite the test, then the page; the lines marked WRITE say what belongs there.\n\
         `cargo book check` lists what the note still lacks, `cargo test {}` proves it.",
        note.name
    );
    Ok(())
}

impl<'a> Note<'a> {
    /// The note, if the book has room for it.
    fn of(book: &Book, args: &'a Args) -> Result<Note<'a>> {
        let form = "a note is PART/NAME, as in `why/edges`: the folder of a part and a page in it";
        let (part, name) = args
            .note
            .split_once('/')
            .with_context(|| format!("`{}` names no part\n    {form}", args.note))?;
        for word in [part, name] {
            ensure!(
                is_word(word),
                "`{word}` can't be a part or a page: small letters, digits, and single dashes between \
                 them, a letter first\n    {form}"
            );
        }
        let package = args.of_crate.as_deref().unwrap_or(name);
        let note = Note {
            part,
            name,
            title: args.title.clone().unwrap_or_else(|| words(name)),
            part_title: args.part_title.clone().unwrap_or_else(|| words(part)),
            package,
            is_new_crate: args.of_crate.is_none(),
        };
        note.has_room_for_page(book, args.part_title.is_some())?;
        match note.is_new_crate {
            true => entries::may_be_a_crate(&book.root, package)?,
            false => note.has_crate(book)?,
        }
        Ok(note)
    }

    fn has_room_for_page(&self, book: &Book, is_titled: bool) -> Result<()> {
        if let Some(page) = book.pages.iter().find(|page| page.name() == self.name) {
            bail!(
                "there is a page `{}`: {}\n    a page's name is unique in the book: choose another",
                self.name,
                page.file.display()
            );
        }
        let in_part = book.pages.iter().find(|page| page.path.starts_with(self.part));
        let folder = Path::new(SRC).join(self.part);
        let path = book.root.join(&folder);
        let is_free =
            path.symlink_metadata().is_err() || path.is_dir() && belongs::files(&path)?.is_empty();
        ensure!(
            in_part.is_some() || is_free,
            "{} is no part of the book: SUMMARY.md lists no page in it\n    choose another name",
            folder.display()
        );
        if let (true, Some(page)) = (is_titled, in_part) {
            bail!(
                "the part of {} has its title in {SUMMARY}\n    --part-title is for a new part",
                page.file.display()
            );
        }
        Ok(())
    }

    fn has_crate(&self, book: &Book) -> Result<()> {
        let there: Vec<String> = crates(&book.root)?.into_iter().map(|(name, _)| name).collect();
        ensure!(
            there.iter().any(|name| name == self.package),
            "there is no crate `{}` in {CRATES}/\n    the crates are: {}",
            self.package,
            there.join(", ")
        );
        Ok(())
    }

    /// The name of the claim's test, until its author finds a better one.
    fn test(&self) -> String {
        format!("the_claim_of_{}", self.name.replace('-', "_"))
    }

    fn fill(&self, template: &str) -> String {
        let test = self.test();
        let words = [
            ("{title}", self.title.as_str()),
            ("{name}", self.name),
            ("{crate}", self.package),
            ("{test}", &test),
        ];
        words.iter().fold(template.to_owned(), |text, (word, value)| text.replace(word, value))
    }

    /// Writes everything; says which file is what.
    fn lay_out(&self, book: &Book, undo: &mut Undo) -> Result<Vec<(String, &'static str)>> {
        let root = &book.root;
        let dir = format!("{CRATES}/{}", self.package);
        let mut made = Vec::new();
        let mut make = |file: String, what, text: &str| {
            undo.create(root, Path::new(&file), text)?;
            made.push((file, what));
            anyhow::Ok(())
        };
        let page = self.page(book)?;
        make(
            format!("{dir}/tests/{}.rs", self.name.replace('-', "_")),
            "its claim: a test, red until it is written",
            &self.fill(CLAIM),
        )?;
        if self.is_new_crate {
            make(format!("{dir}/src/lib.rs"), "what its programs run", &self.fill(LIBRARY))?;
            make(format!("{dir}/Cargo.toml"), "the crate", &self.fill(MANIFEST))?;
        }
        make(format!("{SRC}/{}/{}.md", self.part, self.name), "the page, a draft", &page)?;
        made.reverse();
        if self.is_new_crate {
            undo.edit(&root.join("Cargo.toml"), |text| entries::add_crate(text, self.package))?;
            made.push(("Cargo.toml".into(), "the crate, among the dependencies"));
        }
        undo.edit(&root.join(SUMMARY), |text| {
            entries::list(text, self.part, self.name, &self.title, &self.part_title)
        })?;
        made.push((SUMMARY.into(), "the page, at the end of its part"));
        Ok(made)
    }

    /// The page, if it has that title when it is read.
    fn page(&self, book: &Book) -> Result<String> {
        let text = self.fill(PAGE);
        let path = Path::new(self.part).join(self.name).with_extension("md");
        let page = Page::parse_as(book.markdown, &Path::new(SRC).join(&path), &path, text.clone());
        let is_line = !self.title.chars().any(char::is_control) && self.title.trim() == self.title;
        ensure!(
            is_line && !page.title().is_empty() && page.problems.is_empty(),
            "`{}` can't be a title: it is one line of Markdown, without HTML",
            self.title
        );
        Ok(text)
    }
}

/// Whether this can name a folder, a page and a crate.
fn is_word(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !word.ends_with('-')
        && !word.contains("--")
        && word.len() <= 64
}

/// `half-close` as "Half close".
fn words(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).map(|c| if c == '-' { ' ' } else { c }).collect()
}

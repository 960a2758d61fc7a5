//! `cargo book run PAGE`: builds the program of a page and becomes it; `--edit` copies it for changes.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use weave::{Block, Book, Page};

use crate::externs::{self, Externs};
use crate::target;

/// Where changed copies lie, relative to the root. Git ignores it.
const SCRATCH: &str = "scratch";

/// What to run.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A page, as `edges`, or a changed copy, as `scratch/edges.rs`; without it, lists the programs
    page: Option<String>,
    /// Which program of the page: its number, or the heading above it
    which: Option<String>,
    /// Copy the program to `scratch/`, and say where, instead of running it
    #[arg(long)]
    edit: bool,
    /// What the program gets as its arguments
    #[arg(last = true)]
    args: Vec<OsString>,
}

/// A whole program of a page.
#[derive(Debug, Clone, Copy)]
struct Program<'a> {
    page: &'a Page,
    block: &'a Block,
    /// From 1, in the order of the page.
    number: usize,
}

/// Does what was asked. Returns only where there is nothing left to run.
pub fn run(root: &Path, args: &Args) -> Result<()> {
    let book = Book::load(root)?;
    let Some(asked) = &args.page else {
        print!("{}", list(&book.pages.iter().flat_map(programs).collect::<Vec<_>>()));
        println!(
            "\n`cargo book run PAGE` runs one, `cargo book run PAGE --edit` copies it for changes."
        );
        return Ok(());
    };
    if asked.ends_with(".rs") {
        if args.edit || args.which.is_some() {
            bail!("{asked} is one program, and yours already: `cargo book run {asked}` runs it");
        }
        return run_copy(&book, asked, &args.args);
    }
    let program = choose(page(&book, asked)?, args.which.as_deref())?;
    match args.edit {
        true => program.copy(root),
        false => program.run(root, &args.args),
    }
}

/// The whole programs of a page that are run.
fn programs(page: &Page) -> Vec<Program<'_>> {
    let blocks = page.programs().zip(1..);
    blocks.map(|(block, number)| Program { page, block, number }).collect()
}

fn page<'a>(book: &'a Book, asked: &str) -> Result<&'a Page> {
    let is_asked = |page: &&Page| {
        page.name() == asked || page.path == Path::new(asked) || page.file == Path::new(asked)
    };
    let with_programs = || {
        let pages = book.pages.iter().filter(|page| !programs(page).is_empty());
        pages.map(Page::name).collect::<Vec<_>>().join(", ")
    };
    match book.pages.iter().find(is_asked) {
        None => bail!("no page `{asked}`; the pages with programs are: {}", with_programs()),
        Some(page) if programs(page).is_empty() => bail!(
            "{} shows no whole program, only pieces of the crates; the pages with programs are: {}",
            page.file.display(),
            with_programs()
        ),
        Some(page) => Ok(page),
    }
}

/// The program that was asked for by its number or the heading above it.
fn choose<'a>(page: &'a Page, which: Option<&str>) -> Result<Program<'a>> {
    let all = programs(page);
    let is_asked = |program: &&Program<'_>| match which {
        None => true,
        Some(which) => {
            let (text, id) = program.heading();
            which.parse() == Ok(program.number) || which == id || which.eq_ignore_ascii_case(text)
        }
    };
    let found: Vec<&Program<'_>> = all.iter().filter(is_asked).collect();
    match found[..] {
        [program] => Ok(*program),
        _ => bail!(
            "{}; name one by its number, as in `cargo book run {} {}`:\n{}",
            match which {
                Some(which) if found.is_empty() => {
                    format!("{} has no program `{which}`", page.file.display())
                }
                _ => format!("{} has several programs", page.file.display()),
            },
            page.name(),
            all.len(),
            list(&all).trim_end()
        ),
    }
}

fn list(programs: &[Program<'_>]) -> String {
    let line = |program: &Program<'_>| {
        format!("{:<16} {}   {}\n", program.page.name(), program.number, program.heading().0)
    };
    programs.iter().map(line).collect()
}

impl Program<'_> {
    /// The heading above it: its text and its id.
    fn heading(&self) -> (&str, &str) {
        let above = self.page.headings.iter().rfind(|heading| heading.line < self.block.line);
        above.map_or(("", ""), |heading| (heading.text.as_str(), heading.id.as_str()))
    }

    /// `edges`, or `edges-2` for the second program of that page.
    fn name(&self) -> String {
        match self.number {
            1 => self.page.name(),
            n => format!("{}-{n}", self.page.name()),
        }
    }

    /// Runs it, as its lines stand on the page, so that messages name those.
    fn run(&self, root: &Path, args: &[OsString]) -> Result<()> {
        let dir = target(root).join("book/run");
        fs::create_dir_all(&dir)?;
        let source = dir.join(format!("{}.rs", self.name()));
        fs::write(&source, "\n".repeat(self.block.line) + &self.block.code())?;
        become_program(root, self.page, &source, &self.page.file, &self.name(), args)
    }

    /// Copies it to where the reader may change it. What is there already stays.
    fn copy(&self, root: &Path) -> Result<()> {
        let file = Path::new(SCRATCH).join(format!("{}.rs", self.name()));
        fs::create_dir_all(root.join(SCRATCH))?;
        let run = format!("`cargo book run {}`", file.display());
        let mut copy = match OpenOptions::new().write(true).create_new(true).open(root.join(&file))
        {
            Ok(copy) => copy,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => bail!(
                "{} is there already, and stays as it is\n    {run} runs it; to begin again, rename or delete it",
                file.display()
            ),
            Err(error) => {
                return Err(error).with_context(|| format!("can't write {}", file.display()));
            }
        };
        copy.write_all(self.block.code().as_bytes())?;
        println!("{} is yours to change; {run} runs it", file.display());
        Ok(())
    }
}

/// Runs a changed copy with the crates of the page that it is from, which its name tells.
fn run_copy(book: &Book, asked: &str, args: &[OsString]) -> Result<()> {
    let here = Path::new(asked);
    let file = if here.is_file() { here.to_owned() } else { book.root.join(here) };
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let is_from = |page: &&Page| {
        let rest = name.strip_prefix(&page.name());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let Some(page) = book.pages.iter().filter(is_from).max_by_key(|page| page.name().len()) else {
        bail!(
            "{asked} is named after no page, so nobody knows its crates; a name like `edges-mine.rs` tells"
        );
    };
    if !file.is_file() {
        let first = page.name();
        bail!(
            "there is no file {asked}; `cargo book run {first} --edit` copies the program of that page"
        );
    }
    become_program(&book.root, page, &file, here, &format!("scratch-{name}"), args)
}

/// Compiles a program, whose messages name the file `shown`, and becomes it: its exit code, the
/// signals and the input are its own.
fn become_program(
    root: &Path,
    page: &Page,
    source: &Path,
    shown: &Path,
    name: &str,
    args: &[OsString],
) -> Result<()> {
    let program = compile(&externs::of(root, page)?, root, source, shown, name)?;
    let error = Command::new(&program).args(args).exec();
    Err(error).with_context(|| format!("{} could not be started", program.display()))
}

fn compile(
    externs: &Externs,
    root: &Path,
    source: &Path,
    shown: &Path,
    name: &str,
) -> Result<PathBuf> {
    let dir = target(root).join("book/run");
    fs::create_dir_all(&dir)?;
    // Under a name of its own first, since the program may be running.
    let (new, program) = (dir.join(format!("{name}.{}", std::process::id())), dir.join(name));
    let mut rustc = Command::new("rustc");
    rustc.arg(source).args(["--crate-type=bin", "--crate-name=program", "--edition=2024"]);
    let mut remap = source.as_os_str().to_owned();
    remap.push("=");
    remap.push(shown);
    rustc.arg("--remap-path-prefix").arg(remap).arg("-Cdebuginfo=line-tables-only");
    rustc.args(externs.arguments()).arg("-o").arg(&new);
    let status = rustc.status().context("rustc could not be started")?;
    if !status.success() {
        bail!("{} does not compile", shown.display());
    }
    fs::rename(&new, &program)?;
    Ok(program)
}

//! Every block of every page, proven: one test for each, named `page::kind::block`.
//!
//! The blocks are found when this runs, so an edit of a page compiles nothing. A file here is one
//! promise: [`program`], [`refusal`], [`excerpt`], [`go`], [`console`], [`diff`], and the [`claim`]s with
//! the other tests that pages name.

mod claim;
mod console;
mod diff;
mod excerpt;
mod go;
mod program;
mod refusal;
mod rustc;
mod sabotage;
mod stock;
mod tally;
mod works;

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use weave::source::Include;
use weave::yours::NOTES;
use weave::{Block, Fence, Page, Problem};

use tally::Tally;
use works::Works;

/// How a proof ended, where it did not fail.
enum Proof {
    /// It holds.
    Holds,
    /// It could not be tried here, and why.
    Skipped(String),
}

/// The outcome of a proof; the text of an error says what to mend, and where.
type Outcome = anyhow::Result<Proof>;

/// The reason that a program or a test prints when this machine can't show what it shows.
fn skipped(printed: &str) -> Option<&str> {
    printed.lines().find_map(|line| line.strip_prefix("skipped: "))
}

fn main() {
    if rustc::is_called_as_rustc() {
        rustc::main();
    }
    if !rustc::is_installed() {
        // skeptic asks the environment for the compiler. It is set for a program yet to start,
        // since changing one's own environment is unsafe.
        let me = std::env::current_exe().expect("a running program has a path");
        let error = rustc::install(Command::new(me).args(std::env::args_os().skip(1))).exec();
        panic!("this program could not be started again: {error}");
    }
    let arguments = Arguments::from_args();
    let tally = Arc::new(Tally::default());
    // The reader's notes are proven where they are asked for, and never with the author's.
    let (works, trials) =
        match arguments.filter.as_ref().is_some_and(|asked| asked.starts_with(NOTES)) {
            true => {
                let (works, problems) = Works::of_notes();
                let works = Arc::new(works);
                let mut trials = vec![sound(problems)];
                trials.extend(of_pages(&works, &tally));
                (works, trials)
            }
            false => {
                let works = Arc::new(Works::new());
                let trials = trials(&works, &tally);
                (works, trials)
            }
        };
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        println!("{}", tally.report(works.book()));
    }
    conclusion.exit();
}

fn trials(works: &Arc<Works>, tally: &Arc<Tally>) -> Vec<Trial> {
    let mut trials = vec![check(works), stock::trial(works)];
    trials.extend(sabotage::trials(works));
    trials.extend(of_pages(works, tally));
    trials
}

/// The tests of all pages.
fn of_pages(works: &Arc<Works>, tally: &Arc<Tally>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for page in &works.book().pages {
        for at in 0..page.blocks.len() {
            trials.extend(block(works, tally, page, at));
        }
        let mut named: Vec<&str> = page.tests().map(|(test, _)| test).collect();
        named.sort_unstable();
        named.dedup();
        for test in named {
            let (of, test) = (Arc::clone(works), test.to_owned());
            let name = format!("test::{test}");
            trials.push(trial(tally, page, &name, move || claim::prove(&of, &test)));
        }
    }
    trials
}

/// Everything that needs no compiler, as one test: what is wrong is listed with file and line.
fn check(works: &Arc<Works>) -> Trial {
    let works = Arc::clone(works);
    Trial::test("book::check", move || {
        let problems = weave::check::check(works.book());
        let listed: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
        if listed.is_empty() { Ok(()) } else { Err(listed.into()) }
    })
}

/// The same for the reader's notes.
fn sound(problems: Vec<Problem>) -> Trial {
    Trial::test(format!("{NOTES}::check"), move || {
        let listed: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
        if listed.is_empty() { Ok(()) } else { Err(listed.into()) }
    })
}

/// Proves a block of a page.
type Prover = fn(&Works, &Page, &Block) -> Outcome;

/// What proves a block; `None` for what claims nothing.
fn prover(block: &Block) -> Option<Prover> {
    match &block.fence {
        Fence::Rust { .. } if Include::parse(&block.body).is_some() => Some(excerpt::prove),
        Fence::Folded => Some(excerpt::prove),
        Fence::Rust { .. } => Some(program::prove),
        Fence::Refusal(_) => Some(refusal::prove),
        Fence::Go => Some(go::prove),
        Fence::Console { .. } | Fence::Slow | Fence::Drawing => Some(console::prove),
        Fence::Diff { .. } => Some(diff::prove),
        Fence::Recall { .. } | Fence::Text => None,
    }
}

/// The test of a block; `None` for what claims nothing.
fn block(works: &Arc<Works>, tally: &Arc<Tally>, page: &Page, at: usize) -> Option<Trial> {
    let prove = prover(&page.blocks[at])?;
    let (works, path) = (Arc::clone(works), page.path.clone());
    Some(trial(tally, page, &page.blocks[at].name, move || {
        let page = works.book().page(&path).expect("the page is in the book that it came from");
        let block = &page.blocks[at];
        prove(&works, page, block)
            .map_err(|error| error.context(format!("{}:{}", page.file.display(), block.line)))
    }))
}

/// A test of a page. In a draft a failure is reported and not fatal.
fn trial(
    tally: &Arc<Tally>,
    page: &Page,
    name: &str,
    prove: impl FnOnce() -> Outcome + Send + 'static,
) -> Trial {
    let (tally, draft) = (Arc::clone(tally), page.draft);
    let kind = name.split("::").next().unwrap_or(name).to_owned();
    let of = if page.yours { format!("{NOTES}::") } else { String::new() };
    Trial::ignorable_test(format!("{of}{}::{name}", page.name()), move || {
        judged(prove(), &kind, draft, &tally)
    })
}

/// What an outcome means to the harness: a failure in a draft is reported as what was not run.
fn judged(outcome: Outcome, kind: &str, draft: bool, tally: &Tally) -> Result<Completion, Failed> {
    match outcome {
        Ok(Proof::Holds) => {
            tally.proven(kind);
            Ok(Completion::Completed)
        }
        Ok(Proof::Skipped(why)) => {
            tally.skipped(kind);
            Ok(Completion::ignored_with(format!("skipped: {why}")))
        }
        Err(error) if draft => {
            tally.red_in_a_draft();
            Ok(Completion::ignored_with(format!("red, in a draft: {error:#}")))
        }
        Err(error) => Err(Failed::from(format!("{error:#}"))),
    }
}

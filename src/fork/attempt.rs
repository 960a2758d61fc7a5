//! `cargo book try`: builds a fork and runs its tests, once or on each save.

use std::path::Path;

use anyhow::{Result, bail};
use weave::Book;

use super::exercise::Exercise;
use super::idea::missing;
use super::place::Fork;
use super::report::{self, Paint, report};
use super::trial::{Outcomes, Trial};
use super::{Which, command, next, open, orphans};
use crate::cargo::Shown;
use crate::say;
use crate::target;
use crate::watch::Files;

/// Which fork to try, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Again on each save, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

const HELP: &str = "\
Each test runs alone in a process of its own. It passed, failed, hung (every thread sleeps, and nothing
will wake one), was still computing when its time was over, died of a signal, or waits for a function
that still says `todo!`. Where the tests fail as they do with a known wrong answer, the idea that is
missing is named.

The exit status is 0 if every test passes.";

/// Tries a fork.
pub fn run(root: &Path, args: &Args) -> Result<()> {
    let book = crate::sound_book(root)?;
    let (fork, exercise) = open(&book, &args.which)?;
    if !args.watch {
        return match once(&book, &fork, &exercise)? {
            true => Ok(()),
            false => match next::done_so_far(&book, &exercise, &fork) {
                Some(_) => bail!("not every test passes; those of the note that you began do"),
                None => bail!("not every test passes"),
            },
        };
    }
    let mut files = Files::of(&fork.dir, &[""]);
    loop {
        if let Err(error) = once(&book, &fork, &exercise) {
            say::line(&mut std::io::stdout(), format_args!("{error:#}"));
        }
        say::line(&mut std::io::stderr(), format_args!("\nwaiting for a save; Ctrl-C ends this"));
        files = files.changed_of(&fork.dir, &[""]);
    }
}

/// Tries it once; whether every test passes.
fn once(book: &Book, fork: &Fork, exercise: &Exercise) -> Result<bool> {
    let paint = Paint::of_stdout();
    for name in fork.changed_rules() {
        println!("{} is not as it was forked; it is taken as it is", name.display());
    }
    crate::progress("building…");
    let trial = Trial::build(exercise, &fork.dir, &shared_target(&book.root), Shown::Progress)?;
    if let Some(said) = trial.refused() {
        print!("{said}");
        println!("{}", paint.bad("It does not compile."));
        return Ok(false);
    }
    trial.warnings().iter().for_each(|warning| print!("{warning}"));
    orphans::adopt();
    let outcomes = trial.run();
    orphans::end();
    let outcomes = outcomes?;
    next::remember(fork, &outcomes)?;
    print!("{}", report(exercise, &outcomes, paint));
    for name in &exercise.plan.with {
        crate::progress("and the tests of others that are about it…");
        let (pass, all) = trial.run_member(name)?;
        println!("{name}: {pass} of {all} rules hold");
    }
    if let Some(idea) = missing(exercise, &outcomes) {
        print!("{}", report::missing(book, idea, paint));
    }
    let all = is_all(&outcomes);
    if !all {
        if let Some(done) = next::done_so_far(book, exercise, fork) {
            println!("\n{}", paint.good(&done));
        }
        println!("\n`{}` says what to do now", command(&book.root, fork, "next"));
        println!("`{}` gives a hint", command(&book.root, fork, "hint"));
    } else {
        println!("{}", next::advice(book, exercise, fork));
    }
    Ok(all)
}

fn is_all(outcomes: &Outcomes) -> bool {
    outcomes.values().all(super::trial::How::is_good)
}

/// The target folder of all forks, so that the second one builds its dependencies in no time.
pub fn shared_target(root: &Path) -> std::path::PathBuf {
    target(root).join("exercises")
}

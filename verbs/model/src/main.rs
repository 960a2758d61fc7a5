//! `cargo book predict` and `cargo book prove model`: what needs the model of epoll, which nothing
//! else of the `book` command does.

mod planted;
mod predict;
mod prove;

use std::process::ExitCode;

use anyhow::Result;
use book::say;
use clap::Parser;

/// The words of the `book` command that lead here.
#[derive(Parser)]
#[command(name = "cargo book", bin_name = "cargo book")]
enum Verb {
    Predict(book::predict::Args),
    #[command(subcommand)]
    Prove(What),
}

#[derive(clap::Subcommand)]
enum What {
    Model(book::prove::model::Args),
}

fn main() -> ExitCode {
    say::end_with_the_reader();
    say::ended(run(Verb::parse()))
}

fn run(verb: Verb) -> Result<()> {
    match verb {
        Verb::Predict(args) => predict::run(&args.script.join(" "), args.program),
        Verb::Prove(What::Model(args)) if args.planted => planted::run(&book::root()?),
        Verb::Prove(What::Model(args)) => prove::run(args.seed, args.scripts),
    }
}

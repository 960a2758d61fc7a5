//! The gauntlet: runs a client against every peer, or against one.

use std::process::ExitCode;

use clap::Parser;

/// Run a client, in any language, against every peer of the lab, and say where it hangs
#[derive(Parser)]
#[command(name = "peers")]
struct Cli {
    #[command(flatten)]
    args: gauntlet::Args,
}

fn main() -> ExitCode {
    gauntlet::stage_if_asked();
    match gauntlet::run(&Cli::parse().args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

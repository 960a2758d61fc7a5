//! The program that stock mdBook runs for `[preprocessor.weave]`: the book as JSON on standard
//! input, the woven book on standard output. `weave supports RENDERER` answers by its exit code.

use std::process::ExitCode;

use mdbook_preprocessor::{Preprocessor, parse_input};
use weave::preprocess::Weave;

fn main() -> ExitCode {
    let weave = Weave { drafts: false, yours: false };
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["supports", renderer] => match weave.supports_renderer(renderer) {
            Ok(true) => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        },
        [] => preprocess(&weave),
        _ => {
            eprintln!("weave is called by mdBook, from book.toml. To read the book: `cargo run`.");
            ExitCode::from(2)
        }
    }
}

fn preprocess(weave: &Weave) -> ExitCode {
    let woven = parse_input(std::io::stdin())
        .and_then(|(ctx, book)| weave.run(&ctx, book))
        .and_then(|book| Ok(serde_json::to_writer(std::io::stdout(), &book)?));
    match woven {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

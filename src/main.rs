//! The `book` command. Without a verb it reads: `cargo run`.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use book::prove::share::Share;
use book::say;
use book::site::Address;
use clap::{Args, Parser, Subcommand};

/// Async Rust, by Heart: notes you can run, break and remember.
#[derive(Parser)]
#[command(name = "cargo book", bin_name = "cargo book", version, after_help = AFTER_HELP)]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    read: Read,
}

const AFTER_HELP: &str = "\
Without a verb it reads. `cargo test` proves the book, `cargo test edges` what belongs to one note;
with BOOK_FRESH=1 nothing that was proven earlier counts, with BOOK_SLOW=1 what takes minutes runs
too.";

#[derive(Subcommand)]
enum Verb {
    /// Serve the book, and weave it again on each save
    ///
    /// Its files are looked at five times a second, so that a save is noticed on every file system,
    /// those of containers and networks too. It is served to this machine alone, under 127.0.0.1
    /// and localhost.
    Read(Read),
    /// Find everything that is wrong and needs no compiler to be found
    Check,
    /// Lay out a note: its page as a draft, the test of its claim, and all entries
    New(book::new::Args),
    /// Open your own page for a note, which is shown under it; without a name, list yours
    Note(book::note::Args),
    /// Run the console blocks again and write their output back
    Record {
        /// Only the pages whose path contains this
        page: Option<String>,
    },
    /// Run the program of a page, or copy it to change it; without a page, list the programs
    Run(book::run::Args),
    /// Break a crate as a diff of the book says, and watch what happens; without a name, list them
    Break {
        /// The diff's name
        name: Option<String>,
        /// Run the broken test so often, and count how it ends; without a name, that of every diff
        #[arg(long, value_name = "N")]
        times: Option<usize>,
    },
    /// Make a chapter crate an exercise of yours; without a name, list the exercises
    Fork(book::fork::Args),
    /// Build a fork and run its tests: what passes, waits, fails or hangs
    Try(book::fork::attempt::Args),
    /// Say what to do now in a fork, and why
    Next(book::fork::Which),
    /// Give one hint more for the function to write
    Hint(book::fork::help::Of),
    /// Show the author's code beside yours, once yours is green or when asked twice
    Solution(book::fork::help::Of),
    /// Make a fork what it was; what you wrote is kept, and it says where
    Reset(book::fork::Which),
    /// What the model of epoll says of a script, step by step, and what the kernel says
    Predict(book::predict::Args),
    /// Run the proofs that take minutes
    Prove {
        /// What to prove
        #[command(subcommand)]
        what: What,
    },
    /// Run a client, in any language, against every peer of the lab, and say where it hangs
    Gauntlet(gauntlet::Args),
    /// Ask the cards that are due, and new ones of the notes that you have read
    Recall(book::recall::Args),
    /// Measure what waiting costs on this machine, and compare its ratios with the page's
    Measure,
    /// Print the book, without drafts, as a PDF, by Chromium
    ///
    /// A4, with page numbers and bookmarks; what is folded on a page is open, and the answers of the
    /// cards stand behind each note.
    Pdf {
        /// The file to write
        #[arg(default_value = book::pdf::FILE)]
        file: PathBuf,
    },
    /// Write the book, without drafts, as an EPUB, for readers of e-books
    Epub {
        /// The file to write
        #[arg(default_value = "async-rust-by-heart.epub")]
        file: PathBuf,
    },
    /// Build the book, without drafts, as a site for any host and any path, and check its links
    ///
    /// The folder is replaced as a whole at the end. It stays as it is where a link or a redirect
    /// leads nowhere. A folder with other files in it is refused. What leads to other hosts is not
    /// followed.
    Site {
        /// The folder for it: a new or an empty one, or that of an earlier site, which is replaced
        dir: PathBuf,
        /// Where it will be read: a host and, if it is below one, the path of a folder
        #[arg(long, value_name = "https://HOST/PATH")]
        url: Address,
    },
}

#[derive(Subcommand)]
enum What {
    /// tokio's own tests pass on my-mio as on mio
    Tokio,
    /// mio's contract finds the bugs that are planted in my-mio
    Contract {
        /// Only this bug, with all tests that find it
        bug: Option<String>,
        /// Only a share of the bugs: 3/10 is the third of ten shares
        #[arg(long, value_name = "K/N", conflicts_with = "bug")]
        share: Option<Share>,
    },
    /// Which of tokio's tests each fault of the book kills
    Faults {
        /// Only this one
        name: Option<String>,
    },
    /// Every exercise can be done, and its wrong answers fail and are told apart
    Exercises(book::prove::exercises::Args),
    /// The model of epoll predicts what the kernel does on a million random scripts
    Model(book::prove::model::Args),
}

#[derive(Args)]
struct Read {
    /// The port on this machine; 0 takes any free one
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Open a browser
    #[arg(long)]
    open: bool,
}

fn main() -> ExitCode {
    gauntlet::stage_if_asked();
    say::end_with_the_reader();
    match Cli::try_parse() {
        Ok(cli) => say::ended(run(cli)),
        Err(help) => match help.print() {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                say::ended(Err(error).context("can't print"))
            }
            _ => ExitCode::from(u8::try_from(help.exit_code()).unwrap_or(1)),
        },
    }
}

fn run(cli: Cli) -> Result<()> {
    if let Some(Verb::Gauntlet(args)) = &cli.verb {
        return Ok(gauntlet::run(args)?);
    }
    let root = book::root()?;
    match cli.verb.unwrap_or(Verb::Read(cli.read)) {
        Verb::Read(Read { port, open }) => {
            let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
            book::read::run(&root, address, open)
        }
        Verb::Check => book::check::run(&root),
        Verb::New(args) => book::new::run(&root, &args),
        Verb::Note(args) => book::note::run(&root, &args),
        Verb::Run(args) => book::run::run(&root, &args),
        Verb::Fork(args) => book::fork::run(&root, &args),
        Verb::Try(args) => book::fork::attempt::run(&root, &args),
        Verb::Next(which) => book::fork::next::run(&root, &which),
        Verb::Hint(of) => book::fork::help::hint(&root, &of),
        Verb::Solution(of) => book::fork::help::solution(&root, &of),
        Verb::Reset(which) => book::fork::help::reset(&root, &which),
        Verb::Record { page } => book::record::run(&root, page.as_deref()),
        Verb::Prove { what: What::Tokio } => book::prove::tokio::run(&root),
        Verb::Prove { what: What::Contract { bug: None, share } } => {
            book::prove::contract::run(&root, share)
        }
        Verb::Prove { what: What::Contract { bug: Some(name), .. } } => {
            book::prove::contract::one(&root, &name)
        }
        Verb::Prove { what: What::Exercises(args) } => book::prove::exercises::run(&root, &args),
        Verb::Prove { what: What::Faults { name } } => {
            book::prove::faults::run(&root, name.as_deref())
        }
        Verb::Predict(_) | Verb::Prove { what: What::Model(_) } => {
            book::member::run(&root, "verb-model").map(|never| match never {})
        }
        Verb::Recall(book::recall::Args { anki: Some(_), .. }) => {
            book::member::run(&root, "verb-anki").map(|never| match never {})
        }
        Verb::Recall(_) => book::member::run(&root, "verb-recall").map(|never| match never {}),
        Verb::Gauntlet(_) => unreachable!("it needs no book"),
        Verb::Measure => book::measure::run(&root),
        Verb::Pdf { file } => book::pdf::run(&root, &file),
        Verb::Epub { .. } => book::member::run(&root, "verb-epub").map(|never| match never {}),
        Verb::Site { dir, url } => book::site::run(&root, &dir, &url),
        Verb::Break { name, times: Some(times) } => {
            book::broken::count(&root, name.as_deref(), times)
        }
        Verb::Break { name, times: None } => book::broken::run(&root, name.as_deref()),
    }
}

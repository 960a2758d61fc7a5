//! The `book` command. Without a verb it reads: `cargo run`.

use std::io::{ErrorKind, stderr};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use book::prove::contract::Share;
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
    /// What the model of epoll says of a script, step by step, and what the kernel says
    #[command(after_help = book::predict::HELP)]
    Predict {
        /// Steps parted by `;`, in quotes: 'add IN|ET; peer write 5; read 5; wait'
        #[arg(required = true)]
        script: Vec<String>,
        /// Print the script as a program to paste
        #[arg(long)]
        program: bool,
    },
    /// Run the proofs that take minutes
    Prove {
        /// What to prove
        #[command(subcommand)]
        what: What,
    },
    /// Run a client, in any language, against every peer of the lab, and say where it hangs
    Gauntlet(gauntlet::Args),
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
    /// The model of epoll predicts what the kernel does on a million random scripts
    Model {
        /// The seed of all scripts, which is printed; without it, another one each time
        #[arg(long, value_name = "N")]
        seed: Option<u64>,
        /// So many scripts of each kind
        #[arg(long, value_name = "N")]
        scripts: Option<u64>,
        /// Plant the mistakes of `chapters-code/model/planted` instead, and record what finds each
        #[arg(long, conflicts_with_all = ["seed", "scripts"])]
        planted: bool,
    },
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
        Ok(cli) => ended(run(cli)),
        Err(help) => match help.print() {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                ended(Err(error).context("can't print"))
            }
            _ => ExitCode::from(u8::try_from(help.exit_code()).unwrap_or(1)),
        },
    }
}

fn ended(verb: Result<()>) -> ExitCode {
    match verb.and_then(|()| say::all("")) {
        Err(error) if !say::is_reader_gone(&error) => {
            say::line(&mut stderr(), format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

fn run(cli: Cli) -> Result<()> {
    if let Some(Verb::Gauntlet(args)) = &cli.verb {
        return Ok(gauntlet::run(args)?);
    }
    if let Some(Verb::Predict { script, program }) = &cli.verb {
        return book::predict::run(&script.join(" "), *program);
    }
    let root = book::root()?;
    match cli.verb.unwrap_or(Verb::Read(cli.read)) {
        Verb::Read(Read { port, open }) => {
            let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
            book::read::run(&root, address, open)
        }
        Verb::Check => book::check::run(&root),
        Verb::New(args) => book::new::run(&root, &args),
        Verb::Run(args) => book::run::run(&root, &args),
        Verb::Record { page } => book::record::run(&root, page.as_deref()),
        Verb::Prove { what: What::Tokio } => book::prove::tokio::run(&root),
        Verb::Prove { what: What::Contract { bug: None, share } } => {
            book::prove::contract::run(&root, share)
        }
        Verb::Prove { what: What::Contract { bug: Some(name), .. } } => {
            book::prove::contract::one(&root, &name)
        }
        Verb::Prove { what: What::Faults { name } } => {
            book::prove::faults::run(&root, name.as_deref())
        }
        Verb::Prove { what: What::Model { planted: true, .. } } => {
            book::prove::model::planted(&root)
        }
        Verb::Prove { what: What::Model { seed, scripts, .. } } => {
            book::prove::model::run(seed, scripts)
        }
        Verb::Gauntlet(_) | Verb::Predict { .. } => unreachable!("they need no book"),
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

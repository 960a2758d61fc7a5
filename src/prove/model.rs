//! `cargo book prove model`: random scripts, in the model of epoll and on the kernel.
//!
//! It stands in `verbs/model`; here is what it is asked with.

/// What to prove it with.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The seed of all scripts, which is printed; without it, another one each time
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// So many scripts of each kind
    #[arg(long, value_name = "N")]
    pub scripts: Option<u64>,
    /// Plant the mistakes of `chapters-code/model/planted` instead, and record what finds each
    #[arg(long, conflicts_with_all = ["seed", "scripts"])]
    pub planted: bool,
}

//! `cargo book predict`: what the model of epoll says of a script, and what the kernel says.
//!
//! It stands in `verbs/model`; here is what it is asked with.

/// What to predict.
#[derive(Debug, clap::Args)]
#[command(after_help = include_str!("../chapters-code/model/src/steps.txt"))]
pub struct Args {
    /// Steps parted by `;`, in quotes: 'add IN|ET; peer write 5; read 5; wait'
    #[arg(required = true)]
    pub script: Vec<String>,
    /// Print the script as a program to paste
    #[arg(long)]
    pub program: bool,
}

//! A client for the gauntlet: the very same as `by_mio`, on this book's own crate.

extern crate my_mio as mio;

#[path = "by_mio.rs"]
mod by_mio;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    by_mio::main()
}

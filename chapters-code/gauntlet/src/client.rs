//! What the clients in Rust share: the task, the shape of a [`Reply`], and how it is told. How they
//! wait is what they differ in.

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

pub use reply::Reply;

/// What the gauntlet asks for, from the environment.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// Where the peer listens.
    pub peer: SocketAddr,
    /// How many connections to make.
    pub streams: usize,
    /// When to give up.
    pub patience: Duration,
}

impl Task {
    /// Fails outside the gauntlet.
    pub fn from_env() -> Result<Task, Box<dyn Error>> {
        let var = |name| env::var(name).map_err(|error| format!("{name}: {error}"));
        let patience = Duration::from_millis(var("PATIENCE_MS")?.parse()?);
        Ok(Task { peer: var("PEER")?.parse()?, streams: var("STREAMS")?.parse()?, patience })
    }

    /// What to send on connection `n`.
    pub fn request(&self, n: usize) -> Vec<u8> {
        format!("GET /0/request-{n} HTTP/1.1\r\nHost: {}\r\n\r\n", self.peer).into()
    }
}

/// Writes a reply's body to stdout, as the gauntlet reads it.
pub fn tell(n: usize, body: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{n} {}", body.len())?;
    stdout.write_all(body)?;
    stdout.write_all(b"\n")
}

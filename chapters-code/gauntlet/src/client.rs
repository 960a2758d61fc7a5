//! What the clients in Rust share: the task, the shape of a reply, and how it is told. How they
//! wait is what they differ in.

use std::env;
use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::time::Duration;

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

// ANCHOR: reply
/// A reply, as far as it has been read.
#[derive(Debug, Default)]
pub struct Reply {
    received: Vec<u8>,
}

impl Reply {
    /// Adds what a read returned, nothing at the end of the stream. The body, once it is whole.
    pub fn add(&mut self, read: &[u8]) -> io::Result<Option<&[u8]>> {
        self.received.extend_from_slice(read);
        let whole = match (self.head(), read.is_empty()) {
            (Some((body, Some(length))), _) => self.received.get(body..body + length),
            (Some((body, None)), true) => self.received.get(body..),
            (Some((_, None)), false) | (None, _) => None,
        };
        match (whole, read.is_empty()) {
            (None, true) => Err(ErrorKind::UnexpectedEof.into()),
            (whole, _) => Ok(whole),
        }
    }

    /// Where the body begins, and its length if that is told; once the blank line is there.
    fn head(&self) -> Option<(usize, Option<usize>)> {
        let end = self.received.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&self.received[..end]);
        let mut fields = head.lines().filter_map(|line| line.split_once(':'));
        let length = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        Some((end + 4, length.and_then(|(_, length)| length.trim().parse().ok())))
    }
}
// ANCHOR_END: reply

/// Writes a reply's body to stdout, as the gauntlet reads it.
pub fn tell(n: usize, body: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{n} {}", body.len())?;
    stdout.write_all(body)?;
    stdout.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_ends_at_its_length_or_at_the_end_of_the_stream() {
        let mut reply = Reply::default();
        assert_eq!(reply.add(b"HTTP/1.1 200 OK\r\nContent-Le").unwrap(), None);
        assert_eq!(reply.add(b"ngth: 2\r\n\r\nh").unwrap(), None);
        assert_eq!(reply.add(b"i and more").unwrap(), Some(&b"hi"[..]));
        let mut reply = Reply::default();
        assert_eq!(reply.add(b"HTTP/1.1 200 OK\r\n\r\nhi").unwrap(), None);
        assert_eq!(reply.add(b"").unwrap(), Some(&b"hi"[..]));
    }

    #[test]
    fn a_stream_that_ends_too_early_is_an_error() {
        for part in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh"] {
            let mut reply = Reply::default();
            assert!(part.is_empty() || reply.add(part.as_bytes()).unwrap().is_none());
            assert_eq!(reply.add(b"").unwrap_err().kind(), ErrorKind::UnexpectedEof);
        }
    }
}

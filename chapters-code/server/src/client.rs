//! One client: its stream, what is unsent, and whether it has ended.

use std::io::{self, ErrorKind, Read, Write};

use my_mio::net::TcpStream;

/// How many bytes may be unsent before a service must do something about it.
pub const BOUND: usize = 64 * 1024;

/// A connection that was accepted.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    /// What the socket has not taken yet.
    pub unsent: Vec<u8>,
    /// Whether the client will send no more: a read has returned 0.
    pub ended: bool,
}

impl Client {
    /// A client with nothing unsent. The stream does not block.
    pub fn new(stream: TcpStream) -> Client {
        Client { stream, unsent: Vec::new(), ended: false }
    }

    // ANCHOR: client
    /// Writes until nothing is unsent or the socket says `WouldBlock`.
    pub fn flush(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => drop(self.unsent.drain(..n)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The bytes of one read, none at the end; `None` if the socket says `WouldBlock`.
    pub fn read<'a>(&mut self, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
        loop {
            match self.stream.read(buffer) {
                Ok(n) => {
                    self.ended |= n == 0;
                    return Ok(Some(&buffer[..n]));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
        }
    }
    // ANCHOR_END: client
}

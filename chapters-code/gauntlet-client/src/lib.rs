//! A client for the gauntlet: one thread, and `poll(2)` tells which connection is worth a try.
//!
//! `cargo run --bin peers -- --help` has the task in full; [`gauntlet::client`] has what a client need
//! not write, the parser of replies among it.

pub mod poll;

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use gauntlet::client::{Reply, Task};

use poll::{Asked, ready};

/// A connection with its one request and the reply to it.
#[derive(Debug)]
pub struct Connection {
    socket: TcpStream,
    unsent: Vec<u8>,
    reply: Reply,
}

impl Connection {
    /// Connects for request `n`, of which nothing is sent. The socket does not block.
    pub fn open(task: &Task, n: usize) -> io::Result<Connection> {
        let socket = TcpStream::connect(task.peer)?;
        socket.set_nonblocking(true)?;
        Ok(Connection { socket, unsent: task.request(n), reply: Reply::default() })
    }

    /// What this connection waits for.
    pub fn asked(&self) -> Asked<'_> {
        Asked { socket: &self.socket, to_write: !self.unsent.is_empty() }
    }

    /// Sends what is unsent, and takes in what has come, each as far as that goes without waiting. The body
    /// of the reply as soon as it is whole, whether or not the request could be sent; nothing more is read
    /// then. `None` if that is not yet so. Fails if the reply can't become whole any more:
    /// [`Reply::take_in`] says so, or the socket.
    pub fn advance(&mut self) -> io::Result<Option<Vec<u8>>> {
        // FORK gauntlet: send and read until the socket would block, or the reply is whole
        // HINT: `cargo run --bin peers -- --list` says of each peer in which pieces it sends. What must not
        //   be taken for the end of a reply?
        // HINT: `Reply::take_in` knows when a reply is whole. What does it take an empty slice for, and
        //   which result of a read is one?
        // HINT: A write takes what fits. What is left to send then, and who says when to go on?
        // HINT: Two loops, one after the other. `WouldBlock` ends each, `Interrupted` neither. The second
        //   also ends as soon as `take_in` gives the body, so that it meets no reset after it. An error of
        //   the first is for the end: the reply may be there.
        let sent = loop {
            if self.unsent.is_empty() {
                break Ok(None);
            }
            match self.socket.write(&self.unsent) {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break Ok(None),
                Err(error) => break Err(error),
            }
        };
        let mut buffer = [0; 4096];
        loop {
            match self.socket.read(&mut buffer) {
                Ok(read) => {
                    if let Some(body) = self.reply.take_in(&buffer[..read])? {
                        return Ok(Some(body.to_vec()));
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return sent,
                Err(error) => return Err(error),
            }
        }
    }
}

/// Opens all connections of the task, and hands each body with its number to `tell` when it is whole, and
/// closes that connection. Fails with the first error, of a connection or of `tell`, when it comes; and with
/// [`TimedOut`](ErrorKind::TimedOut) when replies are missing and the patience, counted from the start, is
/// over.
pub fn replies(
    task: &Task,
    mut tell: impl FnMut(usize, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    // FORK gauntlet: open all, then sleep in `ready`, advance what is ready, and tell what is whole, until
    //   all is told or the patience is over
    // HINT: Two of the peers never reply. What ends your loop there, and how long does it sleep until then?
    // HINT: Which connections does `ready` get once the first reply is told? What would it say of one
    //   whose peer has closed?
    // HINT: A list of open connections with their numbers. A loop as long as one is open: what is left of
    //   the patience, or give up; `ready` for all that are open; `advance` those that are; take out what is told.
    let deadline = Instant::now() + task.patience;
    let mut open = Vec::new();
    for n in 0..task.streams {
        open.push((n, Connection::open(task, n)?));
    }
    while !open.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left == Duration::ZERO {
            return Err(ErrorKind::TimedOut.into());
        }
        let asked: Vec<Asked<'_>> = open.iter().map(|(_, one)| one.asked()).collect();
        let ready = ready(&asked, left)?;
        for at in (0..open.len()).rev().filter(|at| ready[*at]) {
            let (n, connection) = &mut open[at];
            if let Some(body) = connection.advance()? {
                tell(*n, &body)?;
                open.remove(at);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

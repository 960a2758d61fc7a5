//! A client for the gauntlet: one thread, and mio tells which connection is worth a try.

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::time::Instant;

use gauntlet::client::{Reply, Task, tell};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

// ANCHOR: main
/// Public, as the client on this book's own crate begins here too.
pub fn main() -> Result<(), Box<dyn Error>> {
    let task = Task::from_env()?;
    let deadline = Instant::now() + task.patience;
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(16));
    let mut open: Vec<Option<Connection>> = Vec::new();
    for n in 0..task.streams {
        let mut connection = Connection::new(task, n)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut connection.socket, Token(n), both)?;
        open.push(Some(connection));
    }
    while open.iter().any(Option::is_some) {
        wait(&mut poll, &mut events, deadline)?;
        for event in &events {
            let place = &mut open[event.token().0];
            if let Some(connection) = place
                && connection.advance(event.token().0)?
            {
                *place = None; // Closes it.
            }
        }
    }
    Ok(())
}
// ANCHOR_END: main

/// Waits for events, for what is left of the patience.
fn wait(poll: &mut Poll, events: &mut Events, deadline: Instant) -> io::Result<()> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    match poll.poll(events, Some(left)) {
        Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

struct Connection {
    socket: TcpStream,
    unsent: Vec<u8>,
    reply: Reply,
}

impl Connection {
    fn new(task: Task, n: usize) -> io::Result<Connection> {
        let socket = TcpStream::connect(task.peer)?;
        Ok(Connection { socket, unsent: task.request(n), reply: Reply::default() })
    }

    /// Writes and reads until that would block. Whether the reply is whole, and told.
    fn advance(&mut self, n: usize) -> io::Result<bool> {
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(error) => return later(error),
            }
        }
        let mut buffer = [0; 4096];
        loop {
            match self.socket.read(&mut buffer) {
                Ok(read) => {
                    if let Some(body) = self.reply.take_in(&buffer[..read])? {
                        return tell(n, body).map(|()| true);
                    }
                }
                Err(error) => return later(error),
            }
        }
    }
}

/// Not done, and no error, if an event will tell: the socket is still connecting, or it would block.
fn later(error: io::Error) -> io::Result<bool> {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::NotConnected => Ok(false),
        _ => Err(error),
    }
}

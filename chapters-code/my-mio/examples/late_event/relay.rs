//! Connections that are joined two by two: when one end closes, the other is closed too.

use std::io;
use std::time::Duration;

use my_mio::event::Event;
use my_mio::net::UnixStream;
use my_mio::{Events, Interest, Poll, Token};

use crate::slab::Slab;

/// The connections by token, and those that wait until there is room.
pub struct Relay {
    poll: Poll,
    ends: Slab<End>,
    waiting: Vec<UnixStream>,
}

struct End {
    stream: UnixStream,
    /// The end that is joined to it. A newcomer has none yet.
    other: Option<Token>,
}

/// What an event was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    /// An end closed, so both ends are closed, and a connection that waited has come in.
    Closed,
    /// Something else. A relay would move bytes here; this one has none.
    Open,
    /// Nobody: the token's connection is gone.
    Late,
}

impl Relay {
    /// Nobody is joined to anybody.
    pub fn new() -> io::Result<Relay> {
        Ok(Relay { poll: Poll::new()?, ends: Slab::default(), waiting: Vec::new() })
    }

    /// Joins two connections.
    pub fn join(&mut self, one: UnixStream, other: UnixStream) -> io::Result<()> {
        let one = self.add(one, None)?;
        match self.add(other, Some(one)) {
            Ok(other) => {
                self.ends.get_mut(one).expect("it has just been added").other = Some(other);
                Ok(())
            }
            // One end without the other is no pair.
            Err(error) => self.close(one).and(Err(error)),
        }
    }

    /// Lets a connection wait until there is room.
    pub fn wait_for_room(&mut self, newcomer: UnixStream) {
        self.waiting.push(newcomer);
    }

    /// What has happened up to now.
    pub fn poll(&mut self, events: &mut Events) -> io::Result<()> {
        self.poll.poll(events, Some(Duration::ZERO))
    }

    // ANCHOR: add
    /// A refused registration leaves nothing: the stream is closed and its place is free.
    fn add(&mut self, stream: UnixStream, other: Option<Token>) -> io::Result<Token> {
        let token = self.ends.insert(End { stream, other });
        let end = self.ends.get_mut(token).expect("it has just been inserted");
        let added = self.poll.registry().register(&mut end.stream, token, Interest::READABLE);
        if added.is_err() {
            self.ends.remove(token);
        }
        added.map(|()| token)
    }
    // ANCHOR_END: add

    // ANCHOR: handle
    /// Acts on what an event says. Two joined ends end together, and make room. What fails is said
    /// when all of it was tried.
    pub fn handle(&mut self, event: &Event) -> io::Result<Handled> {
        let Some(end) = self.ends.get_mut(event.token()) else {
            return Ok(Handled::Late);
        };
        if !event.is_read_closed() {
            return Ok(Handled::Open);
        }
        let other = end.other;
        let closed = self.close(event.token());
        let both = other.map_or(Ok(()), |other| self.close(other));
        let newcomer = self.waiting.pop().map(|newcomer| self.add(newcomer, None)).transpose();
        closed.and(both).and(newcomer).map(|_| Handled::Closed)
    }
    // ANCHOR_END: handle

    // ANCHOR: close
    /// Deregisters, then closes. An end that is gone is closed already.
    fn close(&mut self, token: Token) -> io::Result<()> {
        // FORK tokens: close an end, so that nothing is heard of it any more, whoever has a duplicate of it
        // HINT: With what does a registration end: with the number, or with what the number is about?
        // HINT: Two things go, the value under the token and the registration. What of an error, and what
        //   becomes of the stream at the end of the block?
        if let Some(mut end) = self.ends.remove(token) {
            self.poll.registry().deregister(&mut end.stream)?;
        }
        Ok(())
    }
    // ANCHOR_END: close
}

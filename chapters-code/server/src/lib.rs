//! A server on one thread: it accepts until nobody waits, gives each client a turn, and bounds what
//! it keeps for those who do not read. [`Echo`] and [`Chat`] are two services for it.
//!
//! ```
//! use server::{Echo, Server};
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//!
//! let mut server = Server::bind("127.0.0.1:0".parse().unwrap(), Echo)?;
//! let address = server.address()?;
//! std::thread::spawn(move || server.run());
//!
//! let mut client = TcpStream::connect(address)?;
//! client.write_all(b"hello")?;
//! let mut reply = [0; 5];
//! client.read_exact(&mut reply)?;
//! assert_eq!(&reply, b"hello");
//! # Ok::<(), std::io::Error>(())
//! ```

mod chat;
mod client;
mod door;
mod echo;

use std::collections::{BTreeSet, HashMap};
use std::io::{self, ErrorKind};
use std::mem;
use std::net::SocketAddr;
use std::time::Duration;

use my_mio::net::TcpListener;
use my_mio::{Events, Interest, Poll, Token};

pub use chat::{Chat, LONGEST_LINE};
pub use client::{BOUND, Client};
pub use door::Door;
pub use echo::Echo;

/// The clients by their tokens. A token is used once.
pub type Clients = HashMap<Token, Client>;

// ANCHOR: service
/// What a server does for its clients.
pub trait Service {
    /// Something may have happened to the client `token`. Clients that are taken out are closed.
    fn turn(&mut self, token: Token, clients: &mut Clients) -> Turn;
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// An event will tell when to go on, unless the client was taken out.
    Waits,
    /// The turn was long enough: there may be more, and no event will tell.
    Unfinished,
}
// ANCHOR_END: service

/// A listener, its clients, and what is done for them.
#[derive(Debug)]
pub struct Server<S> {
    poll: Poll,
    door: Door,
    clients: Clients,
    next: Token,
    unfinished: BTreeSet<Token>,
    service: S,
}

/// The listener's token. Clients count on from there.
const DOOR: Token = Token(0);

impl<S: Service> Server<S> {
    /// Listens on `address`.
    pub fn bind(address: SocketAddr, service: S) -> io::Result<Server<S>> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(address)?;
        poll.registry().register(&mut listener, DOOR, Interest::READABLE)?;
        let (clients, unfinished) = (Clients::new(), BTreeSet::new());
        let (door, next) = (Door::new(listener), Token(DOOR.0 + 1));
        Ok(Server { poll, door, clients, next, unfinished, service })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.door.address()
    }

    // ANCHOR: run
    /// Serves for ever. An error is the listener's or the poll's; a client's error ends that client.
    pub fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            match self.poll.poll(&mut events, self.patience()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            if self.door.somebody_waits {
                self.accept()?;
            }

            let mut turns = mem::take(&mut self.unfinished);
            turns.extend(events.iter().map(|event| event.token()));
            for token in turns {
                match token {
                    DOOR => self.accept()?,
                    client => self.turn(client)?,
                }
            }
        }
    }
    // ANCHOR_END: run

    // ANCHOR: accept
    /// How long to wait for an event: until one comes, unless there is something to do without one. A
    /// client that is not finished is not waited for at all, and somebody at the door for 100 ms.
    fn patience(&self) -> Option<Duration> {
        // FORK server: say how long the loop may sleep, when there may be something to do without an event
        // HINT: Two fields of the server tell of work that no event will announce. Which?
        // HINT: What would the loop do all day if it did not sleep at all while somebody waits at the
        //   door? The first row of the table under *No descriptor left*.
        match (self.unfinished.is_empty(), self.door.somebody_waits) {
            (false, _) => Some(Duration::ZERO),
            // Others than our clients may hold the descriptors, and nobody tells when they let go.
            (true, true) => Some(Duration::from_millis(100)),
            (true, false) => None,
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        let Server { poll, door, clients, next, .. } = self;
        door.accept_all(|mut stream| {
            let both = Interest::READABLE | Interest::WRITABLE;
            // A stream that can't be registered is dropped, and with it this one connection.
            if poll.registry().register(&mut stream, *next, both).is_ok() {
                clients.insert(*next, Client::new(stream));
                next.0 += 1;
            }
        })
    }

    /// One turn of a client. If the service has not finished, the client has another one in the next
    /// round. If a client was closed, whoever waits at the door is accepted before anything else.
    fn turn(&mut self, token: Token) -> io::Result<()> {
        // FORK server: give a client its turn, and see to those of whom no event will tell afterwards
        // HINT: How does the loop in `run` learn who has a turn without an event?
        // HINT: A service closes a client by taking it out of `clients`. What tells you that it did,
        //   and what has become free by it?
        let before = self.clients.len();
        if self.service.turn(token, &mut self.clients) == Turn::Unfinished {
            self.unfinished.insert(token);
        }
        // A descriptor is free again, and no event will tell of those who wait at the door.
        if self.door.somebody_waits && self.clients.len() < before {
            self.accept()?;
        }
        Ok(())
    }
    // ANCHOR_END: accept
}

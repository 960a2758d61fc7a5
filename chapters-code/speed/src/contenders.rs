//! Who takes part.

use std::io;
use std::net::TcpStream;

use crate::calls;
use crate::end::{End, Parked, Queued};
use crate::queue::{Bare, Mio, MyMio, Polling};
use crate::registrations::{Idle, Kept, Registration, registration};
use crate::ring::Ring;
use crate::session::{Both, Session};

/// Makes so many registrations, and tells what one costs.
pub type Register = fn(&Idle, usize) -> io::Result<(Registration, Kept)>;

/// A way to sleep until there is something to do.
pub struct Contender {
    /// What it is called in tables.
    pub name: &'static str,
    /// Whether it can sleep on more than one connection.
    pub many: bool,
    /// So many connections, with the server on that core.
    pub start: fn(usize, usize) -> io::Result<Box<dyn Session>>,
    /// Plays the server whose system calls are counted.
    pub(crate) play: fn(Vec<TcpStream>) -> io::Result<()>,
    /// What an idle registration costs, where there are any.
    pub register: Option<Register>,
}

/// The first one is what the others are compared with, and the next three are the same again: what
/// these differ by is noise.
pub const CONTENDERS: [Contender; 10] = [
    queued::<Queued<Mio>>("mio", Some(registration::<Mio>)),
    queued::<Queued<Mio>>("mio (2)", None),
    queued::<Queued<Mio>>("mio (3)", None),
    queued::<Queued<Mio>>("mio (4)", None),
    queued::<Queued<MyMio>>("my-mio", Some(registration::<MyMio>)),
    queued::<Queued<Polling<false>>>("polling", Some(registration::<Polling<false>>)),
    queued::<Queued<Polling<true>>>("polling, edges", None),
    queued::<Queued<Bare>>("bare epoll", Some(registration::<Bare>)),
    alone::<Parked>("read(2)"),
    alone::<Ring>("io_uring"),
];

impl Contender {
    /// Whether this is the first one under another name.
    pub fn is_again(&self) -> bool {
        self.name.starts_with("mio (")
    }
}

const fn queued<E: End + 'static>(name: &'static str, register: Option<Register>) -> Contender {
    Contender { name, many: true, start: start::<E>, play: calls::play::<E>, register }
}

const fn alone<E: End + 'static>(name: &'static str) -> Contender {
    Contender { name, many: false, start: start::<E>, play: calls::play::<E>, register: None }
}

fn start<E: End + 'static>(connections: usize, core: usize) -> io::Result<Box<dyn Session>> {
    Ok(Box::new(Both::<E>::start(connections, core)?))
}

/// The contender with that name.
pub fn named(name: &str) -> io::Result<&'static Contender> {
    static ALL: [Contender; 10] = CONTENDERS;
    let found = ALL.iter().find(|contender| contender.name == name);
    found.ok_or_else(|| io::Error::other(format!("no contender `{name}`")))
}

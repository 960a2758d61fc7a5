//! Scripts: lines of steps, parted by `;`.

use std::collections::BTreeMap;
use std::fmt;

use crate::Flags;

/// What a descriptor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A TCP connection over loopback.
    Tcp,
    /// One end of a pair of Unix stream sockets.
    Unix,
    /// The end of a pipe that is read.
    Reader,
    /// The end of a pipe that is written to.
    Writer,
    /// An eventfd.
    Eventfd,
    /// A UDP socket that is connected to its peer.
    Udp,
    /// A TCP socket that listens.
    Listener,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 7] = [
        Kind::Tcp,
        Kind::Unix,
        Kind::Reader,
        Kind::Writer,
        Kind::Eventfd,
        Kind::Udp,
        Kind::Listener,
    ];

    /// Whether a call makes sense on it; else what is wrong with it, and what would be right.
    pub fn allows(self, side: Side, call: Call) -> Result<(), &'static str> {
        use Call::*;
        use Kind::*;
        let peer = side == Side::Peer;
        match (self, call) {
            (Tcp | Unix | Reader | Writer | Listener, Write(n)) if n > MUCH => {
                Err("one write here has at most 16777216 bytes")
            }
            (Listener, Connect) if peer => Ok(()),
            (Listener, Accept | Drain | Shutdown) if !peer => Ok(()),
            (Listener, Write(_) | Shutdown | Close | Reset) if peer => Ok(()),
            (Listener, Connect) => Err("clients connect: `peer connect`"),
            (Listener, _) if peer => {
                Err("a listener's peer is the last client: `peer connect`, then `peer write N`, \
                     `peer shutdown`, `peer close`, `peer reset`")
            }
            (Listener, _) => Err("a listener accepts: `accept`, or `drain` for all that have come"),
            (_, Accept | Connect) => Err("only a `listener` has clients that connect"),
            (_, Reset) if !peer => Err("the other side resets: `peer reset`"),
            (Tcp, _) => Ok(()),
            (_, Reset) => {
                Err("only TCP has a reset; on a Unix stream `write 1; peer close`, a close \
                               with something unread, is like one")
            }
            (Unix, _) => Ok(()),
            (Udp, Fill) => Err("datagrams are never refused for want of room, they are lost"),
            (Udp, Write(65508..)) => Err("a datagram has at most 65507 bytes"),
            (Udp, _) => Ok(()),
            (_, Shutdown) => Err("only sockets are shut down; here it is `close` or `peer close`"),
            (Eventfd, Write(u64::MAX)) => Err("the counter ends one below that"),
            (Eventfd, Close) => Err("an eventfd has one counter and no other side to close"),
            (Eventfd, _) => Ok(()),
            (Reader, Read(_) | Drain) if !peer => Ok(()),
            (Reader, Write(_) | Fill | Close) if peer => Ok(()),
            (Writer, Write(_) | Fill) if !peer => Ok(()),
            (Writer, Read(_) | Drain | Close) if peer => Ok(()),
            (Reader, _) => {
                Err("a pipe has one direction, and here the end that reads is watched; \
                                for the other one begin with `pipe writer`")
            }
            (Writer, _) => {
                Err("a pipe has one direction, and here the end that writes is watched; \
                                for the other one begin with `pipe reader`")
            }
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Tcp => "tcp",
            Kind::Unix => "unix",
            Kind::Reader => "pipe reader",
            Kind::Writer => "pipe writer",
            Kind::Eventfd => "eventfd",
            Kind::Udp => "udp",
            Kind::Listener => "listener",
        })
    }
}

/// Who makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The watched side.
    Own,
    /// The other one.
    Peer,
}

/// A call on one of the two sides. None of them blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// One read of at most so many bytes; of an eventfd, of its counter.
    Read(u64),
    /// One write of so many bytes; to an eventfd, of this number.
    Write(u64),
    /// Writes until one is refused.
    Fill,
    /// Reads, or accepts, until nothing is left.
    Drain,
    /// `shutdown(SHUT_WR)`.
    Shutdown,
    /// `close`. Of the watched side, [`What::Close`] is the step.
    Close,
    /// `close` with a linger time of 0, which resets the connection.
    Reset,
    /// Accepts one client.
    Accept,
    /// A client connects.
    Connect,
}

impl Call {
    /// Whether it moves bytes into the descriptor.
    pub fn is_write(self) -> bool {
        matches!(self, Call::Write(_) | Call::Fill)
    }

    /// Whether it moves bytes out of the descriptor.
    pub fn is_read(self) -> bool {
        matches!(self, Call::Read(_) | Call::Drain)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Read(n) => write!(f, "read {n}"),
            Call::Write(n) => write!(f, "write {n}"),
            Call::Fill => f.write_str("fill"),
            Call::Drain => f.write_str("drain"),
            Call::Shutdown => f.write_str("shutdown"),
            Call::Close => f.write_str("close"),
            Call::Reset => f.write_str("reset"),
            Call::Accept => f.write_str("accept"),
            Call::Connect => f.write_str("connect"),
        }
    }
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// `EPOLL_CTL_ADD`.
    Add(Flags),
    /// `EPOLL_CTL_MOD`.
    Mod(Flags),
    /// `EPOLL_CTL_DEL`.
    Del,
    /// `dup(2)`; the duplicate is a descriptor with this number, or is only kept open.
    Dup(Option<usize>),
    /// `close(2)` of the watched descriptor.
    Close,
    /// `epoll_wait(2)` with a timeout of 0 and room for so many events.
    Wait(usize),
    /// `poll(2)` of this descriptor alone.
    Poll(Flags),
    /// A call on the watched side.
    Own(Call),
    /// A call on the other side.
    Peer(Call),
}

/// How many bytes one call may be asked to move.
pub const MUCH: u64 = 16 << 20;

/// Room for events where a script does not say how much.
pub const ROOM: usize = 16;
/// What `poll` asks for where a script does not say it.
pub const ALL: Flags = Flags(Flags::IN.0 | Flags::PRI.0 | Flags::OUT.0 | Flags::RDHUP.0);

/// A step of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step {
    /// The number of the descriptor; of a wait, nothing.
    pub of: usize,
    /// Whether another thread sleeps in its wait meanwhile.
    pub asleep: bool,
    /// What is done.
    pub what: What,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.asleep {
            f.write_str("asleep ")?;
        }
        if self.of != 1 && !matches!(self.what, What::Wait(_)) {
            write!(f, "{} ", self.of)?;
        }
        match self.what {
            What::Add(flags) => write!(f, "add {flags}"),
            What::Mod(flags) => write!(f, "mod {flags}"),
            What::Del => f.write_str("del"),
            What::Dup(None) => f.write_str("dup"),
            What::Dup(Some(n)) => write!(f, "dup {n}"),
            What::Close => f.write_str("close"),
            What::Wait(ROOM) => f.write_str("wait"),
            What::Wait(room) => write!(f, "wait {room}"),
            What::Poll(ALL) => f.write_str("poll"),
            What::Poll(flags) => write!(f, "poll {flags}"),
            What::Own(call) => call.fmt(f),
            What::Peer(call) => write!(f, "peer {call}"),
        }
    }
}

/// Some descriptors and what happens to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// What the descriptors are, by their numbers; without the duplicates.
    pub kinds: BTreeMap<usize, Kind>,
    /// What happens.
    pub steps: Vec<Step>,
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.kinds.values().next().copied().unwrap_or(Kind::Tcp);
        write!(f, "{first}")?;
        for (n, kind) in self.kinds.iter().filter(|(_, kind)| **kind != first) {
            write!(f, "; {n} {kind}")?;
        }
        self.steps.iter().try_for_each(|step| write!(f, "; {step}"))
    }
}

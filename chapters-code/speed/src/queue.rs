//! What says which connections have something: mio, my-mio, polling, and epoll without a crate.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use polling::PollMode;

/// The part of such a crate that a server needs.
pub trait Queue: Sized {
    /// A connection, as the crate wants it.
    type Stream: Read + Write;

    /// An empty queue that takes up to `room` events from the kernel at a time.
    fn new(room: usize) -> io::Result<Self>;

    /// Reports from now on when `stream`, which does not block, has something to read.
    fn watch(&mut self, stream: TcpStream, key: usize) -> io::Result<Self::Stream>;

    /// Sleeps until there is something, and adds the keys of the connections that have it.
    fn wait(&mut self, ready: &mut Vec<usize>) -> io::Result<()>;

    /// What has to be done before a connection that was reported is reported again.
    fn rearm(&mut self, _stream: &Self::Stream, _key: usize) -> io::Result<()> {
        Ok(())
    }

    /// Watches a bare descriptor, which is to stay open longer than the queue.
    fn watch_fd(&mut self, fd: RawFd, key: usize) -> io::Result<()>;
}

/// my-mio has mio's API, so this is written once.
macro_rules! with_the_api_of_mio {
    ($(#[$doc:meta])* $queue:ident, $mio:ident) => {
        $(#[$doc])*
        pub struct $queue {
            poll: $mio::Poll,
            events: $mio::Events,
        }

        impl Queue for $queue {
            type Stream = $mio::net::TcpStream;

            fn new(room: usize) -> io::Result<Self> {
                let (poll, events) = ($mio::Poll::new()?, $mio::Events::with_capacity(room));
                Ok($queue { poll, events })
            }

            fn watch(&mut self, stream: TcpStream, key: usize) -> io::Result<Self::Stream> {
                let mut stream = Self::Stream::from_std(stream);
                let (token, interest) = ($mio::Token(key), $mio::Interest::READABLE);
                self.poll.registry().register(&mut stream, token, interest)?;
                Ok(stream)
            }

            fn wait(&mut self, ready: &mut Vec<usize>) -> io::Result<()> {
                self.poll.poll(&mut self.events, None)?;
                ready.extend(self.events.iter().map(|event| event.token().0));
                Ok(())
            }

            fn watch_fd(&mut self, fd: RawFd, key: usize) -> io::Result<()> {
                let (token, interest) = ($mio::Token(key), $mio::Interest::READABLE);
                self.poll.registry().register(&mut $mio::unix::SourceFd(&fd), token, interest)
            }
        }
    };
}

with_the_api_of_mio! {
    /// The crate that tokio waits with.
    Mio, mio
}
with_the_api_of_mio! {
    /// This book's.
    MyMio, my_mio
}

/// The crate that smol waits with. A report ends the interest, unless `EDGES`.
pub struct Polling<const EDGES: bool> {
    poller: polling::Poller,
    events: polling::Events,
}

impl<const EDGES: bool> Polling<EDGES> {
    const MODE: PollMode = if EDGES { PollMode::Edge } else { PollMode::Oneshot };
}

impl<const EDGES: bool> Queue for Polling<EDGES> {
    type Stream = TcpStream;

    fn new(room: usize) -> io::Result<Self> {
        let room = room.try_into().map_err(io::Error::other)?;
        let (poller, events) = (polling::Poller::new()?, polling::Events::with_capacity(room));
        Ok(Polling { poller, events })
    }

    fn watch(&mut self, stream: TcpStream, key: usize) -> io::Result<Self::Stream> {
        self.watch_fd(stream.as_raw_fd(), key)?;
        Ok(stream)
    }

    fn wait(&mut self, ready: &mut Vec<usize>) -> io::Result<()> {
        self.events.clear();
        self.poller.wait(&mut self.events, None)?;
        ready.extend(self.events.iter().map(|event| event.key));
        Ok(())
    }

    fn rearm(&mut self, stream: &Self::Stream, key: usize) -> io::Result<()> {
        match EDGES {
            true => Ok(()),
            false => self.poller.modify(stream, polling::Event::readable(key)),
        }
    }

    fn watch_fd(&mut self, fd: RawFd, key: usize) -> io::Result<()> {
        let interest = polling::Event::readable(key);
        // SAFETY: polling asks that the descriptor be deleted before it is closed. Closing it ends
        // its registration too, as it has no duplicate that is registered; an event that is left over
        // would carry a key and touch no memory.
        unsafe { self.poller.add_with_mode(fd, interest, Self::MODE) }
    }
}

// ANCHOR: bare
/// epoll_wait(2) and nothing else, edge-triggered.
pub struct Bare {
    epoll: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Queue for Bare {
    type Stream = TcpStream;
    // ANCHOR_END: bare

    fn new(room: usize) -> io::Result<Self> {
        // SAFETY: epoll_create1 takes no pointer.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the call has just returned `fd`, so it is open and nobody else owns it.
        let epoll = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Bare { epoll, events: vec![libc::epoll_event { events: 0, u64: 0 }; room] })
    }

    fn watch(&mut self, stream: TcpStream, key: usize) -> io::Result<Self::Stream> {
        self.watch_fd(stream.as_raw_fd(), key)?;
        Ok(stream)
    }

    // ANCHOR: bare_wait
    fn wait(&mut self, ready: &mut Vec<usize>) -> io::Result<()> {
        let (epoll, room) = (self.epoll.as_raw_fd(), self.events.len() as i32);
        // SAFETY: the kernel writes at most `room` events to the buffer, which has as many.
        let len = check(unsafe { libc::epoll_wait(epoll, self.events.as_mut_ptr(), room, -1) })?;
        ready.extend(self.events[..len as usize].iter().map(|event| event.u64 as usize));
        Ok(())
    }
    // ANCHOR_END: bare_wait

    fn watch_fd(&mut self, fd: RawFd, key: usize) -> io::Result<()> {
        let flags = (libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLET) as u32;
        let mut event = libc::epoll_event { events: flags, u64: key as u64 };
        let epoll = self.epoll.as_raw_fd();
        // SAFETY: the kernel only reads `event`, during the call.
        check(unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &mut event) })?;
        Ok(())
    }
}

/// Turns libc's -1 into the error that `errno` holds.
pub(crate) fn check(result: i32) -> io::Result<i32> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

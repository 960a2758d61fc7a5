//! One end of the connections, as client or as server: sleeping on a [`Queue`], in a read, or in a
//! ring.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use crate::queue::Queue;

/// How many bytes a request has, and a reply.
pub const SIZE: usize = 64;

/// One end of some connections.
pub trait End: Sized {
    /// The end that has `streams`.
    fn new(streams: Vec<TcpStream>) -> io::Result<Self>;

    /// As server: sleeps once and answers all requests that have come. False when a client has
    /// closed.
    fn answer(&mut self) -> io::Result<bool>;

    /// As client: keeps one request on the way on each connection until `requests` have been answered.
    fn ask(&mut self, requests: usize) -> io::Result<()>;
}

/// An end that sleeps on a queue.
pub struct Queued<Q: Queue> {
    queue: Q,
    streams: Vec<Q::Stream>,
    ready: Vec<usize>,
}

impl<Q: Queue> Queued<Q> {
    /// One wait, and a read from each connection that has something. The read is shorter than the
    /// buffer, so nothing is left: the next edge is the next message.
    // ANCHOR: turn
    fn turn(
        &mut self,
        mut handle: impl FnMut(usize, &mut Q::Stream) -> io::Result<()>,
    ) -> io::Result<bool> {
        self.ready.clear();
        match self.queue.wait(&mut self.ready) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for &key in &self.ready {
            let stream = &mut self.streams[key];
            match stream.read(&mut [0; 4 * SIZE]) {
                Ok(SIZE) => handle(key, stream)?,
                Ok(0) => return Ok(false),
                Ok(n) => return Err(io::Error::other(format!("a message of {n} bytes"))),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            self.queue.rearm(stream, key)?;
        }
        Ok(true)
    }
    // ANCHOR_END: turn
}

impl<Q: Queue> End for Queued<Q> {
    fn new(streams: Vec<TcpStream>) -> io::Result<Self> {
        let count = streams.len();
        // Two more, as a crate may have descriptors of its own in the queue.
        let mut queue = Q::new(count + 2)?;
        let watched = streams.into_iter().enumerate().map(|(key, stream)| {
            stream.set_nonblocking(true)?;
            queue.watch(stream, key)
        });
        let streams = watched.collect::<io::Result<_>>()?;
        Ok(Queued { queue, streams, ready: Vec::with_capacity(count + 2) })
    }

    // ANCHOR: answer
    fn answer(&mut self) -> io::Result<bool> {
        self.turn(|_, stream| send(stream))
    }
    // ANCHOR_END: answer

    fn ask(&mut self, requests: usize) -> io::Result<()> {
        let (mut asked, mut answered) = (0, 0);
        for stream in self.streams.iter_mut().take(requests) {
            send(stream)?;
            asked += 1;
        }
        while answered < requests {
            let open = self.turn(|_, stream| {
                answered += 1;
                if asked < requests {
                    asked += 1;
                    send(stream)?;
                }
                Ok(())
            })?;
            if !open {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}

/// A message. There is room for it, as no more than one is on its way in each direction.
fn send(stream: &mut impl Write) -> io::Result<()> {
    match stream.write(&[b'x'; SIZE])? {
        SIZE => Ok(()),
        n => Err(io::Error::other(format!("{n} bytes of a message were taken"))),
    }
}

/// An end that sleeps in read(2), so it has one connection.
pub struct Parked {
    stream: TcpStream,
}

impl End for Parked {
    fn new(streams: Vec<TcpStream>) -> io::Result<Self> {
        let stream = the_only(streams)?;
        stream.set_nonblocking(false)?;
        Ok(Parked { stream })
    }

    // ANCHOR: parked
    fn answer(&mut self) -> io::Result<bool> {
        match self.stream.read(&mut [0; SIZE])? {
            0 => Ok(false),
            _ => send(&mut self.stream).map(|()| true),
        }
    }
    // ANCHOR_END: parked

    fn ask(&mut self, requests: usize) -> io::Result<()> {
        for _ in 0..requests {
            send(&mut self.stream)?;
            self.stream.read_exact(&mut [0; SIZE])?;
        }
        Ok(())
    }
}

/// The stream of an end that can have only one.
pub(crate) fn the_only(mut streams: Vec<TcpStream>) -> io::Result<TcpStream> {
    match (streams.pop(), streams.is_empty()) {
        (Some(stream), true) => Ok(stream),
        _ => Err(io::Error::other("one connection, not more")),
    }
}

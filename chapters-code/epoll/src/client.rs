//! Many requests at once, one thread, one wait: a client for the delayserver.

mod reply;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::{Events, Interest, Poll, Token};

/// The longest reply that is read, in bytes: a server that never stops sending must not hold the
/// thread, nor fill the memory.
const LONGEST: usize = 16 << 20;

/// How one request ended.
#[derive(Debug)]
pub struct Reply {
    /// Which request it answers: its place among those that were asked, from 0.
    pub request: usize,
    /// The body, or why there is none.
    pub body: io::Result<Vec<u8>>,
}

// ANCHOR: client
/// Connections on which requests have been sent.
#[derive(Debug)]
pub struct Client {
    poll: Poll,
    /// By token; `None` once its request has ended.
    streams: Vec<Option<Stream>>,
    replies: Vec<Reply>,
}

impl Client {
    /// Connects once for each path, and sends `GET path`.
    pub fn send(server: SocketAddr, paths: &[String]) -> io::Result<Client> {
        let (poll, mut streams) = (Poll::new()?, Vec::new());
        for (path, token) in paths.iter().zip(0..) {
            let mut stream = Stream::connect(server, path)?;
            stream.send()?;
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&stream.socket, Token(token), both)?;
            streams.push(Some(stream));
        }
        Ok(Client { poll, streams, replies: Vec::new() })
    }
    // ANCHOR_END: client

    // ANCHOR: run
    /// Waits for the replies and returns them in the order in which it found them whole. When
    /// `patience` ends, the requests without one end with [`ErrorKind::TimedOut`].
    pub fn replies(mut self, patience: Option<Duration>) -> io::Result<Vec<Reply>> {
        let deadline = patience.and_then(|patience| Instant::now().checked_add(patience));
        let (mut events, mut buffer) = (Events::with_capacity(16), [0; 4096]);
        while self.replies.len() < self.streams.len() {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                self.give_up();
            }
            self.poll.poll(&mut events, left)?;
            for event in events.iter() {
                let request = event.token().0 as usize;
                // An event may come for a stream that an earlier one of the batch has ended.
                let Some(stream) = &mut self.streams[request] else {
                    continue;
                };
                match stream.advance(&mut buffer).transpose() {
                    None => continue,
                    Some(body) => self.end(request, body),
                }
            }
        }
        Ok(self.replies)
    }
    // ANCHOR_END: run

    // ANCHOR: end
    /// Ends a request: its stream is deregistered, then closed.
    fn end(&mut self, request: usize, body: io::Result<Vec<u8>>) {
        if let Some(stream) = self.streams[request].take() {
            let deregistered = self.poll.registry().deregister(&stream.socket);
            let body = body.and_then(|body| deregistered.map(|()| body));
            self.replies.push(Reply { request, body });
        }
    }

    /// Ends all requests that are still open.
    fn give_up(&mut self) {
        for request in 0..self.streams.len() {
            self.end(request, Err(ErrorKind::TimedOut.into()));
        }
    }
    // ANCHOR_END: end
}

/// A connection with one request on it.
#[derive(Debug)]
struct Stream {
    socket: TcpStream,
    unsent: Vec<u8>,
    received: Vec<u8>,
}

impl Stream {
    // ANCHOR: stream
    /// Connects, which blocks, and then never blocks again.
    fn connect(server: SocketAddr, path: &str) -> io::Result<Stream> {
        let socket = TcpStream::connect(server)?;
        socket.set_nonblocking(true)?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
        Ok(Stream { socket, unsent: request.into(), received: Vec::new() })
    }

    /// Sends and receives what can be without waiting; the body, once it is whole.
    fn advance(&mut self, buffer: &mut [u8]) -> io::Result<Option<Vec<u8>>> {
        self.send()?;
        self.receive(buffer)
    }

    /// Writes until nothing is left, or the kernel takes no more: then an event will tell.
    fn send(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(n) => drop(self.unsent.drain(..n)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
    // ANCHOR_END: stream

    // ANCHOR: receive
    /// Reads until the reply is whole, or nothing is left to read: then an event will tell.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<Vec<u8>>> {
        loop {
            match self.socket.read(buffer) {
                Ok(0) => return reply::at_the_end(&self.received).map(Some),
                Ok(_) if self.received.len() > LONGEST => {
                    return Err(ErrorKind::FileTooLarge.into());
                }
                Ok(n) => self.received.extend_from_slice(&buffer[..n]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
        }
        reply::so_far(&self.received)
    }
    // ANCHOR_END: receive
}

//! Many requests at once, one thread, one wait: a client for the delayserver.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::{Events, Interest, Poll, Token};

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
    ///
    /// Fails if a connection can't be made. One that is reset from here on ends its own request.
    pub fn send(server: SocketAddr, paths: &[String]) -> io::Result<Client> {
        let (poll, mut streams) = (Poll::new()?, Vec::new());
        for (path, token) in paths.iter().zip(0..) {
            let mut stream = Stream::connect(server, path)?;
            // If this fails, the first event brings the stream here again, and its reply may be whole.
            let _ = stream.send();
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&stream.socket, Token(token), both)?;
            streams.push(Some(stream));
        }
        Ok(Client { poll, streams, replies: Vec::new() })
    }
    // ANCHOR_END: client

    /// The replies. An error of a stream ends its own request and no other; an error of the wait is
    /// returned.
    ///
    // ANCHOR: run
    /// Waits for the replies and returns them in the order in which it found them whole. When
    /// `patience` ends and its last events are handled, the others end with [`ErrorKind::TimedOut`].
    pub fn replies(mut self, patience: Option<Duration>) -> io::Result<Vec<Reply>> {
        // FORK hangs: wait and handle events until every request has ended, or patience has
        // HINT: An event of the batch is reported once. What must have become of all of them before the
        //   next wait, whatever became of one?
        // HINT: `advance` has three outcomes: a body, an error, nothing yet. Which of them end a request,
        //   and which end anything else?
        // HINT: As long as there are fewer replies than streams: what is left of the patience, which may
        //   be nothing, so that all must be given up; one poll; then for each event the stream of its
        //   token, if it is still there, is advanced, and perhaps ended.
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
    /// Ends a request: its stream is deregistered, then closed, and the reply is kept. One that has
    /// ended before stays as it is.
    fn end(&mut self, request: usize, body: io::Result<Vec<u8>>) {
        // FORK hangs: end a request once, and let no event of its stream come any more
        // HINT: A connection may tell of its end twice. What must not be there any more, so that the
        //   second end finds nothing?
        // HINT: Closing ends a registration only if nobody has a duplicate. What comes before it?
        if let Some(stream) = self.streams[request].take() {
            let deregistered = self.poll.registry().deregister(&stream.socket);
            deregistered.expect("a stream of the list is registered");
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
    reply: reply::Reply,
}

impl Stream {
    // ANCHOR: stream
    /// Connects, which blocks, and then never blocks again.
    fn connect(server: SocketAddr, path: &str) -> io::Result<Stream> {
        let socket = TcpStream::connect(server)?;
        socket.set_nonblocking(true)?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
        Ok(Stream { socket, unsent: request.into(), reply: reply::Reply::default() })
    }

    /// Sends and receives what can be without waiting; the body, once it is whole. A reply may be
    /// whole although the request could not be sent to its end.
    fn advance(&mut self, buffer: &mut [u8]) -> io::Result<Option<Vec<u8>>> {
        let sent = self.send();
        match self.receive(buffer) {
            Ok(Some(body)) => Ok(Some(body)),
            received => sent.and(received),
        }
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
    /// Reads until the reply is whole, or nothing is left to read: then an event will tell. After
    /// a whole reply nothing is read: what the connection does there is not about this reply.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<Vec<u8>>> {
        // FORK hangs: read until the reply is whole or nothing is left, and not a byte further
        // HINT: `Reply` in `vendor/reply` has a method for bytes, one for the end, and one that says how
        //   many bytes may be read.
        // HINT: A read has five endings. After which is the reply whole, after which perhaps, and after
        //   which one will an event tell when to go on?
        // HINT: A loop around one read into so much of the buffer as the reply misses. The bytes that
        //   came, and no others, go to the reply; 0 goes to it as the end; WouldBlock is nothing yet.
        loop {
            let most = self.reply.missing().min(buffer.len());
            let body = match self.socket.read(&mut buffer[..most]) {
                Ok(0) => Some(self.reply.end()?),
                Ok(n) => self.reply.add(&buffer[..n])?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if let Some(body) = body {
                return Ok(Some(body.to_vec()));
            }
        }
    }
    // ANCHOR_END: receive
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn of_a_request_that_has_ended_no_event_comes_though_a_duplicate_lives() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = Client::send(listener.local_addr().unwrap(), &["/".to_owned()]).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let duplicate = client.streams[0].as_ref().unwrap().socket.try_clone().unwrap();
        client.end(0, Ok(Vec::new()));
        server.write_all(b"more").unwrap();
        let mut events = Events::with_capacity(4);
        client.poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
        let told = events.iter().count();
        drop(duplicate);
        assert!(
            told == 0,
            "a request has ended, then its peer sends: expected no event; got {told}"
        );
    }

    #[test]
    fn nothing_is_read_behind_the_told_length() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut stream = Stream::connect(listener.local_addr().unwrap(), "/").unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        server.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n").unwrap();
        assert_eq!(stream.advance(&mut buffer).unwrap(), None);
        server.write_all(b"hi and more").unwrap();
        assert_eq!(stream.advance(&mut buffer).unwrap().unwrap(), b"hi");
        let unread = stream.socket.read(&mut buffer).unwrap();
        assert_eq!(&buffer[..unread], b" and more");
    }
}

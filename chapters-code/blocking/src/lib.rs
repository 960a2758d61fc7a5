//! Five requests and one thread that waits in `read(2)`: in which order the replies come home, and
//! what the thread does meanwhile. And the [`experiment`]: the same five requests, six ways.
//!
//! ```
//! use blocking::all_requests_first;
//! use lab::peer::{Mode, Peer};
//!
//! let server = Peer::start(Mode::AllAtOnceAndClose, 2)?;
//! let paths = ["/0/1", "/0/2"].map(String::from);
//! let replies = all_requests_first(server.addr(), &paths)?;
//! assert_eq!((&*replies[0].body, &*replies[1].body), ("1", "2"));
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod experiment;
pub mod held;
pub mod parked;
pub mod read;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use lab::timeline::cpu_time;

/// A reply, and who took it when.
#[derive(Debug)]
pub struct Reply {
    /// What the server said.
    pub body: String,
    /// When whoever asked for it had all of it.
    pub at: Instant,
    /// The thread that took it.
    pub thread: ThreadId,
    /// The processor time that this thread had used until then.
    pub cpu: Duration,
}

impl Reply {
    /// A reply that this thread has just taken.
    fn now(body: Vec<u8>) -> io::Result<Reply> {
        let body = String::from_utf8(body).map_err(|_| invalid("the body is no UTF-8"))?;
        Ok(Reply { body, at: Instant::now(), thread: thread::current().id(), cpu: cpu_time() })
    }

    /// What a server sent until its connection ended, by a close or by an error.
    fn parse(received: &[u8], ended: io::Result<()>) -> io::Result<Reply> {
        Reply::now(reply::of_ended(received, ended)?)
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

// ANCHOR: ask
/// Connects and sends `GET path`. The server is to close when it has answered.
pub fn ask(server: SocketAddr, path: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(server)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    Ok(stream)
}

/// Reads until the server closes.
pub fn take(mut stream: &TcpStream) -> io::Result<Reply> {
    let mut received = Vec::new();
    let ended = stream.read_to_end(&mut received);
    Reply::parse(&received, ended.map(drop))
}
// ANCHOR_END: ask

// ANCHOR: one_after_the_other
/// Asks, takes the reply, asks again.
pub fn one_after_the_other(server: SocketAddr, paths: &[String]) -> io::Result<Vec<Reply>> {
    paths.iter().map(|path| take(&ask(server, path)?)).collect()
}
// ANCHOR_END: one_after_the_other

// ANCHOR: all_requests_first
/// Sends all requests, then takes the replies, in the order of the paths. Says the first error that it
/// meets, if there is one.
pub fn all_requests_first(server: SocketAddr, paths: &[String]) -> io::Result<Vec<Reply>> {
    // FORK blocking: send every request before you take the first reply
    // HINT: A server may want all requests before it answers one. What happens if you take the first
    //   reply before the second request is sent?
    // HINT: `map` on an iterator calls nothing. What does, and when, if `take` is mapped after `ask`?
    // HINT: Two passes: one that asks, and ends in a list of connections; one that takes a reply of each.
    let asked: Vec<_> = paths.iter().map(|path| ask(server, path)).collect();
    asked.into_iter().map(|stream| take(&stream?)).collect()
}
// ANCHOR_END: all_requests_first

// ANCHOR: one_thread_each
/// Has a thread for each request, which asks and takes the reply. The replies are in the order in which
/// they were taken. A server may send the next one when it sees that a connection is closed, so a reply
/// gets its place before its connection is closed. Says the first error that was met, if there is one.
pub fn one_thread_each(server: SocketAddr, paths: &[String]) -> io::Result<Vec<Reply>> {
    // FORK blocking: take each reply on a thread of its own, and return them as they came
    // HINT: Values from many threads arrive in a channel in the order in which they were sent. Which thread
    //   sends what, and when does the receiver know that no more will come?
    // HINT: A connection is closed where its stream is dropped. What has to be sent before that?
    // HINT: A scope with a thread for each path, each with a sender of its own: ask, take, send what came of
    //   it, an error too, and only then let the stream go. After the scope drop the first sender, and
    //   collect what was received.
    let (taken, replies) = mpsc::channel();
    thread::scope(|scope| {
        for path in paths {
            let taken = taken.clone();
            scope.spawn(move || {
                let stream = ask(server, path);
                // Sent before the stream is closed: whoever sees the close knows it was taken.
                taken.send(stream.as_ref().map_or_else(|error| Err(error.kind().into()), take))
            });
        }
    });
    drop(taken);
    replies.into_iter().collect()
}
// ANCHOR_END: one_thread_each

/// Turns libc's -1 into the error that `errno` holds.
fn check(result: i32) -> io::Result<i32> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

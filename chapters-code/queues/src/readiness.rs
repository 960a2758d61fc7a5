//! Queues that say when to ask: epoll(7) and kqueue(2).

#[cfg(target_os = "linux")]
mod epoll;
#[cfg(any(target_os = "macos", target_os = "freebsd"))]
mod kqueue;

use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;

#[cfg(target_os = "linux")]
pub use epoll::Epoll;
#[cfg(any(target_os = "macos", target_os = "freebsd"))]
pub use kqueue::Kqueue;

use crate::stream::{Inbox, Reply};

// ANCHOR: trait
/// A queue of sockets that are worth a read, level-triggered.
pub trait Readiness: Sized {
    /// A queue that watches nothing.
    fn new() -> io::Result<Self>;

    /// Watches a socket until it is closed.
    fn watch(&mut self, token: usize, socket: &TcpStream) -> io::Result<()>;

    /// Waits until a watched socket has bytes, an end or an error; its token.
    fn wait(&mut self) -> io::Result<usize>;
}
// ANCHOR_END: trait

/// The replies are in the order in which their streams end. A socket comes as one that blocks, and is closed
/// when its stream has ended, which an error of it is too. A token is a hint: there may be nothing to read
/// yet, and it may be of a socket that is closed by now. An error of the queue is returned.
///
// ANCHOR: replies
/// Takes the replies: waits until one can be read, then reads, up to 4 KiB at once.
pub fn replies<Q: Readiness>(sockets: Vec<TcpStream>) -> io::Result<Vec<Reply>> {
    // FORK queues: wait until a socket is worth a read, then read from it, until all streams have ended
    // HINT: The loop of the completion queues stands in `completion.rs`. What do its `reads` have that no
    //   readiness queue has, and who has it here?
    // HINT: A queue may have said too much. What must a socket be, so that a read of nothing comes back,
    //   and what does it say then?
    // HINT: Watch all of them. Then, as long as the inbox has not all replies: wait, read once, and give
    //   what was read, error or bytes, to the inbox; it says whether the stream goes on.
    let (mut queue, mut inbox) = (Q::new()?, Inbox::new(sockets.len()));
    for (token, socket) in sockets.iter().enumerate() {
        socket.set_nonblocking(true)?;
        queue.watch(token, socket)?;
    }
    let mut sockets: Vec<_> = sockets.into_iter().map(Some).collect();
    let mut buffer = [0; 4096];
    loop {
        if let Some(replies) = inbox.all() {
            return Ok(replies);
        }
        let token = queue.wait()?;
        let Some(socket) = &mut sockets[token] else { continue };
        let bytes = match socket.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            read => read.map(|n| &buffer[..n]),
        };
        if !inbox.take_in(token, bytes) {
            sockets[token] = None;
        }
    }
}
// ANCHOR_END: replies

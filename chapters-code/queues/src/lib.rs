//! Five replies, taken in the order in which they arrive, on the queues of four systems: epoll(7) and
//! io_uring(7) on Linux, kqueue(2) on macOS and FreeBSD, I/O completion ports on Windows.
//!
//! There are two kinds of queue, and a loop for each. [`readiness`] says when to ask, [`completion`]
//! that it is done.

pub mod completion;
pub mod readiness;
mod stream;

use std::io;
use std::net::TcpStream;

pub use stream::{Reply, ask};

/// A queue of this system, and the loop on it.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    /// What its manual calls it.
    pub name: &'static str,
    /// Takes the replies from sockets on which requests were sent, in the order in which they come.
    pub replies: fn(Vec<TcpStream>) -> io::Result<Vec<Reply>>,
}

// ANCHOR: queues
/// The queues that this system has.
pub const QUEUES: &[Queue] = &[
    #[cfg(target_os = "linux")]
    Queue { name: "epoll", replies: readiness::replies::<readiness::Epoll> },
    #[cfg(target_os = "linux")]
    Queue { name: "io_uring", replies: completion::replies::<completion::Ring> },
    #[cfg(any(target_os = "macos", target_os = "freebsd"))]
    Queue { name: "kqueue", replies: readiness::replies::<readiness::Kqueue> },
    #[cfg(windows)]
    Queue { name: "IOCP", replies: completion::replies::<completion::Port> },
];
// ANCHOR_END: queues

/// How many requests the program makes.
pub const STREAMS: usize = 5;

/// `GET` paths for a delayserver. The replies come 200 ms apart, in the order 4, 2, 0, 3, 1.
pub fn paths() -> [String; STREAMS] {
    let delays = [600, 1000, 400, 800, 200];
    std::array::from_fn(|request| format!("/{}/reply-{request}", delays[request]))
}

/// Turns the -1 of a system call into the error that `errno` holds.
#[cfg(unix)]
fn check(result: i32) -> io::Result<i32> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Makes the call again when a signal has interrupted it.
#[cfg(unix)]
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

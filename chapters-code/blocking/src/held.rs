//! Two replies from one server: one client reads them in turn, the other both at once.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

// ANCHOR: server
/// A server with one thread. It has the second reply first, and sends that first: `size` bytes.
pub fn second_first(mut one: impl Write, mut two: impl Write, size: usize) -> io::Result<()> {
    two.write_all(&vec![b'2'; size])?;
    drop(two); // the end of the reply
    one.write_all(b"reply 1")
}
// ANCHOR_END: server

/// A reply, or why there is none.
pub type Reply = io::Result<Vec<u8>>;

// ANCHOR: in_turn
/// A client with one thread: it reads reply 1 to its end, and then reply 2.
pub fn in_turn<R: Read>(one: R, two: R) -> [Reply; 2] {
    [to_its_end(one), to_its_end(two)]
}

fn to_its_end(mut stream: impl Read) -> Reply {
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).map(|_| reply)
}
// ANCHOR_END: in_turn

// ANCHOR: at_once
/// The same client with a thread for each reply: reply 1 and reply 2, in this order, whichever ends
/// first. An error of one is no reason to give up the other.
pub fn at_once<R: Read + Send>(one: R, two: R) -> [Reply; 2] {
    // FORK blocking: take both replies at once, each on a thread of its own
    // HINT: When may reply 1 need that reply 2 is taken, and when the other way round? In which read does
    //   a client of one thread sleep then? The example `held`.
    // HINT: `thread::scope` lets threads borrow. When does the second one start, if you wait for the
    //   first one before you start it?
    // HINT: Two steps: start both, and keep their handles; then join the one and the other. What each
    //   returns is its reply.
    thread::scope(|scope| {
        let both = [one, two].map(|stream| scope.spawn(|| to_its_end(stream)));
        both.map(|thread| thread.join().expect("reading does not panic"))
    })
}
// ANCHOR_END: at_once

/// Two replies, each after so many milliseconds or none at all, and who reads them.
#[derive(Debug, Clone, Copy)]
pub struct Guess {
    /// When reply 1 and reply 2 come, in milliseconds; `None`, where the peer closes at once.
    pub comes: [Option<u64>; 2],
    /// Whether a thread for each reads them, or one thread in turn.
    pub a_thread_each: bool,
}

/// Four that can be guessed.
pub const GUESSES: [Guess; 4] = [
    Guess { comes: [Some(0), Some(100)], a_thread_each: false },
    Guess { comes: [Some(200), Some(0)], a_thread_each: false },
    Guess { comes: [Some(200), Some(0)], a_thread_each: true },
    Guess { comes: [None, Some(100)], a_thread_each: false },
];

/// A stream that notes when its end was read.
struct Timed<'a> {
    stream: UnixStream,
    start: Instant,
    ended: &'a mut Duration,
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.stream.read(buffer)?;
        if n == 0 {
            *self.ended = self.start.elapsed();
        }
        Ok(n)
    }
}

impl Guess {
    /// When each reply was taken, and how many bytes it had.
    pub fn taken(&self) -> io::Result<[(Duration, usize); 2]> {
        let ((one, peer_one), (two, peer_two)) = (UnixStream::pair()?, UnixStream::pair()?);
        let start = Instant::now();
        for (ms, mut peer) in self.comes.into_iter().zip([peer_one, peer_two]) {
            let Some(ms) = ms else { continue };
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(ms));
                peer.write_all(b"reply")
            });
        }
        let [mut first, mut second] = [Duration::ZERO; 2];
        let one = Timed { stream: one, start, ended: &mut first };
        let two = Timed { stream: two, start, ended: &mut second };
        let replies = if self.a_thread_each { at_once(one, two) } else { in_turn(one, two) };
        let [one, two] = replies.map(|reply| reply.map(|bytes| bytes.len()));
        Ok([(first, one?), (second, two?)])
    }
}

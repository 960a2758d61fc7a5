//! Two replies from one server: one client reads them in turn, the other both at once.

use std::io::{self, Read, Write};
use std::thread;

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
/// The same client with a thread for each reply.
pub fn at_once<R: Read + Send>(one: R, two: R) -> [Reply; 2] {
    thread::scope(|scope| {
        let both = [one, two].map(|stream| scope.spawn(|| to_its_end(stream)));
        both.map(|thread| thread.join().expect("reading does not panic"))
    })
}
// ANCHOR_END: at_once

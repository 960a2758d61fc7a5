//! One thread and several streams, each of which brings a reply, in whatever order.

use std::io::{self, ErrorKind, Read};
use std::os::unix::net::UnixStream;

use crate::Told;

// ANCHOR: streams
/// So many pairs of connected streams: our ends, which do not block, and the peers'.
pub fn streams(n: usize) -> io::Result<(Vec<UnixStream>, Vec<UnixStream>)> {
    let pairs: io::Result<Vec<_>> = (0..n).map(|_| UnixStream::pair()).collect();
    let (ours, peers): (Vec<_>, Vec<_>) = pairs?.into_iter().unzip();
    for stream in &ours {
        stream.set_nonblocking(true)?;
    }
    Ok((ours, peers))
}
// ANCHOR_END: streams

// ANCHOR: take
/// Takes all that a stream has, and comes back when there is no more. Whether it has ended.
fn take(mut stream: &UnixStream, reply: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = [0; 64];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(true),
            Ok(n) => reply.extend(&buffer[..n]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
    }
}
// ANCHOR_END: take

// ANCHOR: collect
/// A reply of so many bytes from each stream, and what came with it, in the order of the streams,
/// whichever comes first. A stream that ends before that is the error [`ErrorKind::UnexpectedEof`]; one that ends with
/// its reply whole is done. Sleeps while there is nothing to take.
pub fn collect(streams: &[UnixStream], bytes: usize) -> io::Result<Vec<Vec<u8>>> {
    // FORK readiness: sleep until some of the streams have something, and take that, until all replies
    //   are whole
    // HINT: In which of the calls may the thread sleep, so that any of the streams can wake it? `Told`
    //   has it.
    // HINT: `Told::wait` names the streams that have something, and `take` says whether one has ended.
    //   What does a level-triggered list say of a stream that has ended, at each wait? `Told::forget`.
    // HINT: A loop while some reply is too short. In it one wait, and for each number that it names: take
    //   what is there, and if that was the end, forget the stream, which is an error if its reply is
    //   too short.
    let mut replies = vec![Vec::new(); streams.len()];
    let (mut told, mut ready) = (Told::new(streams)?, Vec::new());
    while replies.iter().any(|reply| reply.len() < bytes) {
        told.wait(&mut ready)?;
        for &number in &ready {
            if take(&streams[number], &mut replies[number])? {
                told.forget(number)?;
                if replies[number].len() < bytes {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
            }
        }
    }
    Ok(replies)
}
// ANCHOR_END: collect

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
/// A reply of so many bytes from each stream. A stream that ends before that is an error.
pub fn collect(streams: &[UnixStream], bytes: usize) -> io::Result<Vec<Vec<u8>>> {
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

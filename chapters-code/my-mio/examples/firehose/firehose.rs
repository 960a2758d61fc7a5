//! A stream that does not run dry.

use std::io::{self, Read, Write};

use my_mio::event::Source;
use my_mio::net::UnixStream;
use my_mio::{Interest, Registry, Token};

use super::turns::Turns;

// ANCHOR: firehose
/// A stream whose peer has sent more whenever it is read, until it has sent `left` bytes.
pub struct Firehose {
    stream: UnixStream,
    peer: UnixStream,
    left: usize,
}

impl Read for Firehose {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let more = self.left.min(buffer.len());
        self.peer.write_all(&vec![7; more])?;
        self.left -= more;
        self.stream.read(buffer)
    }
}
// ANCHOR_END: firehose

impl Firehose {
    /// It has sent one byte, and will send `left`.
    pub fn new(left: usize) -> io::Result<Firehose> {
        let (stream, mut peer) = UnixStream::pair()?;
        peer.write_all(&[7])?;
        Ok(Firehose { stream, peer, left })
    }
}

// ANCHOR: source
impl Source for Firehose {
    fn register(&mut self, to: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        to.register(&mut self.stream, token, interests)
    }

    fn reregister(&mut self, to: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        to.reregister(&mut self.stream, token, interests)
    }

    fn deregister(&mut self, from: &Registry) -> io::Result<()> {
        from.deregister(&mut self.stream)
    }
}
// ANCHOR_END: source

// ANCHOR: starved
/// How many bytes of a firehose are read before the one byte of a quiet stream, which has been
/// there from the beginning. The firehose is ready first.
pub fn starved_for(bytes: usize, budget: usize) -> io::Result<usize> {
    let streams = vec![Firehose::new(bytes)?, Firehose::new(0)?];
    let mut turns = Turns::new(streams, budget)?;
    let (mut poured, mut starved_for) = (0, None);
    while starved_for.is_none() {
        turns.round(None, |stream, read| match (stream, read) {
            (0, Ok(bytes)) => poured += bytes.len(),
            _ => starved_for = Some(poured),
        })?;
    }
    Ok(starved_for.unwrap_or_default())
}
// ANCHOR_END: starved

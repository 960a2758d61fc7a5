//! What those who take turns owe each other. Each message says what the streams did and what had to come.

#[path = "../examples/firehose/turns.rs"]
mod turns;

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

use my_mio::event::Source;
use my_mio::net::UnixStream;
use my_mio::{Interest, Registry, Token};
use turns::Turns;

/// A stream with bytes in it and a peer that stays open, which may be unwell.
struct Stream {
    stream: UnixStream,
    _peer: UnixStream,
    /// What its first reads say.
    reads: VecDeque<ErrorKind>,
    /// Whether it can't be deregistered.
    stuck: bool,
}

fn stream(bytes: usize) -> Stream {
    let (stream, mut peer) = UnixStream::pair().unwrap();
    peer.write_all(&vec![7; bytes]).unwrap();
    Stream { stream, _peer: peer, reads: VecDeque::new(), stuck: false }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.reads.pop_front() {
            Some(kind) => Err(kind.into()),
            None => self.stream.read(buffer),
        }
    }
}

impl Source for Stream {
    fn register(&mut self, to: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        to.register(&mut self.stream, token, interests)
    }

    fn reregister(&mut self, to: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        to.reregister(&mut self.stream, token, interests)
    }

    fn deregister(&mut self, from: &Registry) -> io::Result<()> {
        from.deregister(&mut self.stream)?;
        if self.stuck { Err(ErrorKind::NotFound.into()) } else { Ok(()) }
    }
}

/// What one round tells of each stream, and how it ended.
fn round(streams: Vec<Stream>, budget: usize) -> (Vec<String>, Option<ErrorKind>) {
    let mut told = vec![Vec::new(); streams.len()];
    let mut turns = Turns::new(streams, budget).unwrap();
    let ended = turns.round(Some(Duration::ZERO), |of, read| {
        told[of].push(match read {
            Ok(bytes) => bytes.len().to_string(),
            Err(error) => format!("{:?}", error.kind()),
        });
    });
    let told = told.into_iter().map(|of: Vec<String>| of.join(", ")).collect();
    (told, ended.err().map(|error| error.kind()))
}

#[test]
fn a_signal_in_the_midst_of_a_turn_ends_nothing() {
    let mut unwell = stream(5);
    unwell.reads.push_back(ErrorKind::Interrupted);
    let (told, _) = round(vec![unwell], usize::MAX);
    assert!(told == ["5"], "5 bytes, and a signal interrupts a read: expected 5; got {}", told[0]);
}

#[test]
fn a_stream_that_can_not_be_closed_costs_the_others_no_turn() {
    let mut unwell = stream(1);
    unwell.reads.push_back(ErrorKind::ConnectionReset);
    unwell.stuck = true;
    let (told, ended) = round(vec![unwell, stream(5)], usize::MAX);
    let got = &told[1];
    assert!(
        got == "5",
        "one stream fails, and so does its end; the other has 5 bytes: expected 5; got {got}"
    );
    assert!(told[0] == "ConnectionReset", "expected to be told of the reset; got {}", told[0]);
    assert!(ended == Some(ErrorKind::NotFound), "expected the error of the end; got {ended:?}");
}

#[test]
fn a_turn_that_ends_with_would_block_leaves_nothing_to_do() {
    let mut turns = Turns::new(vec![stream(5)], usize::MAX).unwrap();
    turns.round(Some(Duration::ZERO), |_, _| {}).unwrap();
    let mut more = 0;
    turns.round(Some(Duration::ZERO), |_, _| more += 1).unwrap();
    assert!(more == 0, "all 5 bytes are read: expected no more turns; got {more}");
}

//! What a round owes its streams. Each message says what was sent and what had to come.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

use my_mio::event::Source;
use my_mio::net::UnixStream;
use my_mio::{Interest, Registry, Token};
use turns::Turns;

#[path = "../examples/firehose/turns.rs"]
mod turns;

/// A stream whose reads may fail before they reach the socket.
struct Scripted {
    stream: UnixStream,
    /// What the next reads say; nothing where the socket may answer.
    says: VecDeque<Option<ErrorKind>>,
    /// It can't be deregistered.
    stays: bool,
}

impl Read for Scripted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.says.pop_front().flatten() {
            Some(kind) => Err(kind.into()),
            None => self.stream.read(buffer),
        }
    }
}

impl Source for Scripted {
    fn register(&mut self, to: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        to.register(&mut self.stream, token, interests)
    }

    fn reregister(&mut self, to: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        to.reregister(&mut self.stream, token, interests)
    }

    fn deregister(&mut self, from: &Registry) -> io::Result<()> {
        from.deregister(&mut self.stream)?;
        if self.stays { Err(ErrorKind::PermissionDenied.into()) } else { Ok(()) }
    }
}

/// Streams to which these bytes were sent, and their peers.
fn sent(bytes: &[usize]) -> (Vec<Scripted>, Vec<UnixStream>) {
    let pair = |bytes: &usize| {
        let (stream, mut peer) = UnixStream::pair().unwrap();
        peer.write_all(&vec![7; *bytes]).unwrap();
        (Scripted { stream, says: VecDeque::new(), stays: false }, peer)
    };
    bytes.iter().map(pair).unzip()
}

/// What a round has brought, by stream.
fn round(turns: &mut Turns<Scripted>, streams: usize) -> String {
    let mut got = vec![(0, Vec::new()); streams];
    let told = turns.round(Some(Duration::ZERO), |i, read| match read {
        Ok([]) => got[i].1.push("the end".to_owned()),
        Ok(bytes) => got[i].0 += bytes.len(),
        Err(error) => got[i].1.push(format!("{:?}", error.kind())),
    });
    let words = |(bytes, ends): &(usize, Vec<String>)| {
        let bytes = (*bytes > 0).then(|| format!("{bytes} bytes"));
        let all: Vec<String> = bytes.into_iter().chain(ends.iter().cloned()).collect();
        if all.is_empty() { "nothing".to_owned() } else { all.join(" and ") }
    };
    let got = got.iter().map(words).collect::<Vec<_>>().join(", ");
    match told {
        Ok(()) => got,
        Err(error) => format!("{got}; and the error {:?}", error.kind()),
    }
}

#[track_caller]
fn must(what: &str, right: &str, told: &str) {
    assert!(told == right, "{what}: expected {right}; got {told}");
}

#[test]
fn a_turn_reads_on_until_nothing_is_left() {
    let (streams, _peers) = sent(&[20_000, 3]);
    let mut turns = Turns::new(streams, 1 << 20).unwrap();
    let told = round(&mut turns, 2);
    must("sent 20000 and 3, a budget of 1 MiB", "20000 bytes, 3 bytes", &told);
    must("nothing more", "nothing, nothing", &round(&mut turns, 2));
}

#[test]
fn what_comes_after_a_turn_is_for_the_next_round() {
    let (streams, mut peers) = sent(&[3]);
    let mut turns = Turns::new(streams, 1 << 20).unwrap();
    must("sent 3", "3 bytes", &round(&mut turns, 1));
    peers[0].write_all(&[7; 4]).unwrap();
    must("then 4", "4 bytes", &round(&mut turns, 1));
    drop(peers);
    must("then closed", "the end", &round(&mut turns, 1));
    must("nothing more", "nothing", &round(&mut turns, 1));
}

#[test]
fn a_signal_in_the_midst_of_a_turn_costs_nothing() {
    for says in [[Some(ErrorKind::Interrupted), None], [None, Some(ErrorKind::Interrupted)]] {
        let (mut streams, peers) = sent(&[5]);
        drop(peers);
        streams[0].says.extend(says);
        let mut turns = Turns::new(streams, 1 << 20).unwrap();
        let told = round(&mut turns, 1);
        must("sent 5 and closed, a signal interrupts", "5 bytes and the end", &told);
    }
}

#[test]
fn an_error_is_told_once_and_ends_that_stream() {
    let (mut streams, mut peers) = sent(&[5, 5]);
    streams[0].says.push_back(Some(ErrorKind::ConnectionReset));
    let mut turns = Turns::new(streams, 1 << 20).unwrap();
    must("0 fails, sent 5 to 1", "ConnectionReset, 5 bytes", &round(&mut turns, 2));
    // Its stream is closed: nobody is there to send to.
    let sent = peers[0].write(&[7]).map_err(|error| error.kind());
    assert!(
        sent == Err(ErrorKind::BrokenPipe),
        "0 has failed: expected it to be closed; its peer got {sent:?}"
    );
    must("nothing more", "nothing, nothing", &round(&mut turns, 2));
}

#[test]
fn an_error_of_one_turn_takes_nobody_theirs() {
    let (mut streams, mut peers) = sent(&[0, 5]);
    streams[0].stays = true;
    drop(peers.remove(0));
    let mut turns = Turns::new(streams, 1 << 20).unwrap();
    let right = "the end, 5 bytes; and the error PermissionDenied";
    must("0 ends and can't be deregistered, sent 5 to 1", right, &round(&mut turns, 2));
}

#[test]
fn who_has_more_has_another_turn_without_an_event() {
    let (streams, _peers) = sent(&[20_000]);
    // A byte is less than a read brings, so each turn has one read.
    let mut turns = Turns::new(streams, 1).unwrap();
    let mut all = 0;
    turns.round(Some(Duration::ZERO), |_, read| all += read.map_or(0, <[u8]>::len)).unwrap();
    for _ in 0..20_000 {
        // Edge-triggered, nothing is reported again. Only the list knows.
        turns.round(Some(Duration::ZERO), |_, read| all += read.map_or(0, <[u8]>::len)).unwrap();
    }
    assert!(all == 20_000, "sent 20000, a budget of 1 byte, many rounds: read {all} bytes");
}

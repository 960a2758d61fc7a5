//! Many streams on one thread, each of which gets its turn.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};
use std::time::Duration;

use my_mio::event::Source;
use my_mio::{Events, Interest, Poll, Token};

/// Streams that are read in turns, each at most `budget` bytes a turn or one buffer more.
pub struct Turns<S> {
    poll: Poll,
    events: Events,
    streams: Vec<S>,
    /// Those that may have more to read, each once. No event will name them again.
    unfinished: VecDeque<usize>,
    budget: usize,
}

impl<S: Read + Source> Turns<S> {
    /// Registers all streams.
    pub fn new(mut streams: Vec<S>, budget: usize) -> io::Result<Turns<S>> {
        let poll = Poll::new()?;
        for (i, stream) in streams.iter_mut().enumerate() {
            poll.registry().register(stream, Token(i), Interest::READABLE)?;
        }
        let events = Events::with_capacity(64);
        Ok(Turns { poll, events, streams, unfinished: VecDeque::new(), budget })
    }

    // ANCHOR: round
    /// Waits, at most for `timeout`, and gives one turn to each stream that may have something to
    /// read. `take` gets what is read, as read(2) tells it: with nothing at the end. An interrupted
    /// wait is the caller's to make again.
    pub fn round(
        &mut self,
        timeout: Option<Duration>,
        mut take: impl FnMut(usize, io::Result<&[u8]>),
    ) -> io::Result<()> {
        // Those on the list are no reason for the kernel to wake us.
        let timeout = if self.unfinished.is_empty() { timeout } else { Some(Duration::ZERO) };
        self.poll.poll(&mut self.events, timeout)?;
        for Token(i) in self.events.iter().map(|event| event.token()) {
            if !self.unfinished.contains(&i) {
                self.unfinished.push_back(i);
            }
        }
        for i in std::mem::take(&mut self.unfinished) {
            if turn(&mut self.streams[i], self.budget, |read| take(i, read)) {
                self.unfinished.push_back(i);
            }
        }
        Ok(())
    }
    // ANCHOR_END: round
}

// ANCHOR: turn
/// Reads until nothing is left or the budget is spent, and says whether something may be left.
fn turn(stream: &mut impl Read, budget: usize, mut take: impl FnMut(io::Result<&[u8]>)) -> bool {
    let mut buffer = [0; 4096];
    let mut had = 0;
    while had < budget {
        match stream.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Ok(len @ 1..) => {
                had += len;
                take(Ok(&buffer[..len]));
            }
            end => {
                take(end.map(|_| &[][..]));
                return false;
            }
        }
    }
    true
}
// ANCHOR_END: turn

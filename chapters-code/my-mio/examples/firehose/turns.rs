//! Many streams on one thread, each of which gets its turn.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};
use std::time::Duration;

use my_mio::event::Source;
use my_mio::{Events, Interest, Poll, Token};

/// Streams that are read in turns. A turn is over with the read that spends its budget.
pub struct Turns<S> {
    poll: Poll,
    events: Events,
    /// By token; `None` once it has ended.
    streams: Vec<Option<S>>,
    /// Those that may have more to read, each once. No event will name them again.
    unfinished: VecDeque<usize>,
    budget: usize,
}

impl<S: Read + Source> Turns<S> {
    /// Registers all streams. Whatever the budget is, a turn has one read.
    pub fn new(mut streams: Vec<S>, budget: usize) -> io::Result<Turns<S>> {
        let poll = Poll::new()?;
        for (i, stream) in streams.iter_mut().enumerate() {
            poll.registry().register(stream, Token(i), Interest::READABLE)?;
        }
        let events = Events::with_capacity(64);
        let streams = streams.into_iter().map(Some).collect();
        Ok(Turns { poll, events, streams, unfinished: VecDeque::new(), budget })
    }

    // ANCHOR: round
    /// Waits, at most for `timeout`, and gives one turn to each stream that may have something to
    /// read: to those on the list first. An interrupted wait is the caller's to make again. An error of
    /// one turn costs nobody theirs, and the first one is returned.
    pub fn round(
        &mut self,
        timeout: Option<Duration>,
        mut take: impl FnMut(usize, io::Result<&[u8]>),
    ) -> io::Result<()> {
        // FORK herds: wait, and give one turn to each that was reported or was not finished
        // HINT: What does a kernel that reports edges say of a stream whose bytes were left behind? So how
        //   long may this wait be while somebody is on the list?
        // HINT: A stream may be on the list and be reported too. How many turns does it get?
        // HINT: The list takes in what was reported, each once. Then it is emptied before the turns, as they
        //   fill it for the next round.
        // Those on the list are no reason for the kernel to wake us.
        let timeout = if self.unfinished.is_empty() { timeout } else { Some(Duration::ZERO) };
        self.poll.poll(&mut self.events, timeout)?;
        for Token(i) in self.events.iter().map(|event| event.token()) {
            if !self.unfinished.contains(&i) {
                self.unfinished.push_back(i);
            }
        }
        let turns = std::mem::take(&mut self.unfinished);
        turns.into_iter().map(|i| self.turn(i, |read| take(i, read))).fold(Ok(()), Result::and)
    }
    // ANCHOR_END: round

    // ANCHOR: turn
    /// Reads until nothing is left or the budget is spent. `take` gets what is read, as read(2)
    /// tells it. An end or an error comes last, and once.
    fn turn(&mut self, i: usize, mut take: impl FnMut(io::Result<&[u8]>)) -> io::Result<()> {
        // FORK herds: read until nothing is left or the budget is spent, and remember who has more
        // HINT: A read has five endings, and the budget is a sixth reason to stop. After which of them will
        //   an event tell when to go on?
        // HINT: Whatever the budget is, a turn has one read. So is it looked at before or after?
        // HINT: A loop around one read: bytes go to `take` and are counted; nothing left ends the turn; 0
        //   and errors go to `take` and end the stream. Whoever has spent the budget is put on the list.
        let Some(stream) = &mut self.streams[i] else { return Ok(()) };
        let (mut buffer, mut had) = ([0; 4096], 0);
        loop {
            match stream.read(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Ok(len @ 1..) => {
                    had += len;
                    take(Ok(&buffer[..len]));
                }
                end => {
                    take(end.map(|_| &[][..]));
                    return self.end(i);
                }
            }
            if had >= self.budget {
                self.unfinished.push_back(i);
                return Ok(());
            }
        }
    }
    // ANCHOR_END: turn

    // ANCHOR: end
    /// Deregisters a stream, then closes it. More may happen to it; nobody is told.
    fn end(&mut self, i: usize) -> io::Result<()> {
        match self.streams[i].take() {
            Some(mut stream) => self.poll.registry().deregister(&mut stream),
            None => Ok(()),
        }
    }
    // ANCHOR_END: end
}

//! How many events five wakes make.

use std::io;
use std::time::Duration;

use my_mio::{Events, Poll, Token, Waker};

fn main() -> io::Result<()> {
    let mut poll = Poll::new()?;
    let waker = Waker::new(poll.registry(), Token(0))?;
    let mut events = Events::with_capacity(8);
    let mut reported = move || -> io::Result<usize> {
        poll.poll(&mut events, Some(Duration::ZERO))?;
        Ok(events.iter().count())
    };

    (0..5).try_for_each(|_| waker.wake())?;
    let first = reported()?;
    let later = (0..1000).map(|_| reported()).sum::<io::Result<usize>>()?;
    println!("five wakes before a poll:   {first} event, and {later} in the next 1000 polls");

    let each = (0..5).map(|_| waker.wake().and_then(|()| reported()));
    println!("a poll after each of five:  {} events", each.sum::<io::Result<usize>>()?);
    Ok(())
}

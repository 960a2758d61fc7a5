//! A number is closed and what it was registered for is not: who can still end the registration?

use std::fs;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use my_mio::unix::SourceFd;
use my_mio::{Events, Interest, Poll, Token};

fn main() -> io::Result<()> {
    let mut poll = Poll::new()?;
    let (stream, mut peer) = UnixStream::pair()?;
    let number = stream.as_raw_fd();
    poll.registry().register(&mut SourceFd(&number), Token(7), Interest::READABLE)?;
    let duplicate = stream.try_clone()?;
    drop(stream);

    say("the peer writes", told(&mut poll, &mut peer)?);
    say("delete the number", delete(&poll, number));
    say("delete the duplicate", delete(&poll, duplicate.as_raw_fd()));

    let (newcomer, _its_peer) = UnixStream::pair()?;
    assert_eq!(newcomer.as_raw_fd(), number, "the lowest number that is free");
    poll.registry().register(&mut SourceFd(&number), Token(8), Interest::READABLE)?;
    say("a new socket has the number", list(&poll, number)?);
    say("delete the number", delete(&poll, number));
    say("", list(&poll, number)?);

    drop(newcomer);
    // SAFETY: dup2 touches no memory, and nobody owns the number that it makes a duplicate of.
    let back = unsafe { UnixStream::from_raw_fd(libc::dup2(duplicate.as_raw_fd(), number)) };
    say("bring it back and delete it", delete(&poll, back.as_raw_fd()));
    say("the peer writes", told(&mut poll, &mut peer)?);
    Ok(())
}

fn say(step: &str, result: String) {
    println!("{step:<29} {result}");
}

fn told(poll: &mut Poll, peer: &mut UnixStream) -> io::Result<String> {
    let mut events = Events::with_capacity(8);
    peer.write_all(b"hello")?;
    poll.poll(&mut events, Some(Duration::ZERO))?;
    let tokens: Vec<String> = events.iter().map(|event| format!("{:?}", event.token())).collect();
    Ok(if tokens.is_empty() { "no event".into() } else { format!("event: {}", tokens.join(", ")) })
}

fn delete(poll: &Poll, number: RawFd) -> String {
    match poll.registry().deregister(&mut SourceFd(&number)) {
        Ok(()) => "done".into(),
        Err(error) => error.to_string(),
    }
}

/// What the kernel has on the list under `number`, by token: proc_pid_fdinfo(5).
fn list(poll: &Poll, number: RawFd) -> io::Result<String> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", poll.as_raw_fd()))?;
    let words = info.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut tokens: Vec<String> = words
        .filter(|words| words.starts_with(&["tfd:", &number.to_string()]))
        .filter_map(|words| Some(format!("Token({})", words.get(5)?)))
        .collect();
    tokens.sort();
    Ok(format!("the list has it for {}", tokens.join(" and ")))
}

//! A poll whose reports are looked at, and what the kernel says is registered with it.

use std::fs;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use my_mio::{Events, Poll, Token};

/// A poll, and room for what it reports.
pub struct Watched {
    pub poll: Poll,
    pub events: Events,
}

impl Watched {
    pub fn new() -> Watched {
        Watched { poll: Poll::new().unwrap(), events: Events::with_capacity(8) }
    }

    /// The tokens of what has happened, without waiting.
    pub fn reported(&mut self) -> Vec<Token> {
        self.poll.poll(&mut self.events, Some(Duration::ZERO)).unwrap();
        self.events.iter().map(|event| event.token()).collect()
    }

    /// The same, but sleeps until something happens.
    pub fn waited_for(&mut self) -> Vec<Token> {
        self.poll.poll(&mut self.events, None).unwrap();
        self.events.iter().map(|event| event.token()).collect()
    }
}

/// What is registered with an epoll instance, as the kernel tells: descriptor and token.
pub fn registrations(epoll: &impl AsRawFd) -> Vec<(RawFd, Token)> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", epoll.as_raw_fd())).unwrap();
    let registration = |line: &str| {
        let fields: Vec<_> = line.strip_prefix("tfd:")?.split_whitespace().collect();
        let &[tfd, "events:", _, "data:", token, ..] = &fields[..] else { panic!("{line}") };
        Some((tfd.parse().unwrap(), Token(usize::from_str_radix(token, 16).unwrap())))
    };
    info.lines().filter_map(registration).collect()
}

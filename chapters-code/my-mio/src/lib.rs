//! The public API of mio 1 on Linux: non-blocking sockets and pipes, and [`Poll`], which says when
//! a call on one of them is worth making.
//!
//! A program registers what it wants to hear of, under a [`Token`] of its choice, and waits. Then
//! it goes through the [`Events`], and does what has become possible until it is possible no more:
//!
//! ```
//! use std::io::{ErrorKind, Read, Write};
//! use my_mio::{Events, Interest, Poll, Token, net::UnixStream};
//!
//! let mut poll = Poll::new()?;
//! let mut events = Events::with_capacity(64);
//! let (mut ours, mut theirs) = UnixStream::pair()?;
//! poll.registry().register(&mut theirs, Token(7), Interest::READABLE)?;
//!
//! ours.write_all(b"hello")?;
//! drop(ours);
//! let (mut received, mut ended) = (Vec::<u8>::new(), false);
//! while !ended {
//!     match poll.poll(&mut events, None) {
//!         Err(error) if error.kind() == ErrorKind::Interrupted => continue,
//!         result => result?,
//!     }
//!     for event in events.iter().filter(|event| event.token() == Token(7)) {
//!         assert!(event.is_readable());
//!         let mut buffer = [0; 4];
//!         loop {
//!             match theirs.read(&mut buffer) {
//!                 Ok(0) => break ended = true,
//!                 Ok(n) => received.extend(&buffer[..n]),
//!                 Err(error) if error.kind() == ErrorKind::WouldBlock => break,
//!                 Err(error) => return Err(error),
//!             }
//!         }
//!     }
//! }
//! assert_eq!(received, b"hello");
//! poll.registry().deregister(&mut theirs)?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # An event is an edge
//!
//! All registrations are edge-triggered. A source is reported when something has happened to it,
//! and not again because it still is readable. So whoever is told goes on until the call says
//! [`WouldBlock`](std::io::ErrorKind::WouldBlock): read all, accept all, write until nothing is
//! left or there is no room. Whoever stops before may never hear of the rest. To stop on purpose,
//! remember that the source has more, and come back to it without an event; or
//! [reregister](Registry::reregister), which reports again what is the case. Registering does so
//! too: bytes that were there before are an event.
//!
//! # An event is a hint
//!
//! It may come although there is nothing to do, and one event may say several things. A call that
//! then says `WouldBlock` has not failed: wait for the next event. Errors and hang-ups are reported
//! whatever the interest is, and what counts is what the next read, write or `take_error` returns.
//! [`event`] says which predicate can be wrong.
//!
//! A wait may end without events: the time is over, or a signal came. That is the error
//! [`Interrupted`](std::io::ErrorKind::Interrupted), which the crate does not hide: the program
//! knows how much of its time is left.
//!
//! # Which thread calls what
//!
//! All types are `Send` and `Sync`. [`Poll::poll`] takes `&mut self`, so one thread at a time
//! waits. While it does, others register through a [clone of the registry](Registry::try_clone) and
//! end the wait with the [`Waker`]; the methods of both take `&self`. Registering takes `&mut` of
//! the source. Reading and writing a stream takes `&stream` as well, so one thread may read while
//! another writes.
//!
//! An event that a thread has fetched is not taken back when another thread deregisters its source.
//! The program sees to it that nobody follows a token whose source is gone.
//!
//! # One waker
//!
//! A poll has at most one [`Waker`] in its life, to be shared. In debug builds a second one panics,
//! also when the first was dropped. In release builds nobody counts.
//!
//! # Deregister, then drop
//!
//! Dropping a source closes its descriptor. That ends its registration only if no duplicate is
//! open, and a duplicate is what `try_clone`, dup(2) and fork(2) make. Otherwise the poll goes on
//! reporting a source that the program no longer has and can no longer deregister. So
//! [deregister](Registry::deregister) first. The token may then be used again as soon as the events
//! of the last poll are dealt with.
//!
//! Two duplicates may both be registered, also with one poll, and each is then reported. A socket
//! is registered with one poll, once; debug builds refuse more. Calls on a descriptor that go
//! around this crate are fine: the kernel sees all of them.
//!
//! Dropping the [`Poll`] ends its registrations, unless a clone of its registry lives. The sources
//! stay open, and may be registered with another poll once they are deregistered from this one.
//!
//! # Differences from mio
//!
//! `DIFFERENCES.md`, beside the manifest, lists them, each with a program. The cargo features have
//! mio's names and switch nothing: everything is always there.

// ANCHOR: linux
#[cfg(not(target_os = "linux"))]
compile_error!("my-mio speaks epoll, which only Linux has");
// ANCHOR_END: linux

mod handle;
mod interest;
mod poll;
mod registry;
mod source;
mod sys;
mod token;
mod waker;

pub mod event;
pub mod net;
pub mod unix;

pub use event::Events;
pub use interest::Interest;
pub use poll::Poll;
pub use registry::Registry;
pub use token::Token;
pub use waker::Waker;

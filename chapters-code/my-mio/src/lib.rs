//! The public API of mio 1 on Linux: non-blocking sockets and pipes, and [`Poll`], which says when a
//! call on one of them is worth making.
//!
//! ```
//! use std::io::{Read, Write};
//! use my_mio::{Events, Interest, Poll, Token, net::UnixStream};
//!
//! let mut poll = Poll::new()?;
//! let mut events = Events::with_capacity(8);
//! let (mut ours, mut theirs) = UnixStream::pair()?;
//! poll.registry().register(&mut theirs, Token(7), Interest::READABLE)?;
//!
//! ours.write_all(b"hello")?;
//! poll.poll(&mut events, None)?;
//! let event = events.iter().next().expect("the bytes have arrived");
//! assert!(event.is_readable() && event.token() == Token(7));
//! assert_eq!(theirs.read(&mut [0; 8])?, 5);
//! # Ok::<(), std::io::Error>(())
//! ```

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

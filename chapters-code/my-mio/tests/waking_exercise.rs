//! What a clone of a registry knows. Each message says what was done and what had to come.

use std::io;
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};

use my_mio::net::UnixStream;
use my_mio::{Interest, Poll, Token, Waker};

#[track_caller]
fn must(what: &str, told: io::Result<()>) {
    assert!(told.is_ok(), "{what}: expected no error; got {told:?}");
}

#[test]
fn a_clone_of_a_registry_has_the_same_sources() {
    let poll = Poll::new().unwrap();
    let clone = poll.registry().try_clone().unwrap();
    let (mut one, mut other) = UnixStream::pair().unwrap();
    poll.registry().register(&mut one, Token(0), Interest::READABLE).unwrap();
    must("registered, then changed by a clone", {
        clone.reregister(&mut one, Token(1), Interest::WRITABLE)
    });
    must("registered, then deregistered by a clone", clone.deregister(&mut one));
    clone.register(&mut other, Token(2), Interest::READABLE).unwrap();
    must("registered by a clone, then deregistered", poll.registry().deregister(&mut other));
}

#[test]
fn a_clone_of_a_registry_is_not_inherited() {
    let poll = Poll::new().unwrap();
    let clone = poll.registry().try_clone().unwrap();
    // SAFETY: fcntl with this command takes no pointer.
    let flags = unsafe { libc::fcntl(clone.as_raw_fd(), libc::F_GETFD) };
    let told = if flags & libc::FD_CLOEXEC == 0 { "inherited" } else { "not inherited" };
    assert!(told == "not inherited", "a clone of a registry: expected not inherited; got {told}");
}

#[test]
fn a_clone_of_a_registry_knows_of_the_waker() {
    if !cfg!(debug_assertions) {
        return println!("\nskipped: in a release build nobody counts wakers");
    }
    let poll = Poll::new().unwrap();
    let clone = poll.registry().try_clone().unwrap();
    let _waker = Waker::new(&clone, Token(0)).unwrap();
    let again = catch_unwind(AssertUnwindSafe(|| Waker::new(poll.registry(), Token(1)).is_ok()));
    assert!(again.is_err(), "a waker by a clone, then another: expected a panic; got {again:?}");
}

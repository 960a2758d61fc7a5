//! What the note *Standing tokio on it* claims of the wait and of what it brings.

use std::io::{ErrorKind, Write};
use std::mem::MaybeUninit;
use std::ptr;
use std::time::Duration;

use my_mio::net::UnixStream;
use my_mio::{Events, Interest, Poll, Token};

/// A poll, and both ends of a connection, of which one is readable in it under this token.
fn ready(token: Token) -> (Poll, [UnixStream; 2]) {
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    let poll = Poll::new().unwrap();
    poll.registry().register(&mut theirs, token, Interest::READABLE).unwrap();
    ours.write_all(b"hello").unwrap();
    (poll, [ours, theirs])
}

#[test]
fn a_wait_that_a_signal_interrupts_says_so_and_brings_no_events() {
    let (mut poll, _streams) = ready(Token(7));
    let mut events = Events::with_capacity(8);
    poll.poll(&mut events, None).unwrap();
    assert!(!events.is_empty());
    alarm_every_10_ms();
    // Edge-triggered, so nothing is reported again: only the signal can end this.
    let error = poll.poll(&mut events, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert!(events.is_empty(), "these are the events of the poll before");
}

/// `SIGALRM` to this thread, again and again, as one may come before the wait begins.
fn alarm_every_10_ms() {
    extern "C" fn ignore(_: libc::c_int) {}
    // SAFETY: the handler does nothing. All structures live through the calls that read them, and
    // zeroes are a valid `sigaction`, `sigevent` and `timer_t`.
    unsafe {
        let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
        action.sa_sigaction = ignore as extern "C" fn(libc::c_int) as usize;
        assert_eq!(libc::sigaction(libc::SIGALRM, &action, ptr::null_mut()), 0);
        let mut event: libc::sigevent = MaybeUninit::zeroed().assume_init();
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = libc::SIGALRM;
        event.sigev_notify_thread_id = libc::gettid();
        let mut timer: libc::timer_t = MaybeUninit::zeroed().assume_init();
        assert_eq!(libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, &mut timer), 0);
        let often = libc::timespec { tv_sec: 0, tv_nsec: 10_000_000 };
        let times = libc::itimerspec { it_interval: often, it_value: often };
        assert_eq!(libc::timer_settime(timer, 0, &times, ptr::null_mut()), 0);
    }
}

#[test]
fn a_poll_without_room_is_an_error() {
    let (mut poll, _streams) = ready(Token(7));
    let nothing = poll.poll(&mut Events::with_capacity(0), Some(Duration::ZERO));
    assert_eq!(nothing.unwrap_err().kind(), ErrorKind::InvalidInput);
}

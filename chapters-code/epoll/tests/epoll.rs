//! What the note *The wrapper* claims of Poll, Registry and Events.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::{Duration, Instant};

use epoll::{Events, Interest, Poll, Token};
use lab::doomed::{self, Ending};

/// A timeout whose end no test waits for.
const LONG: Option<Duration> = Some(Duration::from_secs(600));

fn tokens(events: &Events) -> Vec<u64> {
    events.iter().map(|event| event.token().0).collect()
}

#[test]
fn no_program_that_is_started_inherits_the_epoll_descriptor() {
    // Whoever runs the tests may hand down some of its own.
    let inherited = || {
        let listed = Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        assert!(listed.contains("->"), "{listed}");
        listed.matches("[eventpoll]").count()
    };
    let before = inherited();
    let _poll = Poll::new().unwrap();
    assert_eq!(inherited(), before, "the child has it");
}

#[test]
fn dropping_poll_closes_its_descriptor() {
    let eventpolls = || {
        let fds = fs::read_dir("/proc/thread-self/fd").unwrap().flatten();
        fds.filter_map(|fd| fs::read_link(fd.path()).ok())
            .filter(|to| to.to_string_lossy().contains("[eventpoll]"))
            .count()
    };
    // In a child, as other tests have polls too.
    let ended = doomed::child("dropping_poll_closes_its_descriptor", || {
        let before = eventpolls();
        let poll = Poll::new().unwrap();
        assert_eq!(eventpolls(), before + 1);
        drop(poll);
        assert_eq!(eventpolls(), before);
    });
    assert_eq!(ended.how, Ending::Passed, "{}", ended.stderr);
}

#[test]
fn a_registration_reports_what_is_already_the_case_once() {
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(4);
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    ours.write_all(b"hello").unwrap();

    poll.registry().register(&theirs, Token(u64::MAX), Interest::READABLE).unwrap();

    poll.poll(&mut events, LONG).unwrap();
    assert_eq!(tokens(&events), [u64::MAX], "registered as 2^64 - 1, bytes are there: its events");
    poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
    let told = tokens(&events);
    assert!(
        told.is_empty(),
        "bytes were told, and nothing is new: expected no event; got {told:?}"
    );
}

#[test]
fn interest_decides_what_is_reported() {
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(4);
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    poll.registry().register(&theirs, Token(1), Interest::WRITABLE).unwrap();
    poll.poll(&mut events, LONG).unwrap();
    let event = *events.iter().next().unwrap();
    assert!(event.is_writable() && !event.is_readable(), "{event:?}");

    ours.write_all(b"hello").unwrap();
    let both = Interest::READABLE | Interest::WRITABLE;
    poll.registry().reregister(&theirs, Token(2), both).unwrap();
    poll.poll(&mut events, LONG).unwrap();
    let event = *events.iter().next().unwrap();
    assert!(event.is_writable() && event.is_readable(), "{event:?}");
    assert_eq!(event.token(), Token(2));
}

#[test]
fn a_hang_up_is_readable_and_writable() {
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(4);
    let (ours, theirs) = UnixStream::pair().unwrap();
    poll.registry().register(&theirs, Token(1), Interest::WRITABLE).unwrap();
    drop(ours);
    poll.poll(&mut events, LONG).unwrap();
    let event = events.iter().next().unwrap();
    assert!(event.is_readable() && event.is_writable(), "{event:?}");
}

#[test]
fn after_deregister_nothing_is_reported() {
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(4);
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    poll.registry().register(&theirs, Token(1), Interest::READABLE).unwrap();
    poll.registry().deregister(&theirs).unwrap();
    ours.write_all(b"hello").unwrap();
    poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
    let told = tokens(&events);
    assert!(told.is_empty(), "deregistered, then bytes: expected no event; got {told:?}");
    let again = poll.registry().deregister(&theirs).map_err(|error| error.kind());
    assert_eq!(again, Err(ErrorKind::NotFound), "deregistered twice");
}

#[test]
fn registering_twice_is_an_error() {
    let poll = Poll::new().unwrap();
    let (_ours, theirs) = UnixStream::pair().unwrap();
    poll.registry().register(&theirs, Token(1), Interest::READABLE).unwrap();
    let twice = poll.registry().register(&theirs, Token(2), Interest::READABLE);
    assert_eq!(twice.map_err(|error| error.kind()), Err(ErrorKind::AlreadyExists));
}

#[test]
fn closing_is_not_deregistering_while_a_duplicate_lives() {
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(4);
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    poll.registry().register(&theirs, Token(7), Interest::READABLE).unwrap();
    let duplicate = theirs.try_clone().unwrap();
    drop(theirs);

    ours.write_all(b"hello").unwrap();

    poll.poll(&mut events, LONG).unwrap();
    assert_eq!(tokens(&events), [7], "events come for a number that is closed");
    let told = poll.registry().deregister(&duplicate).map_err(|error| error.kind());
    assert_eq!(told, Err(ErrorKind::NotFound), "the duplicate has another number");

    drop(duplicate);
    drop(ours);
    poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
    assert!(events.is_empty(), "with the last duplicate the registration is gone");
}

#[test]
fn after_deregister_a_duplicate_reports_nothing() {
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(4);
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    poll.registry().register(&theirs, Token(7), Interest::READABLE).unwrap();
    let _duplicate = theirs.try_clone().unwrap();
    poll.registry().deregister(&theirs).unwrap();
    drop(theirs);
    ours.write_all(b"hello").unwrap();
    poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
    let told = tokens(&events);
    assert!(
        told.is_empty(),
        "deregistered and closed, a duplicate lives: expected no event; got {told:?}"
    );
}

/// What the kernel writes for four events, each with a token of all ones.
fn four_events() -> [u8; 128] {
    let pairs: Vec<_> = (0..4).map(|_| UnixStream::pair().unwrap()).collect();
    // SAFETY: epoll_create1 takes no pointer, and nobody else owns what it returns.
    let epoll = unsafe { OwnedFd::from_raw_fd(libc::epoll_create1(libc::EPOLL_CLOEXEC)) };
    for (ours, theirs) in &pairs {
        (&mut &*ours).write_all(b"x").unwrap();
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: u64::MAX };
        let (add, theirs) = (libc::EPOLL_CTL_ADD, theirs.as_raw_fd());
        // SAFETY: both descriptors are open, and the kernel only reads `event`.
        assert_eq!(unsafe { libc::epoll_ctl(epoll.as_raw_fd(), add, theirs, &mut event) }, 0);
    }
    let mut arena = [0; 128];
    // SAFETY: the kernel writes four events of at most 16 bytes, and the arena has 128.
    let n = unsafe { libc::epoll_wait(epoll.as_raw_fd(), arena.as_mut_ptr().cast(), 4, 0) };
    assert_eq!(n, 4);
    arena
}

#[test]
fn the_kernel_writes_12_bytes_for_an_event_on_x86_64_and_16_on_aarch64() {
    // On 32-bit x86 nothing is packed, and a u64 is aligned to 4 bytes: the same.
    let x86 = cfg!(any(target_arch = "x86", target_arch = "x86_64"));
    let (size, token) = if x86 { (12, 4) } else { (16, 8) };
    let arena = four_events();
    for event in arena.chunks(size).take(4) {
        assert_eq!(event[token..token + 8], [0xff; 8], "{arena:?}");
    }
    assert!(arena[4 * size..].iter().all(|byte| *byte == 0), "{arena:?}");
}

/// For an author who packs the struct everywhere and one who takes the token for 32 bits wide. What
/// lies behind their buffers is ours here, so that the damage can be counted.
#[test]
fn a_guess_too_small_lets_the_kernel_write_past_the_buffer() {
    let x86 = cfg!(any(target_arch = "x86", target_arch = "x86_64"));
    let guesses = if x86 { vec![8] } else { vec![8, 12] };
    for guess in guesses {
        let arena = four_events();
        let past_the_buffer = arena[4 * guess..].iter().filter(|byte| **byte != 0).count();
        assert!(past_the_buffer > 0, "{guess}: {arena:?}");
    }
}

#[test]
fn a_pipe_whose_writer_has_closed_hangs_up_and_is_readable() {
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(4);
    let (reader, writer) = std::io::pipe().unwrap();
    poll.registry().register(&reader, Token(1), Interest::READABLE).unwrap();
    drop(writer);
    poll.poll(&mut events, LONG).unwrap();
    let event = events.iter().next().unwrap();
    assert!(event.is_readable(), "{event:?}");
    assert!(format!("{event:?}").ends_with("flags: 0x10 }"), "EPOLLHUP without EPOLLIN: {event:?}");
}

#[test]
fn more_events_than_room_come_with_the_next_polls() {
    let mut poll = Poll::new().unwrap();
    let pairs: Vec<_> = (0..5).map(|_| UnixStream::pair().unwrap()).collect();
    for ((ours, theirs), token) in pairs.iter().zip(0..) {
        poll.registry().register(theirs, Token(token), Interest::READABLE).unwrap();
        (&mut &*ours).write_all(b"x").unwrap();
    }
    // Room for none is room for one.
    let mut events = Events::with_capacity(0);
    let mut seen = Vec::new();
    for _ in 0..5 {
        poll.poll(&mut events, LONG).unwrap();
        seen.extend(tokens(&events));
    }
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 3, 4]);
}

#[test]
fn a_timeout_is_never_early() {
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(1);
    for timeout in [0, 1, 999, 1_000, 1_001, 20_500].map(Duration::from_micros) {
        let started = Instant::now();
        poll.poll(&mut events, Some(timeout)).unwrap();
        assert!(started.elapsed() >= timeout, "{timeout:?}");
        assert!(events.is_empty());
    }
}

#[test]
fn a_timeout_that_no_clock_can_tell_waits_for_events() {
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(1);
    let (ours, theirs) = UnixStream::pair().unwrap();
    poll.registry().register(&theirs, Token(3), Interest::READABLE).unwrap();
    drop(ours);
    for timeout in [Duration::MAX, Duration::from_secs(60 * 60 * 24 * 365)] {
        poll.registry().reregister(&theirs, Token(3), Interest::READABLE).unwrap();
        poll.poll(&mut events, Some(timeout)).unwrap();
        assert_eq!(tokens(&events), [3]);
    }
}

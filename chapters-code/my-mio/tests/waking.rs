//! What the note *Waking a sleeper* claims.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, FromRawFd};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use my_mio::event::Source;
use my_mio::net::UnixStream;
use my_mio::unix::{SourceFd, pipe};
use my_mio::{Interest, Poll, Token, Waker};

use mailbox::Mailbox;
use output::Output;
use watched::{Watched, registrations};

#[path = "../examples/sources/mailbox.rs"]
mod mailbox;
#[allow(dead_code)]
#[path = "../examples/sources/output.rs"]
mod output;
mod watched;

const WAKER: Token = Token(usize::MAX);

/// Waits until this thread sleeps in epoll_wait(2): while it runs, the kernel names no call.
fn until_asleep(tid: i32) {
    let call = || fs::read_to_string(format!("/proc/self/task/{tid}/syscall")).unwrap();
    let waits = [libc::SYS_epoll_wait, libc::SYS_epoll_pwait].map(|number| format!("{number} "));
    while !waits.iter().any(|wait| call().starts_with(wait)) {
        thread::sleep(Duration::from_millis(1));
    }
}

fn this_thread() -> i32 {
    // SAFETY: gettid takes no pointer.
    unsafe { libc::gettid() }
}

#[test]
fn wakes_before_a_poll_make_it_return_at_once_with_one_event() {
    let mut watched = Watched::new();
    let waker = Waker::new(watched.poll.registry(), WAKER).unwrap();
    for wakes in [1, 5, 1000] {
        (0..wakes).for_each(|_| waker.wake().unwrap());
        assert_eq!(watched.waited_for(), [WAKER]);
        assert!(watched.events.iter().all(|event| event.is_readable()));
        assert_eq!(watched.reported(), [], "{wakes} wakes made one event");
    }
}

#[test]
fn a_wake_that_nobody_reads_is_reported_once() {
    let mut watched = Watched::new();
    let waker = Waker::new(watched.poll.registry(), WAKER).unwrap();
    waker.wake().unwrap();
    let woken = (0..1000).filter(|_| watched.reported() == [WAKER]).count();
    assert_eq!(woken, 1, "woken at {woken} of 1000 polls");
}

#[test]
fn each_wake_that_a_poll_has_answered_makes_room_for_another_event() {
    let mut watched = Watched::new();
    let waker = Waker::new(watched.poll.registry(), WAKER).unwrap();
    for _ in 0..5 {
        waker.wake().unwrap();
        assert_eq!(watched.reported(), [WAKER]);
        assert_eq!(watched.reported(), []);
    }
}

#[test]
fn a_wake_from_another_thread_ends_a_wait() {
    let mut watched = Watched::new();
    let waker = Waker::new(watched.poll.registry(), WAKER).unwrap();
    let sleeper = this_thread();
    let waking = thread::spawn(move || {
        until_asleep(sleeper);
        waker.wake().map(|()| waker)
    });
    assert_eq!(watched.waited_for(), [WAKER]);
    waking.join().unwrap().unwrap();
}

#[test]
fn a_wake_is_an_event_even_when_the_counter_is_full() {
    let mut watched = Watched::new();
    let waker = Waker::new(watched.poll.registry(), WAKER).unwrap();
    let [(eventfd, WAKER)] = registrations(&watched.poll)[..] else { panic!("no waker") };
    // SAFETY: the waker owns it and outlives this, which never closes it.
    let mut counter = ManuallyDrop::new(unsafe { fs::File::from_raw_fd(eventfd) });

    counter.write_all(&(u64::MAX - 1).to_ne_bytes()).unwrap();

    assert_eq!(watched.reported(), [WAKER], "so many wakes at once are one event, too");
    let more = counter.write(&1_u64.to_ne_bytes()).unwrap_err();
    assert_eq!(more.kind(), ErrorKind::WouldBlock);
    assert_eq!(watched.reported(), [], "a write that is refused is no change");

    waker.wake().unwrap();
    assert_eq!(watched.waited_for(), [WAKER]);
    let mut count = [0; 8];
    counter.read_exact(&mut count).unwrap();
    assert_eq!(u64::from_ne_bytes(count), 1, "it has begun anew");
}

#[test]
fn a_pipe_wakes_until_it_is_full() {
    let mut watched = Watched::new();
    let (mut bell, mut ear) = pipe::new().unwrap();
    watched.poll.registry().register(&mut ear, WAKER, Interest::READABLE).unwrap();
    let mut wakes = 0;
    let full = loop {
        match bell.write(&[1]) {
            Ok(_) => wakes += 1,
            Err(error) => break error,
        }
        assert_eq!(watched.reported(), [WAKER], "wake {wakes}");
    };
    // A pipe holds 16 pages, or fewer where a user has many of them: pipe(7).
    assert!((1..=1 << 20).contains(&wakes), "{wakes}");
    assert_eq!(full.kind(), ErrorKind::WouldBlock);

    assert_eq!(ear.read(&mut vec![0; wakes]).unwrap(), wakes);
    watched.reported();
    bell.write_all(&[1]).unwrap();
    assert_eq!(watched.reported(), [WAKER], "who reads the bytes makes room");
}

#[test]
fn a_waker_that_is_dropped_takes_its_wakes_along() {
    let mut watched = Watched::new();
    let waker = Waker::new(watched.poll.registry(), WAKER).unwrap();
    waker.wake().unwrap();
    drop(waker);
    assert_eq!(watched.reported(), []);
}

#[test]
#[cfg(debug_assertions)]
#[should_panic = "Only a single `Waker`"]
fn a_poll_has_one_waker() {
    let poll = Poll::new().unwrap();
    let _waker = Waker::new(poll.registry(), WAKER).unwrap();
    let _ = Waker::new(&poll.registry().try_clone().unwrap(), WAKER);
}

#[cfg(debug_assertions)]
#[test]
#[should_panic(expected = "Only a single `Waker` can be active")]
fn a_poll_has_one_waker_in_its_life() {
    let poll = Poll::new().unwrap();
    drop(Waker::new(poll.registry(), WAKER).unwrap());
    let _ = Waker::new(poll.registry(), WAKER);
}

#[test]
fn another_thread_registers_while_the_poll_sleeps() {
    let mut watched = Watched::new();
    let registry = watched.poll.registry().try_clone().unwrap();
    let sleeper = this_thread();
    let registering = thread::spawn(move || {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        ours.write_all(b"hello").unwrap();
        until_asleep(sleeper);
        registry.register(&mut theirs, Token(7), Interest::READABLE).unwrap();
        (ours, theirs)
    });
    assert_eq!(watched.waited_for(), [Token(7)], "its bytes were there before");
    let (_ours, mut theirs) = registering.join().unwrap();
    watched.poll.registry().deregister(&mut theirs).unwrap();
}

#[test]
fn the_instance_lives_until_its_last_number_is_closed() {
    let poll = Poll::new().unwrap();
    let registry = poll.registry().try_clone().unwrap();
    let (_ours, mut theirs) = UnixStream::pair().unwrap();
    poll.registry().register(&mut theirs, Token(7), Interest::READABLE).unwrap();
    assert_ne!(poll.as_raw_fd(), registry.as_raw_fd());

    drop(poll);

    let registered = registrations(&registry);
    assert_eq!(registered, [(theirs.as_raw_fd(), Token(7))], "the registration lives on");
    registry.deregister(&mut theirs).unwrap();
    assert_eq!(registrations(&registry), []);
}

#[test]
fn a_type_made_of_several_sources_is_one_source() {
    let mut watched = Watched::new();
    let mut child = Command::new("sh");
    child.args(["-c", "echo hello; echo oops >&2; read line"]).stdin(Stdio::piped());
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut output = Output::of(&mut child).unwrap();
    let registry = watched.poll.registry().try_clone().unwrap();
    registry.register(&mut output, Token(3), Interest::READABLE).unwrap();
    let again = registry.register(&mut output, Token(4), Interest::READABLE).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);
    registry.reregister(&mut output, Token(5), Interest::READABLE).unwrap();

    let mut printed = [vec![], vec![]];
    while printed.iter().any(|printed| printed.is_empty()) {
        let told = watched.waited_for();
        assert!(told.iter().all(|token| *token == Token(5)), "{told:?}");
        assert!(output.read(&mut printed).unwrap(), "the child waits for a line");
    }
    assert_eq!(printed, [b"hello\n".to_vec(), b"oops\n".to_vec()]);

    registry.deregister(&mut output).unwrap();
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    child.wait().unwrap();
    assert_eq!(watched.reported(), [], "both pipes have hung up, and nobody asked");
    assert!(!output.read(&mut printed).unwrap());
}

#[test]
fn sources_of_different_types_are_registered_alike() {
    let mut watched = Watched::new();
    let (_bell, mut ear) = pipe::new().unwrap();
    let (stream, _peer) = UnixStream::pair().unwrap();
    let (slot, mailbox) = Mailbox::<u8>::new().unwrap();
    slot.post(1).unwrap();
    // A box, a box that owns some source or other, and a reference to one.
    let mut some: Vec<Box<dyn Source>> = vec![Box::new(stream), Box::new(mailbox)];
    some.push(Box::new(Box::new(pipe::new().unwrap().0)));
    let registry = watched.poll.registry();
    let borrowed: &mut dyn Source = &mut ear;
    registry.register(borrowed, Token(9), Interest::READABLE | Interest::WRITABLE).unwrap();
    for (i, source) in some.iter_mut().enumerate() {
        let both = Interest::READABLE | Interest::WRITABLE;
        registry.register(source, Token(i), both).unwrap();
    }
    let mut told = watched.reported();
    told.sort();
    // The stream and the sender have room, the mailbox has a letter, and the last pipe is empty.
    assert_eq!(told, [0, 1, 2].map(Token));
    for source in &mut some {
        watched.poll.registry().deregister(source).unwrap();
        let again = watched.poll.registry().deregister(source).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::NotFound);
    }
    assert_eq!(watched.reported(), []);
}

#[test]
fn a_poll_can_be_registered_with_another() {
    let (mut outer, mut inner) = (Watched::new(), Watched::new());
    let waker = Waker::new(inner.poll.registry(), WAKER).unwrap();
    let inner_fd = inner.poll.as_raw_fd();
    let registry = outer.poll.registry();
    registry.register(&mut SourceFd(&inner_fd), Token(1), Interest::READABLE).unwrap();
    assert_eq!(outer.reported(), []);
    waker.wake().unwrap();
    assert_eq!(outer.reported(), [Token(1)]);
    assert_eq!(inner.reported(), [WAKER]);
}

#[test]
fn a_queue_without_a_descriptor_is_a_source() {
    let mut watched = Watched::new();
    let (slot, mut mailbox) = Mailbox::new().unwrap();
    slot.post(0).unwrap();
    watched.poll.registry().register(&mut mailbox, Token(2), Interest::READABLE).unwrap();
    (0..2).for_each(|letter| slot.post(letter).unwrap());
    let mut letters = Vec::new();
    while letters.len() < 3 {
        assert_eq!(watched.waited_for(), [Token(2)], "one event for three letters");
        letters.extend(mailbox.letters().unwrap());
    }
    assert_eq!(letters, [0, 0, 1], "one is from before the registration");
    let postmen: Vec<_> = (0..4)
        .map(|_| {
            let slot = slot.clone();
            thread::spawn(move || (1..=100).try_for_each(|letter| slot.post(letter)).unwrap())
        })
        .collect();
    while letters.len() < 403 {
        assert_eq!(watched.waited_for(), [Token(2)]);
        letters.extend(mailbox.letters().unwrap());
    }
    assert_eq!(letters.iter().sum::<i32>(), 1 + 4 * 5050);
    postmen.into_iter().for_each(|postman| postman.join().unwrap());
}

#[test]
fn a_mailbox_keeps_the_rules_of_every_source() {
    let (mut here, mut elsewhere) = (Watched::new(), Watched::new());
    let _waker = Waker::new(here.poll.registry(), WAKER).unwrap();
    let (slot, mut mailbox) = Mailbox::new().unwrap();
    let (other_slot, mut other) = Mailbox::new().unwrap();
    let both = Interest::READABLE | Interest::WRITABLE;
    let kind = |result: io::Result<()>| result.unwrap_err().kind();
    let registry = here.poll.registry();

    assert_eq!(kind(registry.reregister(&mut mailbox, Token(1), both)), ErrorKind::NotFound);
    assert_eq!(kind(registry.deregister(&mut mailbox)), ErrorKind::NotFound);
    registry.register(&mut mailbox, Token(1), both).unwrap();
    registry.register(&mut other, Token(2), both).unwrap();
    assert_eq!(kind(registry.register(&mut mailbox, Token(1), both)), ErrorKind::AlreadyExists);
    assert_eq!(here.reported(), [], "no letter, and room for one is no news");
    slot.post('a').unwrap();
    other_slot.post('b').unwrap();
    let mut told = here.reported();
    told.sort();
    assert_eq!(told, [Token(1), Token(2)], "two mailboxes and a waker, with one poll");
    assert_eq!(other.letters().unwrap().collect::<String>(), "b");

    // What has not been taken is told again, here and elsewhere; what has been taken is not.
    here.poll.registry().reregister(&mut mailbox, Token(3), both).unwrap();
    here.poll.registry().reregister(&mut other, Token(4), both).unwrap();
    assert_eq!(here.reported(), [Token(3)]);
    here.poll.registry().deregister(&mut mailbox).unwrap();
    slot.post('c').unwrap();
    assert_eq!(here.reported(), []);
    elsewhere.poll.registry().register(&mut mailbox, Token(5), both).unwrap();
    assert_eq!(elsewhere.reported(), [Token(5)]);
    assert_eq!(mailbox.letters().unwrap().collect::<String>(), "ac");

    drop(mailbox);
    assert_eq!(slot.post('d').unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[test]
fn a_wake_before_its_letter_announces_nothing() {
    let mut watched = Watched::new();
    let waker = Waker::new(watched.poll.registry(), WAKER).unwrap();
    let (slot, mailbox) = Mailbox::new().unwrap();
    waker.wake().unwrap();
    assert_eq!(watched.reported(), [WAKER]);
    assert_eq!(mailbox.letters().unwrap().count(), 0, "the sleeper finds nothing");
    // Nobody watches the mailbox: the one bell is the waker, and it has rung.
    slot.post("late").unwrap();
    assert_eq!(watched.reported(), [], "and is not told of what comes then");
    assert_eq!(mailbox.letters().unwrap().count(), 1);
}

#[test]
fn wakes_from_many_threads_are_never_lost() {
    let mut watched = Watched::new();
    let waker = Arc::new(Waker::new(watched.poll.registry(), WAKER).unwrap());
    // Each wakes, and goes on when the poll has answered.
    for _ in 0..1000 {
        let waking = Arc::clone(&waker);
        let thread = thread::spawn(move || waking.wake().unwrap());
        assert_eq!(watched.waited_for(), [WAKER]);
        thread.join().unwrap();
    }
}

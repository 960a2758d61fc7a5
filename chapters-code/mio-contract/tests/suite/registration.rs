//! Who may be registered where, and how often.

use std::cell::RefCell;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::thread;

use mio::Registry;
use mio::net::{UdpSocket, UnixDatagram, UnixListener, UnixStream};
use mio::unix::{SourceFd, pipe};
use mio_contract::kernel;

use super::*;

/// One of each kind.
fn one_of_each() -> Vec<Box<dyn Source>> {
    let (sender, receiver) = pipe::new().unwrap();
    let (stream, datagram) = (UnixStream::pair().unwrap().0, UnixDatagram::unbound().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind(any_v4()).unwrap();
    vec![
        Box::new(TcpStream::connect(listener.local_addr().unwrap()).unwrap()),
        Box::new(listener),
        Box::new(UdpSocket::bind(any_v4()).unwrap()),
        Box::new(stream),
        Box::new(UnixListener::bind(dir.path().join("listener")).unwrap()),
        Box::new(datagram),
        Box::new(sender),
        Box::new(receiver),
    ]
}

#[test]
fn registering_twice_is_refused() {
    alone(|| {
        let poll = Poll::new().unwrap();
        for mut source in one_of_each() {
            poll.registry().register(&mut source, Token(1), BOTH).unwrap();
            let again = poll.registry().register(&mut source, Token(2), BOTH);
            fails(ErrorKind::AlreadyExists, again);
        }
    });
}

#[test]
fn what_is_not_registered_cannot_be_reregistered() {
    alone(|| {
        let poll = Poll::new().unwrap();
        for mut source in one_of_each() {
            let result = poll.registry().reregister(&mut source, Token(1), BOTH);
            fails(ErrorKind::NotFound, result);
            // And it is not registered by that.
            poll.registry().register(&mut source, Token(1), BOTH).unwrap();
        }
    });
}

#[test]
fn what_is_not_registered_cannot_be_deregistered() {
    alone(|| {
        let poll = Poll::new().unwrap();
        for mut source in one_of_each() {
            fails(ErrorKind::NotFound, poll.registry().deregister(&mut source));
            poll.registry().register(&mut source, Token(1), BOTH).unwrap();
            poll.registry().deregister(&mut source).unwrap();
            fails(ErrorKind::NotFound, poll.registry().deregister(&mut source));
            let result = poll.registry().reregister(&mut source, Token(1), BOTH);
            fails(ErrorKind::NotFound, result);
        }
    });
}

#[test]
fn every_kind_can_be_registered_again() {
    alone(|| {
        let (one, other) = (Poll::new().unwrap(), Poll::new().unwrap());
        for mut source in one_of_each() {
            for registry in [one.registry(), one.registry(), other.registry(), one.registry()] {
                registry.register(&mut source, Token(1), READABLE).unwrap();
                registry.reregister(&mut source, Token(2), WRITABLE).unwrap();
                registry.deregister(&mut source).unwrap();
            }
        }
    });
}

#[test]
fn a_refused_registration_leaves_the_first_one() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        watch.register(&mut theirs, 1, READABLE);
        let again = watch.poll.registry().register(&mut theirs, Token(2), WRITABLE);
        fails(ErrorKind::AlreadyExists, again);
        watch.nothing();
        ours.write_all(b"x").unwrap();
        let event = watch.one();
        assert!(event.token() == Token(1) && event.is_readable(), "{event:?}");
    });
}

#[test]
fn a_second_poll_is_refused() {
    checked(|| {
        let (mut one, other) = (Watch::new(), Watch::new());
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        one.register(&mut theirs, 1, READABLE);
        let registry = other.poll.registry();
        let result = registry.reregister(&mut theirs, Token(2), READABLE);
        fails(ErrorKind::AlreadyExists, result);
        fails(ErrorKind::AlreadyExists, registry.register(&mut theirs, Token(2), READABLE));
        ours.write_all(b"x").unwrap();
        assert_eq!(one.one().token(), Token(1));
        fails(ErrorKind::NotFound, registry.deregister(&mut theirs));
    });
}

#[test]
fn no_two_polls_are_taken_for_one() {
    checked(|| {
        let watch = Watch::new();
        let (_ours, mut theirs) = UnixStream::pair().unwrap();
        watch.register(&mut theirs, 1, READABLE);
        // More than fit into 16 bits.
        for _ in 0..66_000 {
            let other = Poll::new().unwrap();
            let result = other.registry().reregister(&mut theirs, Token(2), READABLE);
            assert_eq!(result.unwrap_err().kind(), ErrorKind::AlreadyExists);
        }
    });
}

#[test]
fn after_deregistering_another_poll_takes_it() {
    alone(|| {
        let (mut one, mut other) = (Watch::new(), Watch::new());
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        one.register(&mut theirs, 1, READABLE);
        one.deregister(&mut theirs);
        other.register(&mut theirs, 2, READABLE);
        ours.write_all(b"x").unwrap();
        assert_eq!(other.one().token(), Token(2));
        one.nothing();
    });
}

#[test]
fn a_clone_registers_with_the_same_poll() {
    alone(|| {
        let mut watch = Watch::new();
        let clone = watch.poll.registry().try_clone().unwrap();
        assert_ne!(clone.as_raw_fd(), watch.poll.as_raw_fd());
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        clone.register(&mut theirs, Token(1), READABLE).unwrap();
        ours.write_all(b"x").unwrap();
        assert_eq!(watch.one().token(), Token(1));
    });
}

#[test]
fn clones_are_one_registry() {
    alone(|| {
        let mut watch = Watch::new();
        let clone = watch.poll.registry().try_clone().unwrap();
        let clone_of_clone = clone.try_clone().unwrap();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        watch.register(&mut theirs, 1, READABLE);
        fails(ErrorKind::AlreadyExists, clone.register(&mut theirs, Token(2), READABLE));
        clone.reregister(&mut theirs, Token(3), READABLE).unwrap();
        ours.write_all(b"x").unwrap();
        assert_eq!(watch.one().token(), Token(3));
        clone_of_clone.deregister(&mut theirs).unwrap();
        ours.write_all(b"x").unwrap();
        watch.nothing();
        fails(ErrorKind::NotFound, watch.poll.registry().deregister(&mut theirs));
    });
}

#[test]
fn a_clone_outlives_its_poll() {
    alone(|| {
        let poll = Poll::new().unwrap();
        let clone = poll.registry().try_clone().unwrap();
        let (_ours, mut theirs) = UnixStream::pair().unwrap();
        poll.registry().register(&mut theirs, Token(1), READABLE).unwrap();
        drop(poll);
        clone.reregister(&mut theirs, Token(2), WRITABLE).unwrap();
        clone.deregister(&mut theirs).unwrap();
        clone.register(&mut theirs, Token(3), READABLE).unwrap();
    });
}

#[test]
fn another_thread_registers() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        let registry = watch.poll.registry();
        let mut theirs = thread::scope(|scope| {
            let registered = scope.spawn(move || {
                registry.register(&mut theirs, Token(1), READABLE).unwrap();
                theirs
            });
            registered.join().unwrap()
        });
        ours.write_all(b"x").unwrap();
        assert_eq!(watch.one().token(), Token(1));
        watch.deregister(&mut theirs);
    });
}

#[test]
fn closing_ends_a_registration() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        watch.register(&mut theirs, 1, READABLE);
        ours.write_all(b"x").unwrap();
        drop(theirs);
        watch.nothing();
    });
}

#[test]
fn a_number_that_was_closed_can_be_registered_by_its_next_owner() {
    alone(|| {
        let mut watch = Watch::new();
        let (_other, mut first) = UnixStream::pair().unwrap();
        let (mut ours, second) = UnixStream::pair().unwrap();
        watch.register(&mut first, 1, READABLE);
        let number = first.as_raw_fd();
        drop(first);
        let mut theirs = UnixStream::from(kernel::duplicate_to(&second, number));
        assert_eq!(theirs.as_raw_fd(), number);
        watch.register(&mut theirs, 2, READABLE);
        ours.write_all(b"x").unwrap();
        assert_eq!(tokens(&watch.next()), [2]);
        watch.deregister(&mut theirs);
    });
}

#[test]
fn a_duplicate_is_another_source() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        let duplicate = kernel::duplicate_to(&theirs, 700);
        let mut duplicate = UnixStream::from(duplicate);
        watch.register(&mut theirs, 1, READABLE);
        watch.register(&mut duplicate, 2, READABLE);
        ours.write_all(b"x").unwrap();
        assert_eq!(tokens(&watch.next()), [1, 2]);
        watch.deregister(&mut theirs);
        ours.write_all(b"x").unwrap();
        assert_eq!(tokens(&watch.next()), [2]);
    });
}

#[test]
fn a_registration_lives_as_long_as_a_duplicate() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        let duplicate = kernel::duplicate_to(&theirs, 700);
        watch.register(&mut theirs, 1, READABLE);
        drop(theirs);
        ours.write_all(b"x").unwrap();
        assert_eq!(tokens(&watch.next()), [1]);
        drop(duplicate);
        watch.nothing();
    });
}

#[test]
fn deregistering_before_closing_leaves_nothing_behind() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        let _duplicate = kernel::duplicate_to(&theirs, 700);
        watch.register(&mut theirs, 1, READABLE);
        watch.deregister(&mut theirs);
        drop(theirs);
        ours.write_all(b"x").unwrap();
        watch.nothing();
    });
}

#[test]
fn any_descriptor_is_a_source_by_its_number() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let number = theirs.as_raw_fd();
        watch.register(&mut SourceFd(&number), 1, READABLE);
        watch.nothing();
        ours.write_all(b"x").unwrap();
        let event = watch.one();
        assert!(event.token() == Token(1) && event.is_readable());
        watch.nothing();
        watch.reregister(&mut SourceFd(&number), usize::MAX, BOTH);
        let event = watch.one();
        assert!(event.token() == Token(usize::MAX) && event.is_readable() && event.is_writable());
        watch.deregister(&mut SourceFd(&number));
        ours.write_all(b"x").unwrap();
        watch.nothing();
    });
}

#[test]
fn a_number_is_registered_once() {
    alone(|| {
        let (one, other) = (Poll::new().unwrap(), Poll::new().unwrap());
        let (stream, _peer) = std::os::unix::net::UnixStream::pair().unwrap();
        let number = stream.as_raw_fd();
        let registry = one.registry();
        fails(ErrorKind::NotFound, registry.deregister(&mut SourceFd(&number)));
        let result = registry.reregister(&mut SourceFd(&number), Token(1), READABLE);
        fails(ErrorKind::NotFound, result);
        registry.register(&mut SourceFd(&number), Token(1), READABLE).unwrap();
        let again = registry.register(&mut SourceFd(&number), Token(2), READABLE);
        fails(ErrorKind::AlreadyExists, again);
        // Nobody but the kernel keeps a record, and to that another poll is another list.
        other.registry().register(&mut SourceFd(&number), Token(3), READABLE).unwrap();
        registry.deregister(&mut SourceFd(&number)).unwrap();
        other.registry().deregister(&mut SourceFd(&number)).unwrap();
        fails(ErrorKind::NotFound, registry.deregister(&mut SourceFd(&number)));
    });
}

#[test]
fn what_cannot_be_watched_is_refused() {
    alone(|| {
        let poll = Poll::new().unwrap();
        let register = |number: i32, registry: &Registry| {
            registry.register(&mut SourceFd(&number), Token(1), READABLE)
        };
        let file = File::open("/proc/self/exe").unwrap();
        fails(ErrorKind::PermissionDenied, register(file.as_raw_fd(), poll.registry()));
        fails(ErrorKind::InvalidInput, register(poll.as_raw_fd(), poll.registry()));
        for not_open in [-1, 900] {
            let error = register(not_open, poll.registry()).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EBADF));
        }
    });
}

#[test]
fn a_poll_is_a_source_of_another_poll() {
    alone(|| {
        let (mut outer, mut inner) = (Watch::new(), Watch::new());
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        inner.register(&mut theirs, 1, READABLE);
        outer.register(&mut SourceFd(&inner.poll.as_raw_fd()), 2, READABLE);
        outer.nothing();
        ours.write_all(b"x").unwrap();
        let event = outer.one();
        assert!(event.token() == Token(2) && event.is_readable());
        assert_eq!(inner.one().token(), Token(1));
    });
}

/// Writes down how it is called.
#[derive(Default)]
struct Recorder(RefCell<Vec<String>>);

impl Recorder {
    fn record(&self, what: &str, registry: &Registry, rest: String) -> io::Result<()> {
        assert!(registry.as_raw_fd() >= 0);
        self.0.borrow_mut().push(format!("{what} {rest}"));
        Err(io::Error::other(what.to_owned()))
    }
}

impl Source for Recorder {
    fn register(&mut self, to: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        self.record("register", to, format!("{token:?} {interest:?}"))
    }

    fn reregister(&mut self, to: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        self.record("reregister", to, format!("{token:?} {interest:?}"))
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.record("deregister", registry, String::new())
    }
}

/// What the source itself answers, and how often and with what it was asked.
fn calls(source: &mut (impl Source + ?Sized)) {
    let poll = Poll::new().unwrap();
    let registry = poll.registry();
    let results = [
        registry.register(source, Token(usize::MAX), Interest::PRIORITY),
        registry.reregister(source, Token(0), BOTH),
        registry.deregister(source),
    ];
    let answers = results.map(|result| result.unwrap_err().to_string());
    assert_eq!(answers, ["register", "reregister", "deregister"]);
}

fn expected_calls() -> [String; 3] {
    [
        format!("register Token({}) PRIORITY", usize::MAX),
        "reregister Token(0) READABLE | WRITABLE".to_owned(),
        "deregister ".to_owned(),
    ]
}

#[test]
fn a_source_decides_what_registering_means() {
    alone(|| {
        let mut recorder = Recorder::default();
        calls(&mut recorder);
        assert_eq!(recorder.0.take(), expected_calls());
    });
}

#[test]
fn a_box_of_a_source_is_that_source() {
    alone(|| {
        let mut boxed = Box::new(Recorder::default());
        calls(&mut boxed);
        assert_eq!(boxed.0.take(), expected_calls());
        let unsized_one: &mut dyn Source = &mut *boxed;
        calls(unsized_one);
        assert_eq!(boxed.0.take(), expected_calls());
        let mut object: Box<dyn Source> = boxed;
        calls(&mut object);
    });
}

#[test]
fn a_source_moves_while_it_is_registered() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        watch.register(&mut theirs, 1, READABLE);
        let mut elsewhere = Box::new(theirs);
        watch.reregister(&mut elsewhere, 2, READABLE);
        ours.write_all(b"x").unwrap();
        assert_eq!(watch.one().token(), Token(2));
        watch.deregister(&mut *elsewhere);
    });
}

#[test]
fn what_was_taken_apart_while_registered_stays_registered() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        watch.register(&mut theirs, 1, READABLE);
        let number = OwnedFd::from(theirs);
        ours.write_all(b"x").unwrap();
        assert_eq!(watch.one().token(), Token(1));
        watch.deregister(&mut SourceFd(&number.as_raw_fd()));
        ours.write_all(b"x").unwrap();
        watch.nothing();
    });
}

#[test]
fn the_next_poll_with_the_same_number_is_another() {
    checked(|| {
        let (_ours, mut theirs) = UnixStream::pair().unwrap();
        let first = Poll::new().unwrap();
        let number = first.as_raw_fd();
        first.registry().register(&mut theirs, Token(1), READABLE).unwrap();
        drop(first);
        let second = Poll::new().unwrap();
        assert_eq!(second.as_raw_fd(), number);
        let result = second.registry().reregister(&mut theirs, Token(2), READABLE);
        fails(ErrorKind::AlreadyExists, result);
    });
}

#[test]
fn what_was_deregistered_by_its_number_can_be_registered_again() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        watch.register(&mut theirs, 1, READABLE);
        watch.deregister(&mut SourceFd(&theirs.as_raw_fd()));
        // The kernel knows of none, and the source forgets it too.
        fails(ErrorKind::NotFound, watch.poll.registry().deregister(&mut theirs));
        watch.register(&mut theirs, 2, READABLE);
        ours.write_all(b"x").unwrap();
        assert_eq!(watch.one().token(), Token(2));
    });
}

#[test]
fn registering_twice_is_refused_whatever_the_interest() {
    alone(|| {
        let watch = Watch::new();
        let (_ours, mut theirs) = UnixStream::pair().unwrap();
        for interest in [READABLE, WRITABLE, BOTH, Interest::PRIORITY, BOTH | Interest::PRIORITY] {
            watch.register(&mut theirs, 1, interest);
            let again = watch.poll.registry().register(&mut theirs, Token(2), interest);
            fails(ErrorKind::AlreadyExists, again);
            watch.deregister(&mut theirs);
        }
    });
}

#[test]
fn refusals_say_why() {
    checked(|| {
        let (one, other) = (Poll::new().unwrap(), Poll::new().unwrap());
        let (one, other) = (one.registry(), other.registry());
        let (_ours, mut theirs) = UnixStream::pair().unwrap();
        let words = |result: io::Result<()>| result.unwrap_err().to_string();
        const NOT: &str = "I/O source not registered with `Registry`";
        const ALREADY: &str = "I/O source already registered with a `Registry`";
        const ELSEWHERE: &str = "I/O source already registered with a different `Registry`";
        assert_eq!(words(one.reregister(&mut theirs, Token(1), READABLE)), NOT);
        assert_eq!(words(one.deregister(&mut theirs)), NOT);
        one.register(&mut theirs, Token(1), READABLE).unwrap();
        assert_eq!(words(one.register(&mut theirs, Token(1), READABLE)), ALREADY);
        assert_eq!(words(other.reregister(&mut theirs, Token(1), READABLE)), ELSEWHERE);
    });
}

#[test]
fn a_change_that_fails_changes_nothing() {
    checked(|| {
        let watch = Watch::new();
        let (_ours, mut theirs) = UnixStream::pair().unwrap();
        watch.register(&mut theirs, 1, READABLE);
        watch.deregister(&mut SourceFd(&theirs.as_raw_fd()));
        let registry = watch.poll.registry();
        fails(ErrorKind::NotFound, registry.reregister(&mut theirs, Token(2), READABLE));
        fails(ErrorKind::AlreadyExists, registry.register(&mut theirs, Token(2), READABLE));
    });
}

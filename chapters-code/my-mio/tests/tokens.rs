//! What the note *Tokens and zombies* claims.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net;
use std::process::{Command, Stdio};
use std::time::Duration;

use lab::doomed::{self, Ending};
use my_mio::net::UnixStream;
use my_mio::unix::SourceFd;
use my_mio::{Events, Interest, Poll, Token};
use relay::{Handled, Relay};
use slab::Slab;

#[path = "../examples/late_event/relay.rs"]
mod relay;
#[path = "../examples/late_event/slab.rs"]
mod slab;

/// The tokens of the events so far. What a test expects has happened before it asks.
fn told(poll: &mut Poll) -> Vec<usize> {
    let mut events = Events::with_capacity(16);
    poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
    let mut tokens: Vec<usize> = events.iter().map(|event| event.token().0).collect();
    tokens.sort_unstable();
    tokens
}

fn register(poll: &Poll, number: RawFd, token: usize) {
    poll.registry().register(&mut SourceFd(&number), Token(token), Interest::READABLE).unwrap();
}

fn delete(poll: &Poll, number: RawFd) -> Result<(), Option<i32>> {
    let deleted = poll.registry().deregister(&mut SourceFd(&number));
    deleted.map_err(|error| error.raw_os_error())
}

/// In a process of its own. Here, another test's thread could take a number that is free for a
/// moment, and one that starts a process duplicates every number until the process calls execve(2).
fn alone(test_name: &str, body: impl FnOnce()) {
    let ended = doomed::child(test_name, body);
    assert_eq!(ended.how, Ending::Passed, "{}{}", ended.stdout, ended.stderr);
}

/// What there is to read from, and who writes to it.
fn ends() -> [(&'static str, OwnedFd, Box<dyn Write>); 3] {
    let (unix, unix_peer) = net::UnixStream::pair().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let tcp_peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (tcp, _) = listener.accept().unwrap();
    let (pipe, pipe_peer) = std::io::pipe().unwrap();
    [
        ("Unix", unix.into(), Box::new(unix_peer)),
        ("TCP", tcp.into(), Box::new(tcp_peer)),
        ("pipe", pipe.into(), Box::new(pipe_peer)),
    ]
}

/// A registration with token 7, whose number is closed while a duplicate lives.
fn zombie(poll: &Poll) -> (RawFd, net::UnixStream, net::UnixStream) {
    let (stream, peer) = net::UnixStream::pair().unwrap();
    let number = stream.as_raw_fd();
    register(poll, number, 7);
    (number, stream.try_clone().unwrap(), peer)
}

#[test]
fn closing_a_number_leaves_its_registration_while_a_duplicate_lives() {
    alone("closing_a_number_leaves_its_registration_while_a_duplicate_lives", || {
        for (kind, end, mut peer) in ends() {
            let mut poll = Poll::new().unwrap();
            let number = end.as_raw_fd();
            register(&poll, number, 7);
            let duplicate = end.try_clone().unwrap();
            drop(end);

            peer.write_all(b"hello").unwrap();
            assert_eq!(told(&mut poll), [7], "{kind}: an event for a number that is closed");
            assert_eq!(delete(&poll, number), Err(Some(libc::EBADF)));
            assert_eq!(delete(&poll, duplicate.as_raw_fd()), Err(Some(libc::ENOENT)));

            drop(duplicate);
            drop(peer);
            assert!(told(&mut poll).is_empty(), "{kind}: the last duplicate took it with it");
        }
    });
}

#[test]
fn the_last_number_takes_the_registration_with_it() {
    alone("the_last_number_takes_the_registration_with_it", || {
        let mut poll = Poll::new().unwrap();
        let (mut stream, peer) = UnixStream::pair().unwrap();
        poll.registry().register(&mut stream, Token(7), Interest::READABLE).unwrap();
        drop(stream);
        drop(peer);
        assert!(told(&mut poll).is_empty());
    });
}

#[test]
fn the_next_socket_with_the_number_is_registered_beside_the_zombie() {
    alone("the_next_socket_with_the_number_is_registered_beside_the_zombie", || {
        let mut poll = Poll::new().unwrap();
        let (number, _duplicate, mut peer) = zombie(&poll);
        let (newcomer, mut its_peer) = net::UnixStream::pair().unwrap();
        assert_eq!(newcomer.as_raw_fd(), number, "the lowest number that is free");
        register(&poll, number, 8);

        its_peer.write_all(b"hello").unwrap();
        peer.write_all(b"hello").unwrap();
        assert_eq!(told(&mut poll), [7, 8]);

        assert_eq!(delete(&poll, number), Ok(()));
        its_peer.write_all(b"hello").unwrap();
        peer.write_all(b"hello").unwrap();
        assert_eq!(told(&mut poll), [7], "the number means the newcomer");
    });
}

#[test]
fn a_zombie_is_removed_when_its_number_is_brought_back() {
    alone("a_zombie_is_removed_when_its_number_is_brought_back", || {
        let mut poll = Poll::new().unwrap();
        let (number, duplicate, mut peer) = zombie(&poll);

        // SAFETY: dup2 touches no memory, and nobody in this process owns `number`.
        let back = unsafe { libc::dup2(duplicate.as_raw_fd(), number) };
        assert_eq!(back, number);
        // SAFETY: dup2 has just made it, and nobody else owns it.
        let _back = unsafe { net::UnixStream::from_raw_fd(back) };

        assert_eq!(delete(&poll, number), Ok(()));
        peer.write_all(b"hello").unwrap();
        assert!(told(&mut poll).is_empty());
    });
}

#[test]
fn a_number_and_its_duplicate_are_two_registrations() {
    let mut poll = Poll::new().unwrap();
    let (stream, mut peer) = net::UnixStream::pair().unwrap();
    let duplicate = stream.try_clone().unwrap();
    register(&poll, stream.as_raw_fd(), 1);
    register(&poll, duplicate.as_raw_fd(), 2);
    peer.write_all(b"hello").unwrap();
    assert_eq!(told(&mut poll), [1, 2]);
}

#[test]
fn a_child_process_that_has_a_duplicate_keeps_the_registration() {
    alone("a_child_process_that_has_a_duplicate_keeps_the_registration", || {
        let mut poll = Poll::new().unwrap();
        let (stream, mut peer) = net::UnixStream::pair().unwrap();
        register(&poll, stream.as_raw_fd(), 7);
        // The command, a temporary value, closes its number when the child has it.
        let stdin = Stdio::from(OwnedFd::from(stream));
        let mut child = Command::new("sleep").arg("600").stdin(stdin).spawn().unwrap();

        peer.write_all(b"hello").unwrap();
        let while_it_lives = told(&mut poll);
        child.kill().unwrap();
        child.wait().unwrap();
        drop(peer);

        assert_eq!(while_it_lives, [7], "the child has it");
        assert!(told(&mut poll).is_empty(), "nobody has it");
    });
}

#[test]
fn all_bits_of_a_token_come_back() {
    let mut poll = Poll::new().unwrap();
    let wide =
        [0, 1, 1 << 31, u32::MAX as usize, 1 << (usize::BITS - 1), usize::MAX - 1, usize::MAX];
    let mut pairs = wide.map(|_| UnixStream::pair().unwrap());
    for ((ours, theirs), token) in pairs.iter_mut().zip(wide) {
        poll.registry().register(theirs, Token(token), Interest::READABLE).unwrap();
        ours.write_all(b"x").unwrap();
    }
    let mut expected = wide.to_vec();
    expected.sort_unstable();
    assert_eq!(told(&mut poll), expected);
}

/// A relay whose two ends have closed, with a newcomer waiting, and the newcomer's peer.
fn closed_at_both_ends(relay: &mut Relay) -> UnixStream {
    let (one, client) = UnixStream::pair().unwrap();
    let (other, server) = UnixStream::pair().unwrap();
    let (newcomer, newcomers_peer) = UnixStream::pair().unwrap();
    relay.join(one, other).unwrap();
    relay.wait_for_room(newcomer);
    drop((client, server));
    newcomers_peer
}

#[test]
fn a_late_event_of_the_same_batch_finds_nobody() {
    alone("a_late_event_of_the_same_batch_finds_nobody", || {
        let mut relay = Relay::new().unwrap();
        let mut events = Events::with_capacity(8);
        let mut newcomers_peer = closed_at_both_ends(&mut relay);

        relay.poll(&mut events).unwrap();
        let handled: Vec<Handled> =
            events.iter().map(|event| relay.handle(event).unwrap()).collect();

        let open = newcomers_peer.read(&mut [0]).is_err_and(|e| e.kind() == ErrorKind::WouldBlock);
        assert!(open, "the newcomer was closed for another's event");
        assert_eq!(handled, [Handled::Closed, Handled::Late]);
    });
}

#[test]
fn an_end_that_is_closed_is_heard_of_no_more_though_a_duplicate_lives() {
    alone("an_end_that_is_closed_is_heard_of_no_more_though_a_duplicate_lives", || {
        let mut relay = Relay::new().unwrap();
        let mut events = Events::with_capacity(8);
        let (one, client) = UnixStream::pair().unwrap();
        let (other, mut server) = net::UnixStream::pair().unwrap();
        let _duplicate = other.try_clone().unwrap();
        relay.join(one, UnixStream::from_std(other)).unwrap();
        drop(client);
        relay.poll(&mut events).unwrap();
        relay.handle(events.iter().next().unwrap()).unwrap();

        server.write_all(b"hello").unwrap();

        relay.poll(&mut events).unwrap();
        assert!(events.is_empty(), "an event for a connection that is gone: {events:?}");
    });
}

/// A regular file in the shape of a stream: epoll refuses it.
fn refused_by_epoll() -> (RawFd, UnixStream) {
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    (file.as_raw_fd(), UnixStream::from(OwnedFd::from(file)))
}

#[test]
fn a_registration_that_is_refused_leaves_no_end_behind() {
    alone("a_registration_that_is_refused_leaves_no_end_behind", || {
        let is_open = |number: RawFd| std::fs::exists(format!("/proc/self/fd/{number}")).unwrap();
        let mut relay = Relay::new().unwrap();
        for refused_first in [true, false] {
            let (number, refused) = refused_by_epoll();
            let (good, mut peer) = UnixStream::pair().unwrap();
            let ends = if refused_first { (refused, good) } else { (good, refused) };
            let error = relay.join(ends.0, ends.1).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EPERM));
            assert!(!is_open(number), "the end that was refused is kept");
            assert_eq!(peer.read(&mut [0]).unwrap(), 0, "half a pair is kept");
        }
    });
}

#[test]
fn a_newcomer_that_is_refused_keeps_no_pair_open() {
    alone("a_newcomer_that_is_refused_keeps_no_pair_open", || {
        let mut relay = Relay::new().unwrap();
        let mut events = Events::with_capacity(8);
        let (one, client) = UnixStream::pair().unwrap();
        let (other, mut server) = UnixStream::pair().unwrap();
        relay.join(one, other).unwrap();
        relay.wait_for_room(refused_by_epoll().1);
        drop(client);
        relay.poll(&mut events).unwrap();
        let handled = relay.handle(events.iter().next().unwrap());
        assert_eq!(handled.unwrap_err().raw_os_error(), Some(libc::EPERM));
        assert_eq!(server.read(&mut [0]).unwrap(), 0, "the other end is still open");
    });
}

#[test]
fn a_place_that_is_used_again_has_another_token() {
    let mut slab = Slab::default();
    let (a, b) = (slab.insert("a"), slab.insert("b"));
    assert_eq!(slab.remove(a), Some("a"));
    let c = slab.insert("c");
    assert!(a != c && b != c);
    assert_eq!(c.0 as u32, a.0 as u32, "the same place");
    assert_eq!(slab.get_mut(a), None);
    assert_eq!(slab.remove(a), None);
    assert_eq!(slab.get_mut(b), Some(&mut "b"));
    assert_eq!(slab.get_mut(c), Some(&mut "c"));
    assert_eq!(slab.get_mut(Token(usize::MAX)), None, "nobody had this one");
}

#[test]
#[cfg(debug_assertions)] // As in mio, a release build leaves it to the kernel.
fn a_source_is_registered_once_and_changed_only_where_it_is_registered() {
    let (here, elsewhere) = (Poll::new().unwrap(), Poll::new().unwrap());
    let (here, elsewhere) = (here.registry(), elsewhere.registry());
    let (mut stream, _peer) = UnixStream::pair().unwrap();
    let (token, interest) = (Token(7), Interest::READABLE);
    let kind = |result: std::io::Result<()>| result.unwrap_err().kind();

    assert_eq!(kind(here.reregister(&mut stream, token, interest)), ErrorKind::NotFound);
    assert_eq!(kind(here.deregister(&mut stream)), ErrorKind::NotFound);
    here.register(&mut stream, token, interest).unwrap();
    assert_eq!(kind(here.register(&mut stream, token, interest)), ErrorKind::AlreadyExists);
    let twice = elsewhere.register(&mut stream, token, interest);
    assert!(twice.is_err(), "registered with two");
    assert_eq!(kind(twice), ErrorKind::AlreadyExists);
    assert_eq!(kind(elsewhere.reregister(&mut stream, token, interest)), ErrorKind::AlreadyExists);
    assert_eq!(kind(elsewhere.deregister(&mut stream)), ErrorKind::NotFound);
    here.deregister(&mut stream).unwrap();
    elsewhere.register(&mut stream, token, interest).unwrap();
}

/// mio remembers a registration before the kernel has agreed to it, and so does not forget what failed:
/// here my-mio differs, and the contract can't ask.
#[test]
fn a_registration_that_failed_has_left_no_trace() {
    let (here, elsewhere) = (Poll::new().unwrap(), Poll::new().unwrap());
    let (here, elsewhere) = (here.registry(), elsewhere.registry());
    let (token, interest) = (Token(7), Interest::READABLE);
    // epoll takes no regular file, whatever it is called.
    let file: OwnedFd = std::fs::File::open(env!("CARGO_MANIFEST_PATH")).unwrap().into();
    let mut file = UnixStream::from(file);
    for _ in 0..2 {
        let error = here.register(&mut file, token, interest).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    }
    let (mut stream, _peer) = UnixStream::pair().unwrap();
    here.register(&mut stream, token, interest).unwrap();
    #[cfg(debug_assertions)] // A release build leaves it to the kernel, which takes the second.
    {
        elsewhere.register(&mut stream, token, interest).unwrap_err();
        elsewhere.deregister(&mut stream).unwrap_err();
    }
    let _ = elsewhere;
    here.reregister(&mut stream, token, interest).unwrap();
    here.deregister(&mut stream).unwrap();
}

#[test]
#[cfg(debug_assertions)] // A release build remembers nothing, and leaves the second list to the caller.
fn a_registration_that_is_refused_is_not_remembered() {
    let (mut here, elsewhere) = (Poll::new().unwrap(), Poll::new().unwrap());
    let (mut stream, mut peer) = UnixStream::pair().unwrap();
    let (token, interest) = (Token(7), Interest::READABLE);
    here.registry().register(&mut stream, token, interest).unwrap();
    for _ in 0..2 {
        let refused = elsewhere.registry().register(&mut stream, token, interest);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::AlreadyExists);
        let refused = elsewhere.registry().deregister(&mut stream);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
    }
    here.registry().reregister(&mut stream, Token(8), interest).unwrap();
    peer.write_all(b"hello").unwrap();
    assert_eq!(told(&mut here), [8], "still on its list");
    here.registry().deregister(&mut stream).unwrap();
    peer.write_all(b"hello").unwrap();
    assert!(told(&mut here).is_empty());

    let (_, mut file) = refused_by_epoll();
    for poll in [&here, &elsewhere] {
        let refused = poll.registry().register(&mut file, token, interest);
        assert_eq!(refused.unwrap_err().raw_os_error(), Some(libc::EPERM), "as the first time");
    }
}

#[test]
fn the_kernel_itself_lets_two_instances_have_one_descriptor() {
    let (mut one, mut other) = (Poll::new().unwrap(), Poll::new().unwrap());
    let (stream, mut peer) = net::UnixStream::pair().unwrap();
    register(&one, stream.as_raw_fd(), 1);
    register(&other, stream.as_raw_fd(), 2);
    peer.write_all(b"hello").unwrap();
    assert_eq!((told(&mut one), told(&mut other)), (vec![1], vec![2]));
}

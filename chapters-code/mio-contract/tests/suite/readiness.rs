//! When there is an event: once for each change, and at once for what is the case already.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::thread;

use mio::net::{UdpSocket, UnixDatagram, UnixStream};
use mio::unix::SourceFd;
use mio_contract::kernel;

use super::*;

/// A registered end and the other one.
fn pair(watch: &Watch, interest: Interest) -> (UnixStream, UnixStream) {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    watch.register(&mut theirs, 1, interest);
    (ours, theirs)
}

/// Writes until there is no room, and says how much that was.
fn fill(mut to: &UnixStream) -> usize {
    let (mut written, chunk) = (0, [7; 4096]);
    loop {
        match to.write(&chunk) {
            Ok(n) => written += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return written,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Reads until nothing is left, and says how much that was.
fn drain(mut from: &UnixStream) -> usize {
    let (mut read, mut chunk) = (0, [0; 4096]);
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return read,
            Ok(n) => read += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return read,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn bytes_make_it_readable_once() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, _theirs) = pair(&watch, READABLE);
        watch.nothing();
        ours.write_all(b"hello").unwrap();
        assert!(watch.one().is_readable());
        watch.nothing();
    });
}

#[test]
fn bytes_that_are_left_are_not_reported_again() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = pair(&watch, READABLE);
        ours.write_all(b"hello").unwrap();
        watch.one();
        assert_eq!(theirs.read(&mut [0; 2]).unwrap(), 2);
        watch.nothing();
        assert_eq!(theirs.read(&mut [0; 8]).unwrap(), 3);
        watch.nothing();
    });
}

#[test]
fn new_bytes_are_reported_each_time() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, _theirs) = pair(&watch, READABLE);
        for _ in 0..5 {
            ours.write_all(b"x").unwrap();
            assert!(watch.one().is_readable());
            watch.nothing();
        }
    });
}

#[test]
fn new_bytes_after_a_drain_are_reported() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, theirs) = pair(&watch, READABLE);
        for _ in 0..3 {
            ours.write_all(b"hello").unwrap();
            assert!(watch.one().is_readable());
            assert_eq!(drain(&theirs), 5);
            watch.nothing();
        }
    });
}

#[test]
fn many_changes_before_a_poll_are_one_event() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, _theirs) = pair(&watch, READABLE);
        for _ in 0..5 {
            ours.write_all(b"x").unwrap();
        }
        watch.one();
        watch.nothing();
    });
}

#[test]
fn registering_reports_what_is_there_already() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        ours.write_all(b"x").unwrap();
        watch.register(&mut theirs, 1, READABLE);
        assert!(watch.one().is_readable());
    });
}

#[test]
fn reregistering_reports_what_is_there_already_again() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = pair(&watch, READABLE);
        ours.write_all(b"x").unwrap();
        watch.one();
        for _ in 0..3 {
            watch.nothing();
            watch.reregister(&mut theirs, 1, READABLE);
            assert!(watch.one().is_readable());
        }
    });
}

#[test]
fn registering_anew_reports_what_is_there_already_again() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = pair(&watch, READABLE);
        ours.write_all(b"x").unwrap();
        watch.one();
        watch.deregister(&mut theirs);
        watch.nothing();
        watch.register(&mut theirs, 2, READABLE);
        assert_eq!(watch.one().token(), Token(2));
    });
}

#[test]
fn what_is_no_longer_the_case_is_not_reported() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, theirs) = pair(&watch, READABLE);
        ours.write_all(b"x").unwrap();
        assert_eq!(drain(&theirs), 1);
        watch.nothing();
    });
}

#[test]
fn a_socket_with_room_is_writable_once() {
    alone(|| {
        let mut watch = Watch::new();
        let (ours, mut theirs) = pair(&watch, WRITABLE);
        assert!(watch.one().is_writable());
        watch.nothing();
        theirs.write_all(b"x").unwrap();
        watch.nothing();
        drop(ours);
    });
}

#[test]
fn a_full_socket_is_writable_again_when_the_other_side_has_read() {
    alone(|| {
        let mut watch = Watch::new();
        let (ours, mut theirs) = pair(&watch, WRITABLE);
        watch.one();
        for _ in 0..3 {
            let written = fill(&theirs);
            would_block(theirs.write(b"x"));
            watch.nothing();
            assert_eq!(drain(&ours), written);
            assert!(watch.until("writable", Event::is_writable).token() == Token(1));
        }
    });
}

#[test]
fn a_full_socket_is_not_writable() {
    alone(|| {
        let mut watch = Watch::new();
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        fill(&theirs);
        watch.register(&mut theirs, 1, WRITABLE);
        watch.nothing();
        drain(&ours);
        assert!(watch.one().is_writable());
    });
}

#[test]
fn interest_in_reading_reports_no_room_to_write() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, _theirs) = pair(&watch, READABLE);
        watch.nothing();
        ours.write_all(b"x").unwrap();
        let event = watch.one();
        assert!(event.is_readable() && !event.is_writable(), "{event:?}");
    });
}

#[test]
fn interest_in_writing_reports_no_bytes() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        ours.write_all(b"x").unwrap();
        watch.register(&mut theirs, 1, WRITABLE);
        let event = watch.one();
        assert!(event.is_writable() && !event.is_readable(), "{event:?}");
        watch.nothing();
    });
}

#[test]
fn both_at_once_are_one_event() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        ours.write_all(b"x").unwrap();
        watch.register(&mut theirs, 1, BOTH);
        let event = watch.one();
        assert!(event.is_readable() && event.is_writable(), "{event:?}");
        watch.nothing();
    });
}

#[test]
fn with_interest_in_both_each_comes_by_itself() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = pair(&watch, BOTH);
        let event = watch.one();
        assert!(event.is_writable() && !event.is_readable(), "{event:?}");
        ours.write_all(b"x").unwrap();
        assert!(watch.one().is_readable());
        assert_eq!(theirs.read(&mut [0; 8]).unwrap(), 1);
        fill(&theirs);
        watch.poll(Duration::ZERO);
        ours.write_all(b"y").unwrap();
        let event = watch.one();
        assert!(event.is_readable() && !event.is_writable(), "{event:?}");
    });
}

#[test]
fn reregistering_replaces_the_interest() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = pair(&watch, READABLE);
        watch.nothing();
        watch.reregister(&mut theirs, 1, WRITABLE);
        assert!(watch.one().is_writable());
        // Bytes are of no interest now, and the room is where it was.
        ours.write_all(b"x").unwrap();
        watch.nothing();
        watch.reregister(&mut theirs, 1, READABLE);
        let event = watch.one();
        assert!(event.is_readable() && !event.is_writable(), "{event:?}");
    });
}

#[test]
fn reregistering_replaces_the_token() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = pair(&watch, READABLE);
        watch.reregister(&mut theirs, 2, READABLE);
        ours.write_all(b"x").unwrap();
        assert_eq!(tokens(&watch.next()), [2]);
        watch.nothing();
    });
}

#[test]
fn an_event_that_waits_takes_the_new_token() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = pair(&watch, READABLE);
        ours.write_all(b"x").unwrap();
        watch.reregister(&mut theirs, 2, READABLE);
        assert_eq!(tokens(&watch.next()), [2]);
        watch.nothing();
    });
}

#[test]
fn after_deregistering_nothing_is_reported() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = pair(&watch, READABLE);
        ours.write_all(b"x").unwrap();
        watch.deregister(&mut theirs);
        watch.nothing();
        ours.write_all(b"y").unwrap();
        watch.nothing();
        drop(ours);
        watch.nothing();
    });
}

#[test]
fn each_source_has_its_own_events() {
    alone(|| {
        let mut watch = Watch::new();
        let mut pairs: Vec<_> = (0..8).map(|_| UnixStream::pair().unwrap()).collect();
        for (token, (_, theirs)) in pairs.iter_mut().enumerate() {
            watch.register(theirs, token, READABLE);
        }
        for token in [3, 0, 7] {
            pairs[token].0.write_all(b"x").unwrap();
            assert_eq!(tokens(&watch.next()), [token]);
        }
        for token in [6, 1, 2] {
            pairs[token].0.write_all(b"x").unwrap();
        }
        assert_eq!(tokens(&watch.next()), [1, 2, 6]);
    });
}

#[test]
fn both_ends_in_one_poll_are_told_apart() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut a, mut b) = UnixStream::pair().unwrap();
        watch.register(&mut a, 10, READABLE);
        watch.register(&mut b, 20, READABLE);
        a.write_all(b"x").unwrap();
        assert_eq!(tokens(&watch.next()), [20]);
        b.write_all(b"x").unwrap();
        assert_eq!(tokens(&watch.next()), [10]);
    });
}

#[test]
fn a_poll_that_waits_sees_what_comes_then() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, _theirs) = pair(&watch, READABLE);
        let writer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            ours.write_all(b"x").unwrap();
            ours
        });
        assert!(watch.one().is_readable());
        writer.join().unwrap();
    });
}

#[test]
fn a_poll_that_waits_sees_what_is_registered_then() {
    alone(|| {
        let mut watch = Watch::new();
        let registry = watch.poll.registry().try_clone().unwrap();
        let registrar = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            let (mut ours, mut theirs) = UnixStream::pair().unwrap();
            ours.write_all(b"x").unwrap();
            registry.register(&mut theirs, Token(3), READABLE).unwrap();
            (ours, theirs)
        });
        assert_eq!(watch.one().token(), Token(3));
        registrar.join().unwrap();
    });
}

#[test]
fn every_kind_of_datagram_socket_is_reported() {
    alone(|| {
        let mut watch = Watch::new();
        let (ours, mut theirs) = UnixDatagram::pair().unwrap();
        watch.register(&mut theirs, 1, BOTH);
        assert!(watch.one().is_writable());
        ours.send(b"x").unwrap();
        assert!(watch.one().is_readable());
        watch.deregister(&mut theirs);

        let mut udp = UdpSocket::bind(any_v4()).unwrap();
        watch.register(&mut udp, 2, BOTH);
        assert!(watch.one().is_writable());
        udp.send_to(b"x", udp.local_addr().unwrap()).unwrap();
        let event = watch.until("readable", Event::is_readable);
        assert_eq!(event.token(), Token(2));
    });
}

#[test]
fn an_end_is_none_to_who_asks_for_urgent_data() {
    alone(|| {
        let (_listener, mut client, server) = connection(any_v4());
        let mut watch = Watch::new();
        watch.register(&mut client, 1, Interest::PRIORITY);
        server.shutdown(Shutdown::Write).unwrap();
        eventually(|| client.peek(&mut [0; 1]));
        watch.nothing();
    });
}

#[test]
fn urgent_data_is_reported_once() {
    alone(|| {
        let (_listener, mut client, server) = connection(any_v4());
        let mut watch = Watch::new();
        watch.register(&mut client, 1, Interest::PRIORITY);
        kernel::send_urgent(&server, b'!');
        watch.until("priority", Event::is_priority);
        watch.nothing();
    });
}

#[test]
fn an_end_is_none_to_who_asks_for_room() {
    alone(|| {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        while ours.write(&[7; 4096]).is_ok() {}
        let mut watch = Watch::new();
        watch.register(&mut ours, 1, WRITABLE);
        watch.nothing();
        theirs.shutdown(Shutdown::Write).unwrap();
        watch.nothing();
    });
}

#[test]
fn reregistering_ends_the_interest_in_urgent_data() {
    alone(|| {
        let (_listener, mut client, server) = connection(any_v4());
        let mut watch = Watch::new();
        watch.register(&mut client, 1, Interest::PRIORITY);
        watch.reregister(&mut client, 1, WRITABLE);
        assert!(watch.one().is_writable());
        let mut second = Watch::new();
        second.register(&mut SourceFd(&client.as_raw_fd()), 2, Interest::PRIORITY);
        kernel::send_urgent(&server, b'!');
        second.until("priority", Event::is_priority);
        assert!(watch.poll(Duration::ZERO).iter().all(|event| !event.is_priority()));
    });
}

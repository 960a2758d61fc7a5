//! What an event says, for each state that a socket or pipe can be in.

use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;

use mio::net::{UdpSocket, UnixStream};
use mio::unix::pipe;
use mio_contract::kernel;

use super::*;

/// The names of all that is true of an event.
fn said(event: &Event) -> Vec<&'static str> {
    let all = [
        (event.is_readable(), "readable"),
        (event.is_writable(), "writable"),
        (event.is_error(), "error"),
        (event.is_read_closed(), "read closed"),
        (event.is_write_closed(), "write closed"),
        (event.is_priority(), "priority"),
        (event.is_aio(), "aio"),
        (event.is_lio(), "lio"),
    ];
    all.into_iter().filter_map(|(is, name)| is.then_some(name)).collect()
}

/// What is said of a source that is as it will stay.
#[track_caller]
fn state(source: &mut (impl Source + ?Sized), interest: Interest) -> Vec<&'static str> {
    let mut watch = Watch::new();
    watch.register(source, 1, interest);
    let said = said(&watch.one());
    watch.deregister(source);
    said
}

#[test]
fn an_idle_socket_is_writable() {
    alone(|| {
        let (mut ours, _theirs) = UnixStream::pair().unwrap();
        assert_eq!(state(&mut ours, BOTH), ["writable"]);
    });
}

#[test]
fn bytes_are_readable() {
    alone(|| {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"x").unwrap();
        assert_eq!(state(&mut ours, READABLE), ["readable"]);
        assert_eq!(state(&mut ours, WRITABLE), ["writable"]);
        assert_eq!(state(&mut ours, BOTH), ["readable", "writable"]);
    });
}

#[test]
fn a_half_that_the_peer_has_closed_is_read_closed() {
    alone(|| {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        theirs.shutdown(Shutdown::Write).unwrap();
        assert_eq!(state(&mut ours, READABLE), ["readable", "read closed"]);
        assert_eq!(state(&mut ours, WRITABLE), ["writable"]);
        assert_eq!(state(&mut ours, BOTH), ["readable", "writable", "read closed"]);
    });
}

#[test]
fn a_half_that_is_closed_here_is_read_closed() {
    alone(|| {
        let (mut ours, _theirs) = UnixStream::pair().unwrap();
        ours.shutdown(Shutdown::Read).unwrap();
        assert_eq!(state(&mut ours, READABLE), ["readable", "read closed"]);
    });
}

#[test]
fn the_close_is_seen_behind_bytes() {
    alone(|| {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"x").unwrap();
        theirs.shutdown(Shutdown::Write).unwrap();
        assert_eq!(state(&mut ours, READABLE), ["readable", "read closed"]);
    });
}

#[test]
fn bytes_and_close_in_one_edge_are_one_event() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        watch.register(&mut ours, 1, READABLE);
        theirs.write_all(b"x").unwrap();
        drop(theirs);
        let event = watch.one();
        assert!(event.is_readable() && event.is_read_closed(), "{event:?}");
        watch.nothing();
        assert_eq!(ours.read(&mut [0; 8]).unwrap(), 1);
        assert_eq!(ours.read(&mut [0; 8]).unwrap(), 0);
        watch.nothing();
    });
}

#[test]
fn a_close_after_the_bytes_is_an_event_of_its_own() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        watch.register(&mut ours, 1, READABLE);
        theirs.write_all(b"x").unwrap();
        assert!(!watch.one().is_read_closed());
        theirs.shutdown(Shutdown::Write).unwrap();
        let event = watch.one();
        assert!(event.is_read_closed() && !event.is_write_closed(), "{event:?}");
        drop(theirs);
        assert!(watch.one().is_write_closed());
    });
}

#[test]
fn a_socket_without_its_peer_is_closed_in_both_directions() {
    alone(|| {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        assert_eq!(state(&mut ours, READABLE), ["readable", "read closed", "write closed"]);
        let all = ["readable", "writable", "read closed", "write closed"];
        assert_eq!(state(&mut ours, BOTH), all);
        // A hang-up is reported whatever one asks for.
        let said = state(&mut ours, WRITABLE);
        assert_eq!(said, ["writable", "read closed", "write closed"]);
    });
}

#[test]
fn a_connection_that_is_finished_by_the_peer_is_read_closed() {
    alone(|| {
        for address in any_addresses() {
            let (_listener, mut client, server) = connection(address);
            server.shutdown(Shutdown::Write).unwrap();
            let mut watch = Watch::new();
            watch.register(&mut client, 1, BOTH);
            let event = watch.until("read closed", Event::is_read_closed);
            assert_eq!(said(&event), ["readable", "writable", "read closed"]);
        }
    });
}

#[test]
fn a_connection_that_is_finished_by_both_is_closed_in_both_directions() {
    alone(|| {
        let (_listener, mut client, server) = connection(any_v4());
        server.shutdown(Shutdown::Write).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut watch = Watch::new();
        watch.register(&mut client, 1, BOTH);
        let event = watch.until("write closed", Event::is_write_closed);
        assert_eq!(said(&event), ["readable", "writable", "read closed", "write closed"]);
    });
}

#[test]
fn closing_the_own_sending_half_closes_no_reading() {
    alone(|| {
        let (_listener, mut client, _server) = connection(any_v4());
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(state(&mut client, BOTH), ["writable"]);
    });
}

#[test]
fn a_reset_is_an_error_and_closes_both_directions() {
    alone(|| {
        for interest in [READABLE, BOTH] {
            let (_listener, mut client, server) = connection(any_v4());
            let mut watch = Watch::new();
            watch.register(&mut client, 1, interest);
            kernel::reset_on_close(&server);
            drop(server);
            let event = watch.until("an error", Event::is_error);
            assert!(event.is_read_closed() && event.is_write_closed(), "{event:?}");
            assert!(event.is_readable() && event.is_writable() == interest.is_writable());
            fails(ErrorKind::ConnectionReset, client.read(&mut [0; 8]));
        }
    });
}

#[test]
fn a_reset_is_reported_to_a_writer_too() {
    alone(|| {
        let (_listener, mut client, server) = connection(any_v4());
        let mut watch = Watch::new();
        watch.register(&mut client, 1, WRITABLE);
        watch.one();
        kernel::reset_on_close(&server);
        drop(server);
        let event = watch.until("an error", Event::is_error);
        assert_eq!(said(&event), ["writable", "error", "read closed", "write closed"]);
        let error = client.take_error().unwrap().expect("the reset");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert!(client.take_error().unwrap().is_none());
    });
}

#[test]
fn a_socket_that_was_never_connected_is_closed_in_both_directions() {
    alone(|| {
        let mut socket: TcpStream = kernel::socket(libc::AF_INET, libc::SOCK_STREAM).into();
        assert_eq!(state(&mut socket, BOTH), ["writable", "read closed", "write closed"]);
    });
}

#[test]
fn a_pipe_without_sender_is_read_closed_when_it_is_empty() {
    alone(|| {
        let (sender, mut receiver) = pipe::new().unwrap();
        drop(sender);
        assert_eq!(state(&mut receiver, READABLE), ["read closed", "write closed"]);
    });
}

#[test]
fn a_pipe_without_sender_is_readable_while_it_has_bytes() {
    alone(|| {
        let (mut sender, mut receiver) = pipe::new().unwrap();
        sender.write_all(b"x").unwrap();
        assert_eq!(state(&mut receiver, READABLE), ["readable"]);
        drop(sender);
        let said = state(&mut receiver, READABLE);
        assert_eq!(said, ["readable", "read closed", "write closed"]);
    });
}

#[test]
fn a_pipe_without_receiver_is_write_closed() {
    alone(|| {
        let (mut sender, receiver) = pipe::new().unwrap();
        assert_eq!(state(&mut sender, WRITABLE), ["writable"]);
        drop(receiver);
        assert_eq!(state(&mut sender, WRITABLE), ["writable", "error", "write closed"]);
        // All that the kernel says is that there is an error.
        assert_eq!(state(&mut sender, READABLE), ["error", "write closed"]);
    });
}

/// A socket that has an error to report: nobody listens where it has sent something.
fn unheard() -> (UdpSocket, UdpSocket) {
    let (socket, peer) = (UdpSocket::bind(any_v4()).unwrap(), UdpSocket::bind(any_v4()).unwrap());
    socket.connect(peer.local_addr().unwrap()).unwrap();
    peer.connect(socket.local_addr().unwrap()).unwrap();
    (socket, peer)
}

#[test]
fn an_error_alone_is_reported_to_readers_and_writers() {
    alone(|| {
        for (interest, expected) in [
            (READABLE, &["error", "write closed"][..]),
            (WRITABLE, &["writable", "error", "write closed"]),
            (Interest::PRIORITY, &["error", "write closed"]),
        ] {
            let (mut socket, peer) = unheard();
            drop(peer);
            socket.send(b"x").unwrap();
            let mut watch = Watch::new();
            watch.register(&mut socket, 1, interest);
            let event = watch.until("an error", Event::is_error);
            assert_eq!(said(&event), expected);
            let error = socket.take_error().unwrap().expect("nobody listens");
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
            assert!(socket.take_error().unwrap().is_none());
        }
    });
}

#[test]
fn an_error_and_bytes_do_not_close_the_writing() {
    alone(|| {
        let (mut socket, peer) = unheard();
        peer.send(b"before").unwrap();
        eventually(|| socket.peek(&mut [0; 8]));
        drop(peer);
        socket.send(b"x").unwrap();
        let mut watch = Watch::new();
        watch.register(&mut socket, 1, READABLE);
        let event = watch.until("an error", Event::is_error);
        assert_eq!(said(&event), ["readable", "error"]);
    });
}

#[test]
fn urgent_data_is_priority_and_readable() {
    alone(|| {
        let (_listener, mut client, server) = connection(any_v4());
        let mut watch = Watch::new();
        watch.register(&mut client, 1, Interest::PRIORITY);
        watch.nothing();
        kernel::send_urgent(&server, b'!');
        let event = watch.until("priority", Event::is_priority);
        assert_eq!(said(&event), ["readable", "priority"]);
    });
}

#[test]
fn urgent_data_is_none_to_who_asks_for_bytes() {
    alone(|| {
        let (_listener, mut client, mut server) = connection(any_v4());
        kernel::send_urgent(&server, b'!');
        server.write_all(b"x").unwrap();
        let mut watch = Watch::new();
        watch.register(&mut client, 1, READABLE);
        assert_eq!(said(&watch.until("readable", Event::is_readable)), ["readable"]);
        watch.reregister(&mut client, 1, BOTH | Interest::PRIORITY);
        let event = watch.until("priority", Event::is_priority);
        assert_eq!(said(&event), ["readable", "writable", "priority"]);
    });
}

#[test]
fn bytes_are_none_to_who_asks_for_urgent_data() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"x").unwrap();
        watch.register(&mut ours, 1, Interest::PRIORITY);
        watch.nothing();
    });
}

#[test]
fn a_connection_to_accept_is_readable() {
    alone(|| {
        let mut listener = TcpListener::bind(any_v4()).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut watch = Watch::new();
        watch.register(&mut listener, 1, READABLE);
        assert_eq!(said(&watch.until("readable", Event::is_readable)), ["readable"]);
    });
}

#[test]
fn events_print_all_that_they_say() {
    alone(|| {
        let mut watch = Watch::new();
        assert_eq!(format!("{:?}", watch.events), "[]");
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        theirs.shutdown(Shutdown::Write).unwrap();
        watch.register(&mut ours, 7, READABLE);
        let event = watch.one();
        let printed = "Event { token: Token(7), readable: true, writable: false, error: false, \
                       read_closed: true, write_closed: false, priority: false, aio: false, \
                       lio: false }";
        assert_eq!(format!("{event:?}"), printed);
        assert_eq!(format!("{:?}", watch.events), format!("[{printed}]"));
        let in_full = format!("{event:#?}");
        assert!(in_full.contains("read_closed: true") && in_full.contains("details: "));

        let (mut sender, receiver) = pipe::new().unwrap();
        drop(receiver);
        watch.register(&mut sender, 8, WRITABLE);
        let printed = "Event { token: Token(8), readable: false, writable: true, error: true, \
                       read_closed: false, write_closed: true, priority: false, aio: false, \
                       lio: false }";
        assert_eq!(format!("{:?}", watch.one()), printed);
    });
}

#[test]
fn a_file_has_no_events() {
    alone(|| {
        let file: OwnedFd = fs::File::open("/proc/self/exe").unwrap().into();
        let mut file = pipe::Receiver::from(file);
        let poll = Poll::new().unwrap();
        let result = poll.registry().register(&mut file, Token(1), READABLE);
        fails(ErrorKind::PermissionDenied, result);
    });
}

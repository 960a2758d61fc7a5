//! TCP: connecting, accepting, and what a connection can do.

use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::thread;

use mio::net::{UnixListener, UnixStream};
use mio_contract::kernel;

use super::pipe::tries;
use super::*;

/// A port on which nobody listens. It belongs to a client as long as that lives.
fn refusing(address: SocketAddr) -> (SocketAddr, [TcpStream; 2]) {
    let (_listener, client, server) = connection(address);
    (client.local_addr().unwrap(), [client, server])
}

#[test]
fn accepted_and_connected_know_each_other() {
    alone(|| {
        for address in any_addresses() {
            let listener = TcpListener::bind(address).unwrap();
            let bound = listener.local_addr().unwrap();
            assert!(bound.ip() == address.ip() && bound.port() != 0);
            let client = TcpStream::connect(bound).unwrap();
            let (server, peer) = eventually(|| listener.accept());
            eventually_connected(&client);
            assert_eq!(client.peer_addr().unwrap(), bound);
            assert_eq!(server.local_addr().unwrap(), bound);
            assert_eq!(server.peer_addr().unwrap(), client.local_addr().unwrap());
            assert_eq!(peer, client.local_addr().unwrap());
        }
    });
}

#[test]
fn many_clients_are_accepted_each_under_its_own_address() {
    alone(|| {
        let listener = TcpListener::bind(any_v4()).unwrap();
        let address = listener.local_addr().unwrap();
        let connect = |_| TcpStream::connect(address).unwrap();
        let clients: Vec<TcpStream> = (0..10).map(connect).collect();
        let mut accepted: Vec<SocketAddr> =
            clients.iter().map(|_| eventually(|| listener.accept()).1).collect();
        let local = |client: &TcpStream| client.local_addr().unwrap();
        let mut expected: Vec<SocketAddr> = clients.iter().map(local).collect();
        accepted.sort();
        expected.sort();
        assert_eq!(accepted, expected);
        would_block(listener.accept());
    });
}

#[test]
fn a_listener_with_nobody_to_accept_does_not_wait() {
    alone(|| {
        let listener = TcpListener::bind(any_v4()).unwrap();
        would_block(listener.accept());
        assert!(listener.take_error().unwrap().is_none());
    });
}

#[test]
fn a_listener_is_readable_for_each_new_connection() {
    alone(|| {
        let mut watch = Watch::new();
        let mut listener = TcpListener::bind(any_v4()).unwrap();
        watch.register(&mut listener, 1, READABLE);
        watch.nothing();
        for _ in 0..3 {
            let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            assert!(watch.one().is_readable());
            listener.accept().unwrap();
            would_block(listener.accept());
            watch.nothing();
        }
    });
}

#[test]
fn many_connections_wait_to_be_accepted() {
    alone(|| {
        let mut watch = Watch::new();
        let listener = TcpListener::bind(any_v4()).unwrap();
        let address = listener.local_addr().unwrap();
        let connect = |token| {
            let mut client = TcpStream::connect(address).unwrap();
            watch.register(&mut client, token, WRITABLE);
            client
        };
        let clients: Vec<TcpStream> = (0..100).map(connect).collect();
        for client in &clients {
            eventually_connected(client);
        }
        watch.next();
        for _ in &clients {
            eventually(|| listener.accept());
        }
    });
}

#[test]
fn a_listener_takes_a_port_that_was_in_use_a_moment_ago() {
    alone(|| {
        let (listener, client, server) = connection(any_v4());
        let option = kernel::option(&listener, libc::SOL_SOCKET, libc::SO_REUSEADDR);
        assert_eq!(option, 1);
        let address = listener.local_addr().unwrap();
        // The server closes first, and keeps the port for a minute: TIME-WAIT.
        drop(server);
        assert_eq!(eventually(|| (&client).read(&mut [0; 8])), 0);
        drop(client);
        drop(listener);
        TcpListener::bind(address).unwrap();
    });
}

#[test]
fn a_port_has_one_listener() {
    alone(|| {
        let listener = TcpListener::bind(any_v4()).unwrap();
        let address = listener.local_addr().unwrap();
        fails(ErrorKind::AddrInUse, TcpListener::bind(address));
        // Of another machine.
        let address = "192.0.2.77:0".parse().unwrap();
        fails(ErrorKind::AddrNotAvailable, TcpListener::bind(address));
    });
}

#[test]
fn connecting_ends_with_an_event() {
    alone(|| {
        for address in any_addresses() {
            let mut watch = Watch::new();
            let listener = TcpListener::bind(address).unwrap();
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            watch.register(&mut client, 1, BOTH);
            let event =
                watch.until("writable", |event| event.is_writable() && !event.is_write_closed());
            assert!(!event.is_error() && !event.is_readable(), "{event:?}");
            assert!(client.take_error().unwrap().is_none());
            assert_eq!(client.peer_addr().unwrap(), listener.local_addr().unwrap());
        }
    });
}

#[test]
fn connecting_to_nobody_is_refused() {
    alone(|| {
        for address in any_addresses() {
            let (nobody, _owner) = refusing(address);
            let mut client = match TcpStream::connect(nobody) {
                Ok(client) => client,
                // The answer may come at once.
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
                    continue;
                }
            };
            let mut watch = Watch::new();
            watch.register(&mut client, 1, WRITABLE);
            let event = watch.until("an error", Event::is_error);
            assert!(event.is_writable() && event.is_write_closed() && event.is_read_closed());
            let error = client.take_error().unwrap().expect("nobody listens");
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
            assert!(client.take_error().unwrap().is_none(), "it is told once");
            fails(ErrorKind::NotConnected, client.peer_addr());
        }
    });
}

/// A listener whose queue is full: the kernel drops who wants to connect, and that one tries again.
fn overrun() -> (TcpListener, Vec<std::net::TcpStream>) {
    let listener = TcpListener::bind(any_v4()).unwrap();
    kernel::listen(&listener, 0);
    let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener, vec![client])
}

#[test]
fn connecting_does_not_wait_for_an_answer() {
    alone(|| {
        let mut watch = Watch::new();
        let (listener, _clients) = overrun();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        watch.register(&mut client, 1, BOTH);
        watch.nothing();
        fails(ErrorKind::NotConnected, client.peer_addr());
        assert!(client.take_error().unwrap().is_none());
        would_block(client.write(b"x"));
        would_block(client.read(&mut [0; 8]));
        watch.nothing();
    });
}

#[test]
fn connecting_goes_on_when_the_listener_has_room_again() {
    alone(|| {
        let mut watch = Watch::new();
        let (listener, _clients) = overrun();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        watch.register(&mut client, 1, WRITABLE);
        watch.nothing();
        let (_first, _) = eventually(|| listener.accept());
        // It tries again after a second.
        let event = watch.until("writable", Event::is_writable);
        assert!(!event.is_error(), "{event:?}");
        assert_eq!(client.peer_addr().unwrap(), listener.local_addr().unwrap());
        let (_second, peer) = eventually(|| listener.accept());
        assert_eq!(peer, client.local_addr().unwrap());
    });
}

#[test]
fn what_cannot_be_connected_to_is_an_error_at_once() {
    alone(|| {
        assert!(TcpStream::connect(([255, 255, 255, 255], 9).into()).is_err());
        assert!(TcpStream::connect(([224, 0, 0, 1], 9).into()).is_err());
    });
}

#[test]
fn bytes_go_both_ways() {
    alone(|| {
        for address in any_addresses() {
            let (_listener, mut client, mut server) = connection(address);
            let mut bytes = [0; 16];
            would_block(client.read(&mut bytes));
            would_block(server.read(&mut bytes));
            assert_eq!(client.write(b"question").unwrap(), 8);
            client.flush().unwrap();
            assert_eq!(eventually(|| server.read(&mut bytes)), 8);
            assert_eq!(&bytes[..8], b"question");
            assert_eq!((&server).write(b"answer").unwrap(), 6);
            (&server).flush().unwrap();
            assert_eq!(eventually(|| (&client).read(&mut bytes)), 6);
            assert_eq!(&bytes[..6], b"answer");
            would_block(client.read(&mut bytes));
        }
    });
}

#[test]
fn vectors_are_written_and_read_in_one_call() {
    alone(|| {
        let (_listener, mut client, mut server) = connection(any_v4());
        let parts = [IoSlice::new(b"one"), IoSlice::new(b""), IoSlice::new(b"two")];
        assert_eq!(client.write_vectored(&parts).unwrap(), 6);
        assert_eq!((&client).write_vectored(&parts).unwrap(), 6);
        while eventually(|| server.peek(&mut [0; 16])) < 12 {
            thread::yield_now();
        }
        let (mut a, mut b) = ([0; 2], [0; 4]);
        let mut both = [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)];
        assert_eq!(server.read_vectored(&mut both).unwrap(), 6);
        assert_eq!((&a, &b), (b"on", b"etwo"));
        let mut both = [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)];
        assert_eq!((&server).read_vectored(&mut both).unwrap(), 6);
        assert_eq!((&a, &b), (b"on", b"etwo"));
    });
}

#[test]
fn a_connection_that_is_full_is_writable_again_when_the_peer_has_read() {
    alone(|| {
        let mut watch = Watch::new();
        let (_listener, mut client, mut server) = connection(any_v4());
        watch.register(&mut client, 1, WRITABLE);
        watch.one();
        let chunk = vec![7; 1 << 16];
        let mut written = 0;
        let full = loop {
            match client.write(&chunk) {
                Ok(n) => written += n,
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
        let reader = thread::spawn(move || {
            let (mut read, mut chunk) = (0, vec![0; 1 << 16]);
            loop {
                match eventually(|| server.read(&mut chunk)) {
                    0 => return read,
                    n => read += n,
                }
            }
        });
        watch.until("writable", Event::is_writable);
        written += eventually(|| client.write(b"more"));
        drop(client);
        assert_eq!(reader.join().unwrap(), written);
    });
}

#[test]
fn peeking_leaves_the_bytes() {
    alone(|| {
        let (_listener, client, mut server) = connection(any_v4());
        let mut bytes = [0; 8];
        would_block(server.peek(&mut bytes));
        (&client).write_all(b"hello").unwrap();
        for _ in 0..2 {
            assert_eq!(eventually(|| server.peek(&mut bytes)), 5);
            assert_eq!(&bytes[..5], b"hello");
        }
        assert_eq!(server.read(&mut bytes).unwrap(), 5);
        would_block(server.peek(&mut bytes));
    });
}

#[test]
fn a_closed_sending_half_is_the_peers_end_of_bytes() {
    alone(|| {
        let (_listener, mut client, mut server) = connection(any_v4());
        let mut bytes = [0; 8];
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(eventually(|| server.read(&mut bytes)), 0);
        fails(ErrorKind::BrokenPipe, client.write(b"x"));
        // The other direction is open.
        server.write_all(b"still").unwrap();
        assert_eq!(eventually(|| client.read(&mut bytes)), 5);
    });
}

#[test]
fn a_closed_receiving_half_reads_nothing_and_still_writes() {
    alone(|| {
        let (_listener, mut client, mut server) = connection(any_v4());
        let mut bytes = [0; 8];
        client.shutdown(Shutdown::Read).unwrap();
        assert_eq!(client.read(&mut bytes).unwrap(), 0);
        client.write_all(b"still").unwrap();
        assert_eq!(eventually(|| server.read(&mut bytes)), 5);
    });
}

#[test]
fn both_halves_can_be_closed_at_once() {
    alone(|| {
        let (_listener, mut client, mut server) = connection(any_v4());
        client.shutdown(Shutdown::Both).unwrap();
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        fails(ErrorKind::BrokenPipe, client.write(b"x"));
        assert_eq!(eventually(|| server.read(&mut [0; 8])), 0);
    });
}

#[test]
fn a_dropped_stream_is_the_peers_end_of_bytes() {
    alone(|| {
        let (_listener, client, mut server) = connection(any_v4());
        (&client).write_all(b"bye").unwrap();
        drop(client);
        let mut bytes = [0; 8];
        assert_eq!(eventually(|| server.read(&mut bytes)), 3);
        assert_eq!(eventually(|| server.read(&mut bytes)), 0);
    });
}

#[test]
fn options_are_what_they_were_set_to() {
    alone(|| {
        let (listener, client, server) = connection(any_v4());
        let std = std::net::TcpListener::bind(any_v4()).unwrap();
        for socket in [&client, &server] {
            assert!(!socket.nodelay().unwrap());
            assert_eq!(socket.ttl().unwrap(), std.ttl().unwrap());
        }
        assert_eq!(listener.ttl().unwrap(), std.ttl().unwrap());
        for on in [true, false, true] {
            client.set_nodelay(on).unwrap();
            assert_eq!(client.nodelay().unwrap(), on);
            assert_eq!(kernel::option(&client, libc::IPPROTO_TCP, libc::TCP_NODELAY) != 0, on);
        }
        for ttl in [7, 255, 64] {
            client.set_ttl(ttl).unwrap();
            assert_eq!(client.ttl().unwrap(), ttl);
            assert_eq!(kernel::option(&client, libc::IPPROTO_IP, libc::IP_TTL), ttl as i32);
            listener.set_ttl(ttl - 1).unwrap();
            assert_eq!(listener.ttl().unwrap(), ttl - 1);
            assert_eq!(kernel::option(&listener, libc::IPPROTO_IP, libc::IP_TTL), ttl as i32 - 1);
        }
        assert!(client.set_ttl(256).is_err() && listener.set_ttl(0).is_err());
    });
}

#[test]
fn errors_are_told_once() {
    alone(|| {
        let (_listener, client, server) = connection(any_v4());
        assert!(client.take_error().unwrap().is_none());
        kernel::reset_on_close(&server);
        drop(server);
        let error = eventually(|| client.take_error()?.ok_or(ErrorKind::WouldBlock.into()));
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert!(client.take_error().unwrap().is_none());
    });
}

#[test]
fn any_call_can_be_made_on_it() {
    alone(|| {
        let (_listener, client, server) = connection(any_v4());
        tries(|call| client.try_io(call), |call| server.try_io(call));
    });
}

#[test]
fn sockets_print_their_addresses() {
    alone(|| {
        let (listener, client, _server) = connection(any_v4());
        let address = listener.local_addr().unwrap().to_string();
        assert!(format!("{listener:?}").contains(&address), "{listener:?}");
        let number = format!("{}", client.as_fd().as_raw_fd());
        let printed = format!("{client:?}");
        assert!(printed.contains(&address) && printed.contains(&number), "{printed}");
    });
}

#[test]
fn shutting_down_what_is_not_connected_is_an_error() {
    alone(|| {
        let stream = TcpStream::from(kernel::socket(libc::AF_INET, libc::SOCK_STREAM));
        fails(ErrorKind::NotConnected, stream.shutdown(Shutdown::Both));
    });
}

#[test]
fn the_error_of_a_listener_is_told_once() {
    alone(|| {
        let (_listener, client, server) = connection(any_v4());
        kernel::reset_on_close(&server);
        drop(server);
        let mut watch = Watch::new();
        let mut client = client;
        watch.register(&mut client, 1, READABLE);
        watch.until("an error", Event::is_error);
        let listener = TcpListener::from(OwnedFd::from(client));
        let error = listener.take_error().unwrap().expect("a reset");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert_eq!(error.raw_os_error(), Some(libc::ECONNRESET));
        assert!(listener.take_error().unwrap().is_none());

        let (a, mut b) = UnixStream::pair().unwrap();
        b.write_all(b"unread").unwrap();
        drop(a);
        let listener = UnixListener::from(OwnedFd::from(b));
        let error = listener.take_error().unwrap().expect("a was closed with unread bytes in it");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert!(listener.take_error().unwrap().is_none());
    });
}

#[test]
fn errors_of_streams_have_their_number() {
    alone(|| {
        let (_listener, client, server) = connection(any_v4());
        kernel::reset_on_close(&server);
        drop(server);
        let error = eventually(|| client.take_error()?.ok_or(ErrorKind::WouldBlock.into()));
        assert_eq!(error.raw_os_error(), Some(libc::ECONNRESET));
    });
}

#[test]
fn nothing_is_set_that_was_not_asked_for() {
    alone(|| {
        let (listener, client, server) = connection(any_v4());
        for name in [libc::SO_KEEPALIVE, libc::SO_LINGER, libc::SO_REUSEPORT, libc::SO_OOBINLINE] {
            let of =
                |socket: &dyn AsRawFd| kernel::option(&socket.as_raw_fd(), libc::SOL_SOCKET, name);
            assert_eq!([of(&listener), of(&client), of(&server)], [0; 3], "{name}");
        }
        let of = |name| kernel::option(&client, libc::SOL_SOCKET, name);
        assert_eq!(of(libc::SO_REUSEADDR), 0);
    });
}

#[test]
fn writing_to_a_peer_that_has_reset_is_a_reset() {
    alone(|| {
        let (_listener, mut client, server) = connection(any_v4());
        kernel::reset_on_close(&server);
        drop(server);
        let mut watch = Watch::new();
        watch.register(&mut client, 1, BOTH);
        watch.until("an error", Event::is_error);
        fails(ErrorKind::ConnectionReset, client.write(b"x"));
        fails(ErrorKind::BrokenPipe, client.write(b"x"));
    });
}

//! Sockets of this machine.

use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;

use mio::net::{UnixDatagram, UnixListener, UnixStream};
use mio_contract::kernel;

use super::pipe::tries;
use super::*;

#[test]
fn bytes_go_both_ways() {
    alone(|| {
        let (mut a, mut b) = UnixStream::pair().unwrap();
        let mut bytes = [0; 16];
        would_block(a.read(&mut bytes));
        would_block(b.read(&mut bytes));
        assert_eq!(a.write(b"question").unwrap(), 8);
        a.flush().unwrap();
        would_block(a.read(&mut bytes));
        assert_eq!(b.read(&mut bytes).unwrap(), 8);
        assert_eq!(&bytes[..8], b"question");
        assert_eq!((&b).write(b"answer").unwrap(), 6);
        (&b).flush().unwrap();
        assert_eq!((&a).read(&mut bytes).unwrap(), 6);
        assert_eq!(&bytes[..6], b"answer");
    });
}

#[test]
fn vectors_are_written_and_read_in_one_call() {
    alone(|| {
        let (mut a, mut b) = UnixStream::pair().unwrap();
        let parts = [IoSlice::new(b"one"), IoSlice::new(b""), IoSlice::new(b"two")];
        assert_eq!(a.write_vectored(&parts).unwrap(), 6);
        assert_eq!((&a).write_vectored(&parts).unwrap(), 6);
        let (mut one, mut two) = ([0; 2], [0; 4]);
        let mut both = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)];
        assert_eq!(b.read_vectored(&mut both).unwrap(), 6);
        assert_eq!((&one, &two), (b"on", b"etwo"));
        let mut both = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)];
        assert_eq!((&b).read_vectored(&mut both).unwrap(), 6);
        assert_eq!((&one, &two), (b"on", b"etwo"));
    });
}

#[test]
fn a_listener_accepts_in_order_and_does_not_wait() {
    alone(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("listener");
        let mut watch = Watch::new();
        let mut listener = UnixListener::bind(&path).unwrap();
        watch.register(&mut listener, 1, READABLE);
        watch.nothing();
        would_block(listener.accept());
        let mut first = UnixStream::connect(&path).unwrap();
        let _second = UnixStream::connect(&path).unwrap();
        assert!(watch.one().is_readable());
        first.write_all(b"first").unwrap();
        let (mut server, _) = listener.accept().unwrap();
        assert_eq!(server.read(&mut [0; 8]).unwrap(), 5);
        would_block(server.read(&mut [0; 8]));
        listener.accept().unwrap();
        would_block(listener.accept());
        watch.nothing();
        assert!(listener.take_error().unwrap().is_none());
    });
}

#[test]
fn many_connections_wait_to_be_accepted() {
    alone(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("listener");
        let listener = UnixListener::bind(&path).unwrap();
        let clients: Vec<_> = (0..100).map(|_| UnixStream::connect(&path).unwrap()).collect();
        clients.iter().for_each(|_| drop(listener.accept().unwrap()));
        would_block(listener.accept());
    });
}

#[test]
fn connecting_fails_as_the_kernel_says() {
    alone(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("listener");
        fails(ErrorKind::NotFound, UnixStream::connect(&path));
        let listener = UnixListener::bind(&path).unwrap();
        fails(ErrorKind::AddrInUse, UnixListener::bind(&path));
        kernel::listen(&listener, 0);
        let _first = UnixStream::connect(&path).unwrap();
        // There is no room, and there will be no event for it.
        would_block(UnixStream::connect(&path));
        drop(listener);
        fails(ErrorKind::ConnectionRefused, UnixStream::connect(&path));
    });
}

#[test]
fn halves_can_be_closed() {
    alone(|| {
        let (mut a, mut b) = UnixStream::pair().unwrap();
        let mut bytes = [0; 8];
        a.shutdown(Shutdown::Write).unwrap();
        assert_eq!(b.read(&mut bytes).unwrap(), 0);
        fails(ErrorKind::BrokenPipe, a.write(b"x"));
        b.write_all(b"still").unwrap();
        assert_eq!(a.read(&mut bytes).unwrap(), 5);

        let (mut a, mut b) = UnixStream::pair().unwrap();
        a.shutdown(Shutdown::Read).unwrap();
        assert_eq!(a.read(&mut bytes).unwrap(), 0);
        fails(ErrorKind::BrokenPipe, b.write(b"x"));
        a.write_all(b"still").unwrap();
        assert_eq!(b.read(&mut bytes).unwrap(), 5);

        let (mut a, mut b) = UnixStream::pair().unwrap();
        a.shutdown(Shutdown::Both).unwrap();
        assert_eq!((a.read(&mut bytes).unwrap(), b.read(&mut bytes).unwrap()), (0, 0));
    });
}

#[test]
fn streams_have_no_error_until_they_have() {
    alone(|| {
        let (a, mut b) = UnixStream::pair().unwrap();
        assert!(a.take_error().unwrap().is_none());
        b.write_all(b"unread").unwrap();
        drop(a);
        let error = b.take_error().unwrap().expect("a was closed with unread bytes in it");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert!(b.take_error().unwrap().is_none());
    });
}

#[test]
fn datagrams_go_to_a_path_and_come_from_one() {
    alone(|| {
        let dir = tempfile::tempdir().unwrap();
        let (to_a, to_b) = (dir.path().join("a"), dir.path().join("b"));
        let (a, b) = (UnixDatagram::bind(&to_a).unwrap(), UnixDatagram::bind(&to_b).unwrap());
        let mut bytes = [0; 8];
        would_block(b.recv_from(&mut bytes));
        would_block(b.recv(&mut bytes));
        assert_eq!(a.send_to(b"hello", &to_b).unwrap(), 5);
        fails(ErrorKind::NotConnected, a.peer_addr());
        let (len, from) = b.recv_from(&mut bytes).unwrap();
        assert_eq!((&bytes[..len], from.as_pathname()), (&b"hello"[..], Some(&*to_a)));
        assert_eq!(a.local_addr().unwrap().as_pathname(), Some(&*to_a));

        let unbound = UnixDatagram::unbound().unwrap();
        unbound.send_to(b"who", &to_b).unwrap();
        let (len, from) = b.recv_from(&mut bytes).unwrap();
        assert!(len == 3 && from.is_unnamed());
        fails(ErrorKind::AddrInUse, UnixDatagram::bind(&to_a));
        fails(ErrorKind::NotFound, a.send_to(b"x", dir.path().join("missing")));
    });
}

#[test]
fn connected_datagrams_have_a_peer() {
    alone(|| {
        let dir = tempfile::tempdir().unwrap();
        let to_a = dir.path().join("a");
        let a = UnixDatagram::bind(&to_a).unwrap();
        let b = UnixDatagram::unbound().unwrap();
        fails(ErrorKind::NotConnected, b.send(b"x"));
        fails(ErrorKind::NotConnected, b.peer_addr());
        b.connect(&to_a).unwrap();
        assert_eq!(b.peer_addr().unwrap().as_pathname(), Some(&*to_a));
        assert_eq!(b.send(b"hello").unwrap(), 5);
        assert_eq!(a.recv(&mut [0; 8]).unwrap(), 5);
        assert!(b.take_error().unwrap().is_none());
        fails(ErrorKind::NotFound, b.connect(dir.path().join("missing")));
    });
}

#[test]
fn datagrams_keep_their_bounds() {
    alone(|| {
        let (a, b) = UnixDatagram::pair().unwrap();
        let mut bytes = [0; 4];
        would_block(b.recv(&mut bytes));
        assert_eq!(a.send(b"one").unwrap(), 3);
        assert_eq!(a.send(b"longer").unwrap(), 6);
        assert_eq!(a.send(b"").unwrap(), 0);
        assert_eq!(b.recv(&mut bytes).unwrap(), 3);
        assert_eq!(b.recv(&mut bytes).unwrap(), 4);
        assert_eq!(&bytes, b"long");
        assert_eq!(b.recv(&mut bytes).unwrap(), 0);
        would_block(b.recv(&mut bytes));
        assert_eq!(b.send(b"back").unwrap(), 4);
        assert_eq!(a.recv(&mut bytes).unwrap(), 4);
        while a.send(&[7; 512]).is_ok() {}
        would_block(a.send(&[7; 512]));
    });
}

#[test]
fn halves_of_datagram_pairs_can_be_closed() {
    alone(|| {
        let (a, b) = UnixDatagram::pair().unwrap();
        a.shutdown(Shutdown::Write).unwrap();
        fails(ErrorKind::BrokenPipe, a.send(b"x"));
        assert_eq!(b.send(b"still").unwrap(), 5);
        assert_eq!(a.recv(&mut [0; 8]).unwrap(), 5);
        let (a, b) = UnixDatagram::pair().unwrap();
        a.shutdown(Shutdown::Read).unwrap();
        fails(ErrorKind::BrokenPipe, b.send(b"x"));
        assert_eq!(a.send(b"still").unwrap(), 5);
        assert_eq!(b.recv(&mut [0; 8]).unwrap(), 5);
    });
}

#[test]
fn any_call_can_be_made_on_them() {
    alone(|| {
        let (stream, datagram) = (UnixStream::pair().unwrap().0, UnixDatagram::unbound().unwrap());
        tries(|call| stream.try_io(call), |call| datagram.try_io(call));
    });
}

#[test]
fn sockets_print_their_paths() {
    alone(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("listener");
        let listener = UnixListener::bind(&path).unwrap();
        assert!(format!("{listener:?}").contains("listener"), "{listener:?}");
    });
}

#[test]
fn a_connected_unix_datagram_sends_to_others_too() {
    alone(|| {
        let dir = tempfile::tempdir().unwrap();
        let c = UnixDatagram::bind(dir.path().join("c")).unwrap();
        let (a, b) = UnixDatagram::pair().unwrap();
        assert_eq!(a.send_to(b"c", dir.path().join("c")).unwrap(), 1);
        would_block(b.recv(&mut [0; 8]));
        assert_eq!(c.recv(&mut [0; 8]).unwrap(), 1);
    });
}

#[test]
fn who_loses_its_peer_to_another_is_told_once() {
    alone(|| {
        let dir = tempfile::tempdir().unwrap();
        let _c = UnixDatagram::bind(dir.path().join("c")).unwrap();
        let (a, b) = UnixDatagram::pair().unwrap();
        b.send(b"unread").unwrap();
        a.connect(dir.path().join("c")).unwrap();
        let error = b.take_error().unwrap().expect("a is connected to another");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert!(b.take_error().unwrap().is_none());
    });
}

#[test]
fn a_socket_has_the_mode_that_the_mask_leaves() {
    use std::os::unix::fs::PermissionsExt;
    alone(|| {
        let dir = tempfile::tempdir().unwrap();
        let [ours, theirs, datagram] = ["ours", "theirs", "datagram"].map(|n| dir.path().join(n));
        let _listener = UnixListener::bind(&ours).unwrap();
        let _datagram = UnixDatagram::bind(&datagram).unwrap();
        let _std = std::os::unix::net::UnixListener::bind(&theirs).unwrap();
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&theirs));
        assert_eq!(mode(&datagram), mode(&theirs));
    });
}

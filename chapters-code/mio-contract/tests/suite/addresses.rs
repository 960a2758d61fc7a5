//! Addresses on their way to the kernel and back.

use std::net::SocketAddrV6;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::SocketAddr as UnixAddr;
use std::path::{Path, PathBuf};

use mio::net::{UdpSocket, UnixDatagram, UnixListener, UnixStream};
use mio_contract::kernel;

use super::*;

/// A listener at a port that is another one when its two bytes change places.
fn bound_to(ip: [u8; 4]) -> (TcpListener, SocketAddr) {
    loop {
        let listener = TcpListener::bind((ip, 0).into()).unwrap();
        let bound = listener.local_addr().unwrap();
        if bound.port() != bound.port().swap_bytes() {
            return (listener, bound);
        }
    }
}

#[test]
fn every_byte_of_an_address_and_both_of_a_port_arrive() {
    alone(|| {
        // All of 127.0.0.0/8 is this machine.
        for ip in [[127, 0, 0, 1], [127, 1, 2, 3], [127, 254, 253, 252]] {
            let (listener, bound) = bound_to(ip);
            assert_eq!(bound.ip(), Ipv4Addr::from(ip));
            let client = TcpStream::connect(bound).unwrap();
            let (_server, peer) = eventually(|| listener.accept());
            eventually_connected(&client);
            assert_eq!(client.peer_addr().unwrap(), bound);
            assert_eq!(peer, client.local_addr().unwrap());
        }
    });
}

#[test]
fn ipv6_is_more_than_its_zeroes() {
    alone(|| {
        // An address of IPv4, as IPv6 writes it, has more bytes than ::1.
        if !kernel::has("[::]:0") {
            return println!("skipped: no IPv6");
        }
        let listener = TcpListener::bind("[::]:0".parse().unwrap()).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mapped: Ipv6Addr = "::ffff:127.4.5.6".parse().unwrap();
        let client = TcpStream::connect((mapped, port).into()).unwrap();
        let (_server, peer) = eventually(|| listener.accept());
        eventually_connected(&client);
        assert_eq!(client.peer_addr().unwrap(), (mapped, port).into());
        assert_eq!(peer, client.local_addr().unwrap());
        assert!(peer.ip().to_string().starts_with("::ffff:127."));
    });
}

#[test]
fn a_scope_arrives() {
    alone(|| {
        if !kernel::has("[::1]:0") {
            return println!("skipped: no IPv6");
        }
        // Without a scope such an address is refused as invalid, with any other scope for
        // another reason: link 1 is the loopback, which has no such address.
        let ip: Ipv6Addr = "fe80::1:2:3:4".parse().unwrap();
        let connect = |scope| TcpStream::connect(SocketAddrV6::new(ip, 9, 0, scope).into());
        fails(ErrorKind::InvalidInput, connect(0));
        if let Err(error) = connect(1) {
            assert_ne!(error.kind(), ErrorKind::InvalidInput, "{error}");
        }
    });
}

#[test]
fn a_scope_comes_back() {
    alone(|| {
        let Some((ip, link)) = kernel::link_local() else {
            return println!("skipped: no address that is valid on one link only");
        };
        let listener = TcpListener::bind(SocketAddrV6::new(ip, 0, 0, link).into()).unwrap();
        let bound = listener.local_addr().unwrap();
        let client = TcpStream::connect(bound).unwrap();
        let (_server, peer) = eventually(|| listener.accept());
        eventually_connected(&client);
        assert_eq!(client.peer_addr().unwrap(), bound);
        assert_eq!(peer, client.local_addr().unwrap());
        let SocketAddr::V6(peer) = peer else { panic!("{peer}") };
        assert_eq!((*peer.ip(), peer.scope_id()), (ip, link));
    });
}

/// A path in an own folder, with this many bytes.
fn path_of(dir: &Path, len: usize) -> PathBuf {
    let rest = len - dir.as_os_str().len() - 1;
    dir.join("x".repeat(rest))
}

#[test]
fn a_path_arrives_to_its_last_byte() {
    alone(|| {
        let dir = tempfile::tempdir().unwrap();
        let shortest = dir.path().as_os_str().len() + 2;
        // 108 bytes with a zero at the end: unix(7).
        for len in shortest..=107 {
            let path = path_of(dir.path(), len);
            let listener = UnixListener::bind(&path).unwrap();
            assert!(path.exists(), "{} bytes", len);
            assert_eq!(listener.local_addr().unwrap().as_pathname(), Some(&*path));
            let client = UnixStream::connect(&path).unwrap();
            assert_eq!(client.peer_addr().unwrap().as_pathname(), Some(&*path));
            assert!(client.local_addr().unwrap().is_unnamed());
            listener.accept().unwrap();
        }
    });
}

#[test]
fn a_path_that_is_the_beginning_of_another_is_not_that_one() {
    alone(|| {
        let dir = tempfile::tempdir().unwrap();
        let _listener = UnixListener::bind(dir.path().join("socket")).unwrap();
        for other in ["socke", "socket2", "socketsocket"] {
            fails(ErrorKind::NotFound, UnixStream::connect(dir.path().join(other)));
        }
    });
}

#[test]
fn a_path_that_is_too_long_or_has_a_zero_is_invalid() {
    alone(|| {
        let dir = tempfile::tempdir().unwrap();
        let datagram = UnixDatagram::unbound().unwrap();
        let too_long = path_of(dir.path(), 108);
        for path in [too_long, path_of(dir.path(), 4000), dir.path().join("a\0b")] {
            fails(ErrorKind::InvalidInput, UnixListener::bind(&path));
            fails(ErrorKind::InvalidInput, UnixStream::connect(&path));
            fails(ErrorKind::InvalidInput, UnixDatagram::bind(&path));
            fails(ErrorKind::InvalidInput, datagram.connect(&path));
            fails(ErrorKind::InvalidInput, datagram.send_to(b"x", &path));
        }
        assert_eq!(dir.path().read_dir().unwrap().count(), 0);
    });
}

#[test]
fn who_connects_from_a_path_is_accepted_under_it() {
    alone(|| {
        let dir = tempfile::tempdir().unwrap();
        let (to, from) = (dir.path().join("to"), dir.path().join("from-here"));
        let listener = UnixListener::bind(&to).unwrap();
        let _unnamed = UnixStream::connect(&to).unwrap();
        let (accepted, address) = listener.accept().unwrap();
        assert!(address.is_unnamed() && accepted.peer_addr().unwrap().is_unnamed());
        assert_eq!(accepted.local_addr().unwrap().as_pathname(), Some(&*to));

        let named =
            std::os::unix::net::UnixStream::from(kernel::socket(libc::AF_UNIX, libc::SOCK_STREAM));
        kernel::bind_to_path(&named, &from);
        kernel::connect_to_path(&named, &to);
        let (accepted, address) = listener.accept().unwrap();
        assert_eq!(address.as_pathname(), Some(&*from));
        assert_eq!(accepted.peer_addr().unwrap().as_pathname(), Some(&*from));
    });
}

/// Names without a path, which this process alone uses.
fn abstract_names() -> [Vec<u8>; 4] {
    let unique = format!("mio-contract-{}", std::process::id());
    let long = format!("{unique}{}", "y".repeat(107 - unique.len()));
    [
        unique.clone().into_bytes(),
        format!("{unique}/like/a/path").into_bytes(),
        format!("{unique}\0zero\0within\0").into_bytes(),
        long.into_bytes(),
    ]
}

#[test]
fn an_abstract_name_arrives_to_its_last_byte() {
    alone(|| {
        for name in abstract_names() {
            let address = UnixAddr::from_abstract_name(&name).unwrap();
            let listener = UnixListener::bind_addr(&address).unwrap();
            let bound = listener.local_addr().unwrap();
            assert_eq!(bound.as_abstract_name(), Some(&*name));
            let client = UnixStream::connect_addr(&address).unwrap();
            let peer = client.peer_addr().unwrap();
            assert_eq!(peer.as_abstract_name(), Some(&*name));
            listener.accept().unwrap();
            fails(ErrorKind::AddrInUse, UnixListener::bind_addr(&address));
            // Nothing but the whole name is the name.
            let less = UnixAddr::from_abstract_name(&name[..name.len() - 1]).unwrap();
            fails(ErrorKind::ConnectionRefused, UnixStream::connect_addr(&less));
        }
    });
}

#[test]
fn an_abstract_name_does_not_end_at_a_zero() {
    alone(|| {
        let name = [&abstract_names()[0][..], b"-short"].concat();
        let address = |name: &[u8]| UnixAddr::from_abstract_name(name).unwrap();
        let _listener = std::os::unix::net::UnixListener::bind_addr(&address(&name)).unwrap();
        UnixStream::connect_addr(&address(&name)).unwrap();
        let longer = [&name[..], b"\0"].concat();
        fails(ErrorKind::ConnectionRefused, UnixStream::connect_addr(&address(&longer)));
        let _longer = UnixListener::bind_addr(&address(&longer)).unwrap();
    });
}

#[test]
fn an_abstract_name_is_no_path() {
    alone(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let name = path.as_os_str().as_encoded_bytes();
        let address = UnixAddr::from_abstract_name(name).unwrap();
        let _listener = UnixListener::bind_addr(&address).unwrap();
        let _datagram = UnixDatagram::bind_addr(&address).unwrap();
        assert!(!path.exists());
        fails(ErrorKind::NotFound, UnixStream::connect(&path));
        let by_path = UnixAddr::from_pathname(&path).unwrap();
        fails(ErrorKind::NotFound, UnixStream::connect_addr(&by_path));
        let _by_path = UnixListener::bind_addr(&by_path).unwrap();
        assert!(path.exists());
        UnixStream::connect_addr(&by_path).unwrap();
    });
}

#[test]
fn datagrams_have_abstract_names_too() {
    alone(|| {
        for name in abstract_names() {
            let address = UnixAddr::from_abstract_name(&name).unwrap();
            let named = UnixDatagram::bind_addr(&address).unwrap();
            assert_eq!(named.local_addr().unwrap().as_abstract_name(), Some(&*name));
            let sender = std::os::unix::net::UnixDatagram::unbound().unwrap();
            sender.send_to_addr(b"x", &address).unwrap();
            assert_eq!(named.recv(&mut [0; 8]).unwrap(), 1);
        }
    });
}

#[test]
fn pairs_have_no_names() {
    alone(|| {
        let (a, b) = UnixStream::pair().unwrap();
        assert!(a.local_addr().unwrap().is_unnamed() && b.peer_addr().unwrap().is_unnamed());
        let (a, b) = UnixDatagram::pair().unwrap();
        assert!(a.local_addr().unwrap().is_unnamed() && b.peer_addr().unwrap().is_unnamed());
        let unbound = UnixDatagram::unbound().unwrap();
        assert!(unbound.local_addr().unwrap().is_unnamed());
    });
}

#[test]
fn no_name_is_any_name_to_a_listener_and_nobody_to_a_client() {
    alone(|| {
        let unnamed = UnixDatagram::unbound().unwrap().local_addr().unwrap();
        let listener = UnixListener::bind_addr(&unnamed).unwrap();
        let bound = listener.local_addr().unwrap();
        assert!(bound.as_abstract_name().is_some_and(|name| !name.is_empty()));
        UnixStream::connect_addr(&bound).unwrap();
        listener.accept().unwrap();
        let datagram = UnixDatagram::bind_addr(&unnamed).unwrap();
        assert!(datagram.local_addr().unwrap().as_abstract_name().is_some());
        fails(ErrorKind::InvalidInput, UnixStream::connect_addr(&unnamed));
    });
}

#[test]
fn udp_addresses_arrive() {
    alone(|| {
        for address in any_addresses() {
            let (a, b) = (UdpSocket::bind(address).unwrap(), UdpSocket::bind(address).unwrap());
            let (to_a, to_b) = (a.local_addr().unwrap(), b.local_addr().unwrap());
            assert!(to_a.ip() == address.ip() && to_a.port() != 0 && to_a != to_b);
            a.send_to(b"x", to_b).unwrap();
            assert_eq!(eventually(|| b.recv_from(&mut [0; 8])), (1, to_a));
        }
    });
}

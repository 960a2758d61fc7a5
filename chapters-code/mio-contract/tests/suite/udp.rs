//! UDP.

use std::fs;
use std::os::fd::AsRawFd;

use mio::net::{UdpSocket, UnixDatagram};
use mio_contract::kernel;

use super::pipe::tries;
use super::*;

fn two(address: SocketAddr) -> (UdpSocket, UdpSocket) {
    (UdpSocket::bind(address).unwrap(), UdpSocket::bind(address).unwrap())
}

#[test]
fn a_datagram_arrives_whole_with_its_sender() {
    alone(|| {
        for address in any_addresses() {
            let (a, b) = two(address);
            let mut bytes = [0; 8];
            would_block(b.recv_from(&mut bytes));
            would_block(b.recv(&mut bytes));
            assert_eq!(a.send_to(b"hello", b.local_addr().unwrap()).unwrap(), 5);
            fails(ErrorKind::NotConnected, a.peer_addr());
            let (len, from) = eventually(|| b.recv_from(&mut bytes));
            assert_eq!((&bytes[..len], from), (&b"hello"[..], a.local_addr().unwrap()));
            would_block(b.recv_from(&mut bytes));
            a.send_to(b"too long for it", b.local_addr().unwrap()).unwrap();
            assert_eq!(eventually(|| b.recv_from(&mut bytes)).0, 8);
            would_block(b.recv_from(&mut bytes));
            a.send_to(b"", b.local_addr().unwrap()).unwrap();
            assert_eq!(eventually(|| b.recv(&mut bytes)), 0);
        }
    });
}

#[test]
fn peeking_leaves_the_datagram() {
    alone(|| {
        let (a, b) = two(any_v4());
        let (mut bytes, from) = ([0; 8], a.local_addr().unwrap());
        would_block(b.peek_from(&mut bytes));
        would_block(b.peek(&mut bytes));
        a.send_to(b"hello", b.local_addr().unwrap()).unwrap();
        for _ in 0..2 {
            assert_eq!(eventually(|| b.peek_from(&mut bytes)), (5, from));
            assert_eq!(eventually(|| b.peek(&mut bytes)), 5);
            assert_eq!(&bytes[..5], b"hello");
        }
        assert_eq!(b.recv_from(&mut bytes).unwrap(), (5, from));
        would_block(b.peek(&mut bytes));
    });
}

#[test]
fn a_connected_socket_has_one_peer() {
    alone(|| {
        let (a, b) = two(any_v4());
        let stranger = UdpSocket::bind(any_v4()).unwrap();
        fails(ErrorKind::NotConnected, a.peer_addr());
        assert!(a.send(b"x").is_err());
        a.connect(b.local_addr().unwrap()).unwrap();
        assert_eq!(a.peer_addr().unwrap(), b.local_addr().unwrap());
        assert_eq!(a.send(b"hello").unwrap(), 5);
        assert_eq!(eventually(|| b.recv(&mut [0; 8])), 5);
        stranger.send_to(b"stranger", a.local_addr().unwrap()).unwrap();
        b.send_to(b"peer", a.local_addr().unwrap()).unwrap();
        let mut bytes = [0; 16];
        let len = eventually(|| a.recv(&mut bytes));
        assert_eq!(&bytes[..len], b"peer");
        would_block(a.recv(&mut bytes));
    });
}

#[test]
fn a_datagram_is_readable_once() {
    alone(|| {
        let mut watch = Watch::new();
        let (a, mut b) = two(any_v4());
        watch.register(&mut b, 1, READABLE);
        watch.nothing();
        for _ in 0..3 {
            a.send_to(b"x", b.local_addr().unwrap()).unwrap();
            assert!(watch.one().is_readable());
            watch.nothing();
        }
    });
}

#[test]
fn an_address_has_one_socket() {
    alone(|| {
        let a = UdpSocket::bind(any_v4()).unwrap();
        fails(ErrorKind::AddrInUse, UdpSocket::bind(a.local_addr().unwrap()));
        let elsewhere = "192.0.2.77:0".parse().unwrap();
        fails(ErrorKind::AddrNotAvailable, UdpSocket::bind(elsewhere));
    });
}

#[test]
fn errors_are_told_once() {
    alone(|| {
        let (a, b) = two(any_v4());
        assert!(a.take_error().unwrap().is_none());
        a.connect(b.local_addr().unwrap()).unwrap();
        drop(b);
        a.send(b"x").unwrap();
        let error = eventually(|| a.take_error()?.ok_or(ErrorKind::WouldBlock.into()));
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert!(a.take_error().unwrap().is_none());
    });
}

#[test]
fn options_are_what_they_were_set_to() {
    alone(|| {
        const BROADCAST: (i32, i32) = (libc::SOL_SOCKET, libc::SO_BROADCAST);
        const TTL: (i32, i32) = (libc::IPPROTO_IP, libc::IP_TTL);
        const MULTICAST_TTL: (i32, i32) = (libc::IPPROTO_IP, libc::IP_MULTICAST_TTL);
        const MULTICAST_LOOP: (i32, i32) = (libc::IPPROTO_IP, libc::IP_MULTICAST_LOOP);
        let socket = UdpSocket::bind(any_v4()).unwrap();
        let kernel = |(level, name)| kernel::option(&socket, level, name);
        assert!(!socket.broadcast().unwrap() && socket.multicast_loop_v4().unwrap());
        assert_eq!(socket.multicast_ttl_v4().unwrap(), 1);
        for on in [true, false, true] {
            socket.set_broadcast(on).unwrap();
            assert_eq!((socket.broadcast().unwrap(), kernel(BROADCAST) != 0), (on, on));
            socket.set_multicast_loop_v4(!on).unwrap();
            let found = (socket.multicast_loop_v4().unwrap(), kernel(MULTICAST_LOOP) != 0);
            assert_eq!(found, (!on, !on));
        }
        for ttl in [7, 200, 64] {
            socket.set_ttl(ttl).unwrap();
            assert_eq!((socket.ttl().unwrap(), kernel(TTL)), (ttl, ttl as i32));
            socket.set_multicast_ttl_v4(ttl + 1).unwrap();
            let found = (socket.multicast_ttl_v4().unwrap(), kernel(MULTICAST_TTL));
            assert_eq!(found, (ttl + 1, ttl as i32 + 1));
        }
    });
}

#[test]
fn options_of_ipv6_are_what_they_were_set_to() {
    alone(|| {
        if !kernel::has("[::1]:0") {
            return println!("skipped: no IPv6");
        }
        let socket = UdpSocket::bind(any_v6()).unwrap();
        for on in [true, false, true] {
            socket.set_multicast_loop_v6(on).unwrap();
            assert_eq!(socket.multicast_loop_v6().unwrap(), on);
            assert_eq!(
                kernel::option(&socket, libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_LOOP) != 0,
                on
            );
        }
        assert_eq!(
            socket.only_v6().unwrap(),
            kernel::option(&socket, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY) != 0
        );
        let unbound = kernel::socket(libc::AF_INET6, libc::SOCK_DGRAM);
        for on in [true, false] {
            kernel::set_only_v6(&unbound, on);
            let socket = UdpSocket::from(unbound.try_clone().unwrap());
            assert_eq!(socket.only_v6().unwrap(), on);
        }
        let v4 = UdpSocket::bind(any_v4()).unwrap();
        assert!(v4.only_v6().is_err());
    });
}

/// The groups of all sockets of this machine are listed by link: whether one with this address is.
fn joined(file: &str, group: &str) -> bool {
    let listed = fs::read_to_string(file).unwrap_or_default();
    listed.to_uppercase().contains(&group.to_uppercase())
}

#[test]
fn groups_are_joined_and_left() {
    alone(|| {
        let socket = UdpSocket::bind("0.0.0.0:0".parse().unwrap()).unwrap();
        // One that nobody else joins: its last bytes are the port's.
        let [high, low] = socket.local_addr().unwrap().port().to_be_bytes();
        let group = Ipv4Addr::new(239, 77, high, low);
        // As the kernel prints it: the address's bytes, as a number of this machine.
        let listed = format!("{:08X}", u32::from_ne_bytes(group.octets()));
        let interface = Ipv4Addr::LOCALHOST;
        socket.join_multicast_v4(&group, &interface).unwrap();
        assert!(joined("/proc/net/igmp", &listed));
        fails(ErrorKind::AddrInUse, socket.join_multicast_v4(&group, &interface));
        socket.leave_multicast_v4(&group, &interface).unwrap();
        assert!(!joined("/proc/net/igmp", &listed));
        fails(ErrorKind::AddrNotAvailable, socket.leave_multicast_v4(&group, &interface));
    });
}

#[test]
fn groups_of_ipv6_are_joined_and_left() {
    alone(|| {
        if !kernel::has("[::]:0") {
            return println!("skipped: no IPv6");
        }
        let socket = UdpSocket::bind("[::]:0".parse().unwrap()).unwrap();
        let port = socket.local_addr().unwrap().port();
        let group = Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0x77, port);
        let listed = format!("{:032x}", u128::from(group));
        let link = 1;
        socket.join_multicast_v6(&group, link).unwrap();
        assert!(joined("/proc/net/igmp6", &listed));
        fails(ErrorKind::AddrInUse, socket.join_multicast_v6(&group, link));
        socket.leave_multicast_v6(&group, link).unwrap();
        assert!(!joined("/proc/net/igmp6", &listed));
        fails(ErrorKind::AddrNotAvailable, socket.leave_multicast_v6(&group, link));
    });
}

#[test]
fn any_call_can_be_made_on_it() {
    alone(|| {
        let (a, b) = two(any_v4());
        tries(|call| a.try_io(call), |call| b.try_io(call));
    });
}

#[test]
fn sockets_print_their_addresses() {
    alone(|| {
        let socket = UdpSocket::bind(any_v4()).unwrap();
        let printed = format!("{socket:?}");
        let (address, number) = (socket.local_addr().unwrap(), socket.as_raw_fd());
        assert!(printed.contains(&address.to_string()) && printed.contains(&number.to_string()));
    });
}

#[test]
fn a_connected_udp_socket_sends_to_others_too() {
    alone(|| {
        let [a, b, c] = [(); 3].map(|()| UdpSocket::bind(any_v4()).unwrap());
        a.connect(b.local_addr().unwrap()).unwrap();
        a.send_to(b"c", c.local_addr().unwrap()).unwrap();
        assert_eq!(eventually(|| c.recv_from(&mut [0; 8])), (1, a.local_addr().unwrap()));
        would_block(b.recv(&mut [0; 8]));
    });
}

#[test]
fn udp_takes_another_peer() {
    alone(|| {
        let [a, b, c] = [(); 3].map(|()| UdpSocket::bind(any_v4()).unwrap());
        a.connect(b.local_addr().unwrap()).unwrap();
        a.connect(c.local_addr().unwrap()).unwrap();
        assert_eq!(a.peer_addr().unwrap(), c.local_addr().unwrap());
    });
}

#[test]
fn udp_of_ipv6_takes_ipv4_and_says_so() {
    alone(|| {
        if !kernel::has("[::1]:0") {
            return println!("skipped: no IPv6");
        }
        let both = UdpSocket::bind("[::]:0".parse().unwrap()).unwrap();
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, both.local_addr().unwrap().port()));
        let v4 = UdpSocket::bind(any_v4()).unwrap();
        v4.send_to(b"x", to).unwrap();
        let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
        let from = SocketAddr::from((mapped, v4.local_addr().unwrap().port()));
        assert_eq!(eventually(|| both.peek_from(&mut [0; 8])), (1, from));
        assert_eq!(eventually(|| both.recv_from(&mut [0; 8])), (1, from));
    });
}

#[test]
fn there_are_at_most_255_hops_for_multicast() {
    alone(|| {
        let socket = UdpSocket::bind(any_v4()).unwrap();
        fails(ErrorKind::InvalidInput, socket.set_multicast_ttl_v4(256));
        socket.set_multicast_ttl_v4(0).unwrap();
        assert_eq!(socket.multicast_ttl_v4().unwrap(), 0);
    });
}

#[test]
fn there_are_1_to_255_hops() {
    alone(|| {
        let socket = UdpSocket::bind(any_v4()).unwrap();
        fails(ErrorKind::InvalidInput, socket.set_ttl(0));
        fails(ErrorKind::InvalidInput, socket.set_ttl(256));
    });
}

#[test]
fn hops_of_ipv6_sockets_are_those_of_ip_ttl() {
    alone(|| {
        if !kernel::has("[::1]:0") {
            return println!("skipped: no IPv6");
        }
        let socket = UdpSocket::bind(any_v6()).unwrap();
        socket.set_ttl(7).unwrap();
        assert_eq!(socket.ttl().unwrap(), 7);
        assert_eq!(kernel::option(&socket, libc::IPPROTO_IP, libc::IP_TTL), 7);
        let hops = kernel::option(&socket, libc::IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS);
        assert_ne!(hops, 7);
    });
}

#[test]
fn what_is_too_long_for_a_datagram_is_not_sent() {
    alone(|| {
        let [a, b] = [(); 2].map(|()| UdpSocket::bind(any_v4()).unwrap());
        let result = a.send_to(&[0; 65_508], b.local_addr().unwrap());
        assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::EMSGSIZE));
        a.connect(b.local_addr().unwrap()).unwrap();
        let result = a.send(&[0; 65_508]);
        assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::EMSGSIZE));
        would_block(b.recv(&mut [0; 8]));

        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("to");
        let c = UnixDatagram::bind(&to).unwrap();
        let huge = vec![0; 16 << 20];
        let result = UnixDatagram::unbound().unwrap().send_to(&huge, &to);
        assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::EMSGSIZE));
        would_block(c.recv(&mut [0; 8]));
    });
}

#[test]
fn a_refused_datagram_is_an_error_of_the_next_call() {
    alone(|| {
        for send in [true, false] {
            let [a, b] = [(); 2].map(|()| UdpSocket::bind(any_v4()).unwrap());
            a.connect(b.local_addr().unwrap()).unwrap();
            drop(b);
            a.send(b"x").unwrap();
            let mut watch = Watch::new();
            let mut a = a;
            watch.register(&mut a, 1, READABLE);
            watch.until("an error", Event::is_error);
            let call = if send { a.send(b"y") } else { a.recv(&mut [0; 8]) };
            fails(ErrorKind::ConnectionRefused, call);
        }
    });
}

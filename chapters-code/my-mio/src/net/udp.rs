//! UDP: udp(7).

use std::fmt;
use std::io;
use std::net::{self, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use crate::handle::{forward, handle, standard, try_io};
use crate::source::IoSource;
use crate::{Interest, Registry, Token, event, sys};

// ANCHOR: udp
handle! {
    /// A non-blocking UDP socket.
    UdpSocket(net::UdpSocket)
}
standard!(UdpSocket(net::UdpSocket));
try_io!(UdpSocket);

impl UdpSocket {
    /// Makes a socket with this address. For port 0 the kernel chooses a free one.
    pub fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
        let socket = net::UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        Ok(UdpSocket::from_std(socket))
    }

    /// Whether a socket for IPv6 refuses IPv4: `IPV6_V6ONLY`, ipv6(7).
    pub fn only_v6(&self) -> io::Result<bool> {
        sys::only_v6(self)
    }
}

forward! { UdpSocket:
    /// The address of this end.
    fn local_addr() -> SocketAddr;
    /// The address that it is connected to; an error if there is none.
    fn peer_addr() -> SocketAddr;
    /// Sends one datagram to `target`, all of it or none.
    fn send_to(buf: &[u8], target: SocketAddr) -> usize;
    /// Receives one datagram, cut to the buffer, and returns its length and its sender.
    fn recv_from(buf: &mut [u8]) -> (usize, SocketAddr);
    /// Receives one datagram like `recv_from`, and leaves it in the socket.
    fn peek_from(buf: &mut [u8]) -> (usize, SocketAddr);
    /// From now on this socket sends to and receives from `address` alone. Nothing is sent.
    fn connect(address: SocketAddr) -> ();
    /// Sends one datagram to the address that it is connected to.
    fn send(buf: &[u8]) -> usize;
    /// Receives one datagram, cut to the buffer, from the address that it is connected to.
    fn recv(buf: &mut [u8]) -> usize;
    /// Receives one datagram like `recv`, and leaves it in the socket.
    fn peek(buf: &mut [u8]) -> usize;
    /// Fetches the pending error of the socket and clears it: a second call returns `None`.
    fn take_error() -> Option<io::Error>;
}

forward! { UdpSocket:
    /// Says whether it may send to everybody on the link: `SO_BROADCAST`, socket(7).
    fn set_broadcast(on: bool) -> ();
    /// Whether it may send to everybody on the link: `SO_BROADCAST`, socket(7).
    fn broadcast() -> bool;
    /// Sets the number of hops that a packet may make: `IP_TTL`, ip(7).
    fn set_ttl(ttl: u32) -> ();
    /// The number of hops that a packet may make: `IP_TTL`, ip(7).
    fn ttl() -> u32;
    /// Says whether this machine receives its own multicast of IPv4: `IP_MULTICAST_LOOP`.
    fn set_multicast_loop_v4(on: bool) -> ();
    /// Whether this machine receives its own multicast of IPv4: `IP_MULTICAST_LOOP`.
    fn multicast_loop_v4() -> bool;
    /// Sets the number of hops that multicast of IPv4 may make: `IP_MULTICAST_TTL`.
    fn set_multicast_ttl_v4(ttl: u32) -> ();
    /// The number of hops that multicast of IPv4 may make: `IP_MULTICAST_TTL`.
    fn multicast_ttl_v4() -> u32;
}

forward! { UdpSocket:
    /// Says whether this machine receives its own multicast of IPv6: `IPV6_MULTICAST_LOOP`.
    fn set_multicast_loop_v6(on: bool) -> ();
    /// Whether this machine receives its own multicast of IPv6: `IPV6_MULTICAST_LOOP`.
    fn multicast_loop_v6() -> bool;
    /// Joins a multicast group of IPv4, through the interface with this address.
    fn join_multicast_v4(group: &Ipv4Addr, interface: &Ipv4Addr) -> ();
    /// Joins a multicast group of IPv6, through the interface with this number.
    fn join_multicast_v6(group: &Ipv6Addr, interface: u32) -> ();
    /// Leaves a multicast group of IPv4, joined through the interface with this address.
    fn leave_multicast_v4(group: &Ipv4Addr, interface: &Ipv4Addr) -> ();
    /// Leaves a multicast group of IPv6, joined through the interface with this number.
    fn leave_multicast_v6(group: &Ipv6Addr, interface: u32) -> ();
}
// ANCHOR_END: udp

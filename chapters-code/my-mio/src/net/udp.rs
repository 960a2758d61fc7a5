//! UDP.

use std::fmt;
use std::io;
use std::net::{self, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use crate::handle::{forward, handle, standard, try_io};
use crate::source::IoSource;
use crate::{Interest, Registry, Token, event, sys};

// ANCHOR: udp
handle! {
    /// A UDP socket.
    UdpSocket(net::UdpSocket)
}
standard!(UdpSocket(net::UdpSocket));
try_io!(UdpSocket);

impl UdpSocket {
    /// Takes the address.
    pub fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
        let socket = net::UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        Ok(UdpSocket::from_std(socket))
    }

    /// Whether a socket for IPv6 refuses IPv4.
    pub fn only_v6(&self) -> io::Result<bool> {
        sys::only_v6(self)
    }
}

forward! { UdpSocket:
    /// This end.
    fn local_addr() -> SocketAddr;
    /// The other end, if it is connected.
    fn peer_addr() -> SocketAddr;
    /// Sends one datagram: all of it or an error.
    fn send_to(buf: &[u8], target: SocketAddr) -> usize;
    /// Receives one datagram, cut to the buffer, and who sent it.
    fn recv_from(buf: &mut [u8]) -> (usize, SocketAddr);
    /// Receives, and leaves the datagram there.
    fn peek_from(buf: &mut [u8]) -> (usize, SocketAddr);
    /// From now on sends to and receives from `address` alone.
    fn connect(address: SocketAddr) -> ();
    /// Sends to the address that it is connected to.
    fn send(buf: &[u8]) -> usize;
    /// Receives from the address that it is connected to.
    fn recv(buf: &mut [u8]) -> usize;
    /// The same, and leaves the datagram there.
    fn peek(buf: &mut [u8]) -> usize;
    /// The error that is waiting, once.
    fn take_error() -> Option<io::Error>;
}

forward! { UdpSocket:
    /// Whether it may send to everybody on the link, `SO_BROADCAST`.
    fn set_broadcast(on: bool) -> ();
    /// Whether it may send to everybody on the link.
    fn broadcast() -> bool;
    /// The number of hops that a packet may make, `IP_TTL`.
    fn set_ttl(ttl: u32) -> ();
    /// The number of hops that a packet may make.
    fn ttl() -> u32;
    /// Whether this machine gets its own multicast, `IP_MULTICAST_LOOP`.
    fn set_multicast_loop_v4(on: bool) -> ();
    /// Whether this machine gets its own multicast.
    fn multicast_loop_v4() -> bool;
    /// The number of hops that multicast may make, `IP_MULTICAST_TTL`.
    fn set_multicast_ttl_v4(ttl: u32) -> ();
    /// The number of hops that multicast may make.
    fn multicast_ttl_v4() -> u32;
}

forward! { UdpSocket:
    /// The same for IPv6, `IPV6_MULTICAST_LOOP`.
    fn set_multicast_loop_v6(on: bool) -> ();
    /// The same for IPv6.
    fn multicast_loop_v6() -> bool;
    /// Receives what is sent to the group, through the interface with this address.
    fn join_multicast_v4(group: &Ipv4Addr, interface: &Ipv4Addr) -> ();
    /// The same for IPv6, where interfaces have numbers.
    fn join_multicast_v6(group: &Ipv6Addr, interface: u32) -> ();
    /// Undoes it.
    fn leave_multicast_v4(group: &Ipv4Addr, interface: &Ipv4Addr) -> ();
    /// Undoes it.
    fn leave_multicast_v6(group: &Ipv6Addr, interface: u32) -> ();
}
// ANCHOR_END: udp

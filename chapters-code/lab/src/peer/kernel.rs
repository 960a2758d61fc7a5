//! What the kernel tells of a connection, and what it is told of a socket.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd};

/// `SOCK_DIAG_BY_FAMILY` in `linux/sock_diag.h`.
const BY_FAMILY: u16 = 20;

/// The ports of a connection on 127.0.0.1.
#[derive(Clone, Copy)]
pub(super) struct Link {
    pub(super) client: u16,
    pub(super) ours: u16,
}

/// What the kernel tells of a socket.
pub(super) struct Socket {
    pub(super) state: u8,
    pub(super) unread: u32,
    /// Whether some process still holds it.
    pub(super) owned: bool,
}

impl Link {
    /// The client's socket. None if there is none any more, or if this kernel does not tell.
    pub(super) fn far_end(self) -> Option<Socket> {
        let reply = self.ask_for_far_end().ok()?;
        // struct nlmsghdr, whose type says whether this follows: struct inet_diag_msg. In that
        // idiag_state is the second byte, idiag_rqueue stands at 56, and idiag_inode at 68.
        let number = |at| Some(u32::from_ne_bytes(reply.get(at..at + 4)?.try_into().ok()?));
        let (state, unread, inode) = (*reply.get(17)?, number(72)?, number(84)?);
        let found = reply.get(4..6)? == BY_FAMILY.to_ne_bytes();
        found.then_some(Socket { state, unread, owned: inode != 0 })
    }

    /// Looks one socket up: `sock_diag(7)`.
    fn ask_for_far_end(self) -> io::Result<Vec<u8>> {
        let flags = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: socket takes integers.
        let netlink = unsafe { libc::socket(libc::AF_NETLINK, flags, libc::NETLINK_SOCK_DIAG) };
        if netlink == -1 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it is open, and nobody else owns it.
        let mut netlink = unsafe { File::from_raw_fd(netlink) };
        // struct nlmsghdr: length, type, flags, sequence, port.
        let mut request = 72_u32.to_ne_bytes().to_vec();
        request.extend([BY_FAMILY, libc::NLM_F_REQUEST as u16].map(u16::to_ne_bytes).concat());
        request.extend([0; 8]);
        // struct inet_diag_req_v2: family, protocol, two of no interest, states; and the socket:
        // its ports, its addresses (of which IPv4 uses 4 bytes of 16), no interface, no cookie.
        request.extend([libc::AF_INET as u8, libc::IPPROTO_TCP as u8, 0, 0, 255, 255, 255, 255]);
        request.extend([self.client, self.ours].map(u16::to_be_bytes).concat());
        request.extend([[127, 0, 0, 1], [0; 4], [0; 4], [0; 4]].concat().repeat(2));
        request.extend([[0; 4], [255; 4], [255; 4]].concat());
        // The kernel has answered when the write returns.
        netlink.write_all(&request)?;
        let mut reply = vec![0; 512];
        let n = netlink.read(&mut reply)?;
        reply.truncate(n);
        Ok(reply)
    }
}

/// How many bytes were written and not yet sent (`SIOCOUTQNSD` in `linux/sockios.h`) or not yet
/// acknowledged (`TIOCOUTQ`, which is `SIOCOUTQ` in `tcp(7)`).
pub(super) fn in_queue(socket: BorrowedFd<'_>, request: libc::Ioctl) -> io::Result<i32> {
    let mut bytes = 0;
    // SAFETY: the socket is open while it is borrowed, and each of these requests writes one int.
    match unsafe { libc::ioctl(socket.as_raw_fd(), request, &raw mut bytes) } {
        0 => Ok(bytes),
        _ => Err(io::Error::last_os_error()),
    }
}

/// `setsockopt(2)`.
pub(super) fn set<T>(socket: BorrowedFd<'_>, level: i32, option: i32, value: &T) -> io::Result<()> {
    let (value, len) = (&raw const *value, size_of_val(value) as libc::socklen_t);
    // SAFETY: the socket is open while it is borrowed, and the kernel reads `len` bytes from
    // `value`, which is that long.
    match unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, value.cast(), len) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// From now on closing the socket sends a reset: `SO_LINGER` in `socket(7)`.
pub(super) fn linger_for_no_time(socket: &TcpStream) -> io::Result<()> {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    set(socket.as_fd(), libc::SOL_SOCKET, libc::SO_LINGER, &linger)
}

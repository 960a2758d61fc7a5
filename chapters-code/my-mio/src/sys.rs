//! Calls to the kernel for which std has no non-blocking form.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

pub(crate) use address::Address;

mod address;

// ANCHOR: check
/// Turns libc's -1 into the error that `errno` holds.
pub(crate) fn check(result: i32) -> io::Result<i32> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
// ANCHOR_END: check

// ANCHOR: connect
/// A stream socket that is on its way to `address`, or there already. It does not block, and no
/// program inherits it. If the kernel refuses to begin, that is the error, and no descriptor
/// stays open.
pub(crate) fn connect(address: &Address) -> io::Result<OwnedFd> {
    // FORK connecting: make a socket that does not block, and begin to connect it
    // HINT: socket(2) takes flags beside the type. Which two spare you a call each?
    // HINT: connect(2), under ERRORS, has one for a connect that is under way. Is a full queue of a Unix
    //   listener, EAGAIN, the same?
    // HINT: A socket; its owner, so that it is closed if anything fails from here on; the connect, of which
    //   one error is none.
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: socket takes no pointer.
    let fd = check(unsafe { libc::socket(address.family(), kind, 0) })?;
    // SAFETY: the call has just returned `fd`, so it is open and nobody else owns it.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: `address` is as long as it says, and lives through the call.
    match check(unsafe { libc::connect(fd, address.as_ptr(), address.len()) }) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(socket),
    }
}
// ANCHOR_END: connect

// ANCHOR: accept
/// The next connection of a listener, non-blocking and closed on execve(2) from its first moment,
/// and who is at the other end.
pub(crate) fn accept(listener: RawFd) -> io::Result<(OwnedFd, Address)> {
    // FORK connecting: accept a connection that does not block from its first moment
    // HINT: Does an accepted socket inherit that its listener does not block? accept4(2), on `flags`.
    // HINT: `Address::empty` has the room, and one of its methods the two pointers that the call wants.
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    let mut address = Address::empty();
    // SAFETY: the kernel writes at most the capacity that `len` brings, and the true length to it.
    let fd = unsafe {
        let (address, len) = address.as_mut_ptrs();
        libc::accept4(listener, address, len, flags)
    };
    // SAFETY: the call has just returned it, so it is open and nobody else owns it.
    let socket = unsafe { OwnedFd::from_raw_fd(check(fd)?) };
    Ok((socket, address))
}
// ANCHOR_END: accept

// ANCHOR: only_v6
/// Whether a socket for IPv6 refuses IPv4: ipv6(7).
pub(crate) fn only_v6(socket: &impl AsFd) -> io::Result<bool> {
    let (fd, mut only) = (socket.as_fd().as_raw_fd(), 0_i32);
    let mut len = size_of_val(&only) as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` bytes to `only`, which has as many.
    check(unsafe {
        let only = (&raw mut only).cast();
        libc::getsockopt(fd, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, only, &mut len)
    })?;
    Ok(only != 0)
}
// ANCHOR_END: only_v6

// ANCHOR: set_nonblocking
/// For pipes: sockets have it in std.
pub(crate) fn set_nonblocking(file: &impl AsFd, nonblocking: bool) -> io::Result<()> {
    let (fd, on) = (file.as_fd().as_raw_fd(), i32::from(nonblocking));
    // SAFETY: FIONBIO reads an int, which lives through the call.
    check(unsafe { libc::ioctl(fd, libc::FIONBIO, &raw const on) })?;
    Ok(())
}
// ANCHOR_END: set_nonblocking

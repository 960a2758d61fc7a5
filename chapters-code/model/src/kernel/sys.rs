//! The system calls, and nothing around them.

use super::*;

/// The last error.
pub fn last() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Takes a new descriptor into possession.
pub fn owned(fd: RawFd) -> io::Result<OwnedFd> {
    match fd {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: the kernel has given out this descriptor just now, and nobody else knows it.
        fd => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
    }
}

/// A duplicate with a number that is not below this one.
pub fn duplicate(fd: &OwnedFd, above: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: it takes no pointer.
    owned(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, above) })
}

pub fn epoll() -> io::Result<OwnedFd> {
    // SAFETY: it takes no pointer.
    owned(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })
}

pub fn eventfd() -> io::Result<OwnedFd> {
    // SAFETY: it takes no pointer.
    owned(unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) })
}

pub fn pipe() -> io::Result<[OwnedFd; 2]> {
    let mut ends = [-1; 2];
    // SAFETY: there is room for the two numbers that it writes.
    match unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_NONBLOCK | libc::O_CLOEXEC) } {
        0 => Ok([owned(ends[0])?, owned(ends[1])?]),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The error, or 0.
pub fn control(epoll: RawFd, op: libc::c_int, fd: RawFd, asks: Flags, data: u64) -> i32 {
    let mut event = libc::epoll_event { events: asks.0, u64: data };
    // SAFETY: the event lives as long as the call.
    match unsafe { libc::epoll_ctl(epoll, op, fd, &mut event) } {
        0 => 0,
        _ => last(),
    }
}

pub fn wait(epoll: RawFd, room: usize, timeout: i32) -> Vec<Event> {
    let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; room];
    // SAFETY: there is room for so many events.
    let count = unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), room as i32, timeout) };
    events.truncate(count.max(0) as usize);
    events.iter().map(|event| (event.u64 as usize, Flags(event.events))).collect()
}

pub fn poll(fd: RawFd, asks: Flags) -> Flags {
    let mut asked = libc::pollfd { fd, events: asks.0 as i16, revents: 0 };
    // SAFETY: it is one, and lives as long as the call.
    unsafe { libc::poll(&mut asked, 1, 0) };
    Flags(asked.revents as u16 as u32)
}

/// One read of at most so many bytes: how many came, or the error.
pub fn read(fd: RawFd, buffer: &mut [u8]) -> Result<u64, i32> {
    // SAFETY: the buffer is as long as is said.
    let count = unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) };
    u64::try_from(count).map_err(|_| last())
}

/// One write: how many bytes went, or the error.
pub fn write(fd: RawFd, bytes: &[u8]) -> Result<u64, i32> {
    // SAFETY: the buffer is as long as is said.
    let count = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
    u64::try_from(count).map_err(|_| last())
}

pub fn shutdown(fd: RawFd) -> Result<u64, i32> {
    // SAFETY: it takes no pointer.
    match unsafe { libc::shutdown(fd, libc::SHUT_WR) } {
        0 => Ok(0),
        _ => Err(last()),
    }
}

/// Makes a close reset the connection.
pub fn linger(fd: RawFd) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let size = mem::size_of_val(&linger) as u32;
    let linger = ptr::from_ref(&linger).cast();
    // SAFETY: the option is as long as is said, and lives as long as the call.
    unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_LINGER, linger, size) };
}

/// How many bytes a read would find. (Of a datagram socket, the first datagram's.)
pub fn unread(fd: RawFd) -> u64 {
    let mut count: libc::c_int = 0;
    // SAFETY: it writes one int, into that one.
    unsafe { libc::ioctl(fd, libc::FIONREAD, &mut count) };
    count.max(0) as u64
}

fn option<const N: usize>(fd: RawFd, level: libc::c_int, name: libc::c_int) -> [u32; N] {
    let mut words = [0; N];
    let mut size = mem::size_of_val(&words) as u32;
    // SAFETY: there is room for as much as is said.
    unsafe { libc::getsockopt(fd, level, name, words.as_mut_ptr().cast(), &mut size) };
    words
}

/// How full a socket's buffers are, in the kernel's accounting.
pub struct Memory {
    /// Of what has come.
    pub received: u32,
    /// Of what goes out, on a Unix socket; on TCP, see `queued`.
    pub sending: u32,
    /// How large the send buffer is.
    pub size: u32,
    /// Of what goes out, on TCP.
    pub queued: u32,
    /// How many datagrams were thrown away.
    pub drops: u32,
}

pub fn memory(fd: RawFd) -> Memory {
    const SO_MEMINFO: libc::c_int = 55;
    let words: [u32; 9] = option(fd, libc::SOL_SOCKET, SO_MEMINFO);
    let [received, _, sending, size, _, queued, _, _, drops] = words;
    Memory { received, sending, size, queued, drops }
}

/// The state of a TCP socket, and what it has not been acknowledged; of one that listens, how many
/// clients it could accept.
pub fn tcp(fd: RawFd) -> (u8, u32) {
    let words: [u32; 8] = option(fd, libc::IPPROTO_TCP, libc::TCP_INFO);
    (words[0].to_ne_bytes()[0], words[6])
}

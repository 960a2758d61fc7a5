//! `poll(2)`: which sockets are worth a try. Level-triggered, and asked anew each time.

use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::time::Duration;

/// A socket, and what it is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The socket.
    pub socket: &'a TcpStream,
    /// Whether room to write counts as well as bytes to read.
    pub to_write: bool,
}

/// Sleeps until a socket is worth a try, or the patience is over, or a signal comes. Says of each, in
/// the order in which they were asked about, whether it is. An end and an error are worth a try too.
pub fn ready(asked: &[Asked<'_>], patience: Duration) -> io::Result<Vec<bool>> {
    let poll = |one: &Asked<'_>| libc::pollfd {
        fd: one.socket.as_raw_fd(),
        events: libc::POLLIN | if one.to_write { libc::POLLOUT } else { 0 },
        revents: 0,
    };
    let mut polled: Vec<libc::pollfd> = asked.iter().map(poll).collect();
    // Rounded up: a timeout of 0 would not sleep.
    let timeout = patience.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(i32::MAX);
    let count = polled.len() as libc::nfds_t;
    // SAFETY: the kernel reads and writes `count` structures, which is how many `polled` has, and it
    // lives through the call.
    if unsafe { libc::poll(polled.as_mut_ptr(), count, timeout) } == -1 {
        let error = io::Error::last_os_error();
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
        return Ok(vec![false; asked.len()]);
    }
    Ok(polled.iter().map(|one| one.revents != 0).collect())
}

//! Clients as a server meets them: many at once, slow ones, ones that vanish, ones that never read.
//!
//! Each of these is a blocking client in the calling thread, over TCP. What it returns is what the
//! client saw.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::thread;
use std::time::Duration;

/// How long a client waits for a server that says nothing before it gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client of the server at `address`, which gives up after 20 s without an answer.
pub fn client(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// So many clients, all connected before the first one asks, and all asking before the first one
/// listens. Each expects an answer as long as its request; the last to ask is the first to listen.
pub fn at_once(address: SocketAddr, n: usize, request: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    let clients: io::Result<Vec<_>> = (0..n).map(|_| client(address)).collect();
    let mut clients = clients?;
    clients.iter_mut().try_for_each(|client| client.write_all(request))?;
    let answer = |client: &mut TcpStream| {
        let mut answer = vec![0; request.len()];
        client.read_exact(&mut answer).map(|()| answer)
    };
    clients.iter_mut().rev().map(answer).collect()
}

/// A client that sends a byte, pauses, and sends the next. The answer is as long as the request.
pub fn slowly(address: SocketAddr, request: &[u8], pause: Duration) -> io::Result<Vec<u8>> {
    let mut client = client(address)?;
    for byte in request {
        client.write_all(&[*byte])?;
        thread::sleep(pause);
    }
    let mut answer = vec![0; request.len()];
    client.read_exact(&mut answer)?;
    Ok(answer)
}

/// A client that sends a part of its request and is gone: by a close, or by a reset.
pub fn gone(address: SocketAddr, part: &[u8], reset: bool) -> io::Result<()> {
    let mut client = client(address)?;
    client.write_all(part)?;
    if reset {
        reset_on_close(&client)?;
    }
    Ok(())
}

/// Makes the close of this socket a reset, whatever is in it: `SO_LINGER` of 0 s, see `socket(7)`.
pub fn reset_on_close(stream: &TcpStream) -> io::Result<()> {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let size = size_of::<libc::linger>() as libc::socklen_t;
    // SAFETY: the option's value is a `linger`, which lives through the call, and `size` is its size.
    let set = unsafe {
        let value = (&raw const linger).cast();
        libc::setsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, value, size)
    };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A client that says that its request is over, by `shutdown(SHUT_WR)`, and then listens to the end.
pub fn half_closed(address: SocketAddr, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut client = client(address)?;
    client.write_all(request)?;
    client.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    client.read_to_end(&mut answer)?;
    Ok(answer)
}

/// A client that sends and never reads, until the server has taken nothing for `quiet`, or `most`
/// bytes are sent. How many bytes were sent, and the connection, which is still open.
pub fn never_reads(
    address: SocketAddr,
    quiet: Duration,
    most: usize,
) -> io::Result<(usize, TcpStream)> {
    let mut client = client(address)?;
    client.set_write_timeout(Some(quiet))?;
    let (block, mut sent) = ([b'x'; 16 * 1024], 0);
    while sent < most {
        match client.write(&block) {
            Ok(n) => sent += n,
            // What a write with a timeout says when the time is over.
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
    }
    Ok((sent, client))
}

/// Sees to it that this process may open so many descriptors more than a hundred: raises the soft
/// limit where the hard limit allows it. False if it does not.
pub fn room_for(n: usize) -> io::Result<bool> {
    let wanted = n as libc::rlim_t + 100;
    let mut limit = descriptor_limit()?;
    if limit.rlim_cur < wanted && wanted <= limit.rlim_max {
        limit.rlim_cur = wanted;
        set_descriptor_limit(limit)?;
    }
    Ok(wanted <= limit.rlim_cur)
}

/// Lowers the soft limit so that so many descriptors more can be opened, as long as none is opened
/// or closed meanwhile: the limit is on their numbers, and a new one gets the lowest that is free.
/// Returns the limit as it was, for [`set_descriptor_limit`].
pub fn leave_descriptors(n: usize) -> io::Result<libc::rlimit> {
    let before = descriptor_limit()?;
    let next: io::Result<Vec<_>> =
        (0..=n).map(|_| io::stdout().as_fd().try_clone_to_owned()).collect();
    // The one too many has the number that none may have.
    let limit = next?.iter().map(AsRawFd::as_raw_fd).max().unwrap_or(0);
    set_descriptor_limit(libc::rlimit { rlim_cur: limit as libc::rlim_t, ..before })?;
    Ok(before)
}

fn descriptor_limit() -> io::Result<libc::rlimit> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel writes one `rlimit`, which is what `limit` is.
    match unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } {
        0 => Ok(limit),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Sets the limits of descriptors of this process, `RLIMIT_NOFILE`.
pub fn set_descriptor_limit(limit: libc::rlimit) -> io::Result<()> {
    // SAFETY: the kernel reads one `rlimit`, which is what `limit` is.
    match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

//! Four clients, two descriptors: what three loops do with the two who are left, and after two have
//! gone.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use lab::crowd::{leave_descriptors, set_descriptor_limit};

const WAITS: usize = 1000;

fn main() -> io::Result<()> {
    println!("                           waits that return at once   accepted when two have gone");
    run("level  wait again", 0, false)?;
    run("edge   wait again", libc::EPOLLET, false)?;
    run("edge   remember, try again", libc::EPOLLET, true)
}

// ANCHOR: run
fn run(row: &str, flag: i32, remember: bool) -> io::Result<()> {
    let (listener, epoll) = watched(flag)?;
    let clients = (0..4).map(|_| TcpStream::connect(listener.local_addr()?));
    let _clients = clients.collect::<io::Result<Vec<_>>>()?;

    let limit = leave_descriptors(2)?;
    let (mut accepted, mut at_once) = (Vec::new(), 0);
    wait(&epoll)?;
    accept_all(&listener, &mut accepted);
    for _ in 0..WAITS {
        at_once += wait(&epoll)?;
        accept_all(&listener, &mut accepted);
    }

    accepted.clear();
    if remember || wait(&epoll)? != 0 {
        accept_all(&listener, &mut accepted);
    }
    println!("{row:<26} {at_once:>14} of {WAITS} {:>22} of 2", accepted.len());
    set_descriptor_limit(limit)
}

/// Until somebody says stop: nobody is left, or no descriptor.
fn accept_all(listener: &TcpListener, accepted: &mut Vec<TcpStream>) {
    while let Ok((stream, _)) = listener.accept() {
        accepted.push(stream);
    }
}
// ANCHOR_END: run

/// A listener that does not block, in an epoll, for connections.
fn watched(flag: i32) -> io::Result<(TcpListener, OwnedFd)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    // SAFETY: epoll_create1 takes no pointer.
    let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
    // SAFETY: the call has just returned `fd`, so it is open and nobody else owns it.
    let epoll = unsafe { OwnedFd::from_raw_fd(fd) };
    let mut event = libc::epoll_event { events: (libc::EPOLLIN | flag) as u32, u64: 0 };
    let (add, of) = (libc::EPOLL_CTL_ADD, listener.as_raw_fd());
    // SAFETY: the kernel reads `event` during the call, and both descriptors are open.
    check(unsafe { libc::epoll_ctl(epoll.as_raw_fd(), add, of, &mut event) })?;
    Ok((listener, epoll))
}

/// How many events there are now: 0 or 1.
fn wait(epoll: &OwnedFd) -> io::Result<usize> {
    let mut event = libc::epoll_event { events: 0, u64: 0 };
    // SAFETY: the kernel writes at most the one event that `event` has room for.
    Ok(check(unsafe { libc::epoll_wait(epoll.as_raw_fd(), &mut event, 1, 0) })? as usize)
}

/// Turns libc's -1 into the error that `errno` holds.
fn check(result: i32) -> io::Result<i32> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

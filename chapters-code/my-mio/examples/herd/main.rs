//! One connection, eight threads that wait for it, and nobody who accepts. Over a Unix socket, or with
//! `tcp` over TCP.

mod sleepers;

use std::{env, io};

use my_mio::Poll;

use sleepers::{Kind, THREADS, woken};

fn main() -> io::Result<()> {
    let (level, edge) = (libc::EPOLLIN, libc::EPOLLIN | libc::EPOLLET);
    let kind = match env::args().nth(1).as_deref() {
        None => Kind::Unix,
        Some("tcp") => Kind::Tcp,
        Some(other) => return Err(io::Error::other(format!("not `{other}`: tcp, or nothing"))),
    };
    println!("one connection, eight threads that wait   returned");
    for (polls, name, flags) in [
        (THREADS, "each in its own epoll, level-triggered", level),
        (THREADS, "each in its own epoll, edge-triggered", edge),
        (THREADS, "each in its own epoll, EPOLLEXCLUSIVE", level | libc::EPOLLEXCLUSIVE),
        (1, "all in one epoll, level-triggered", level),
        (1, "all in one epoll, edge-triggered", edge),
    ] {
        let polls = (0..polls).map(|_| Poll::new()).collect::<io::Result<Vec<_>>>()?;
        println!("{name:<41} {} of {THREADS}", woken(&polls, flags, kind)?.len());
    }
    Ok(())
}

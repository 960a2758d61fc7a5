//! One connection, eight threads that wait for it, and nobody who accepts.

mod sleepers;

use std::io;

use my_mio::Poll;

use sleepers::{Kind, THREADS, woken};

fn main() -> io::Result<()> {
    let (level, edge) = (libc::EPOLLIN, libc::EPOLLIN | libc::EPOLLET);
    println!("one connection, eight threads that wait   returned");
    for (polls, name, flags) in [
        (THREADS, "each in its own epoll, level-triggered", level),
        (THREADS, "each in its own epoll, edge-triggered", edge),
        (THREADS, "each in its own epoll, EPOLLEXCLUSIVE", level | libc::EPOLLEXCLUSIVE),
        (1, "all in one epoll, level-triggered", level),
        (1, "all in one epoll, edge-triggered", edge),
    ] {
        let polls = (0..polls).map(|_| Poll::new()).collect::<io::Result<Vec<_>>>()?;
        println!("{name:<41} {} of {THREADS}", woken(&polls, flags, Kind::Unix)?.len());
    }
    Ok(())
}

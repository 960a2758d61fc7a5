//! The system calls of a server, counted one by one.
//!
//! The server is a process of its own: the caller's program, started again and told by a variable
//! what to play. Its client is here, and is not traced.

use std::env;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::process::{Command, Stdio};
use std::thread;

use lab::measure::marked;

use crate::contenders::{Contender, named};
use crate::end::{End, SIZE};
use crate::queue::check;
pub use crate::tracer::{count, refused};

/// Tells a program that it is the server: the contender, the connections, the client's address.
const SERVER: &str = "SPEED_SERVER";

/// How many turns are counted where one request makes one turn.
const TURNS: usize = 100;

/// The system calls for 1,000 requests. `again` starts this program so that it comes to
/// [`played`]. With several connections all requests have arrived before the server looks, so that
/// chance has no part in how many it finds.
pub fn for_1000_requests(
    mut again: Command,
    contender: &Contender,
    connections: usize,
) -> io::Result<u64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let told = format!("{}@{connections}@{}", contender.name, listener.local_addr()?);
    again.env(SERVER, told).stdout(Stdio::null());
    thread::scope(|scope| {
        scope.spawn(|| ask_until_closed(&listener, connections));
        let calls = count(again);
        if calls.is_err() {
            // There was no server, or none to the end, and its client may still wait for it.
            connect(listener.local_addr()?, connections)?;
        }
        let requests = if connections == 1 { TURNS } else { connections };
        Ok((calls? * 1_000 / requests) as u64)
    })
}

/// A request on each connection, then the replies, and again.
fn ask_until_closed(listener: &TcpListener, connections: usize) -> io::Result<()> {
    let accept = |_| listener.accept().map(|(stream, _)| stream);
    let mut streams = (0..connections).map(accept).collect::<io::Result<Vec<_>>>()?;
    loop {
        for stream in &mut streams {
            stream.write_all(&[b'x'; SIZE])?;
        }
        for stream in &mut streams {
            stream.read_exact(&mut [0; SIZE])?;
        }
    }
}

/// Whether this process was started as the server; then it has served.
pub fn played() -> io::Result<bool> {
    let Ok(told) = env::var(SERVER) else {
        return Ok(false);
    };
    let told: Vec<&str> = told.split('@').collect();
    let [name, connections, client] = told[..] else {
        return Err(io::Error::other("contender@connections@address"));
    };
    let (contender, client) = (named(name)?, client.parse().map_err(io::Error::other)?);
    let connections: usize = connections.parse().map_err(io::Error::other)?;
    (contender.play)(connect(client, connections)?)?;
    Ok(true)
}

fn connect(client: SocketAddr, connections: usize) -> io::Result<Vec<TcpStream>> {
    (0..connections).map(|_| TcpStream::connect(client)).collect()
}

/// The server: the first turn is not counted.
pub(crate) fn play<E: End>(streams: Vec<TcpStream>) -> io::Result<()> {
    let fds: Vec<RawFd> = streams.iter().map(AsRawFd::as_raw_fd).collect();
    let mut end = E::new(streams)?;
    if fds.len() == 1 {
        // The first turn of a ring has nothing to send.
        end.answer()?;
        return marked(|| (0..TURNS).try_for_each(|_| end.answer().map(drop)));
    }
    wait_for_all(&fds)?;
    end.answer()?;
    wait_for_all(&fds)?;
    marked(|| end.answer()).map(drop)
}

/// Waits until all of them have something to read.
fn wait_for_all(streams: &[RawFd]) -> io::Result<()> {
    let poll = |&fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    let mut without: Vec<libc::pollfd> = streams.iter().map(poll).collect();
    while !without.is_empty() {
        // SAFETY: the kernel reads and writes as many pollfds as there are.
        check(unsafe { libc::poll(without.as_mut_ptr(), without.len() as libc::nfds_t, -1) })?;
        without.retain(|one| one.revents == 0);
    }
    Ok(())
}

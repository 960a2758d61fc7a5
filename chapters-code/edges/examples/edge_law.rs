//! The five bytes and the close are there before the client waits: what luck decided is now decided.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;

use edges::{EDGE, Ended, Epoll, LEVEL, drain_per_event, one_read_per_event, unix_pair};

// ANCHOR: law
fn main() -> io::Result<()> {
    println!("                               still waiting");
    count("level   one read per event", LEVEL, one_read_per_event)?;
    count("edge    one read per event", EDGE, one_read_per_event)?;
    count("edge    read until WouldBlock", EDGE, drain_per_event)
}

type Reader = fn(&Epoll, &mut UnixStream, i32) -> io::Result<Ended>;

fn count(row: &str, interest: u32, reader: Reader) -> io::Result<()> {
    let mut waiting = 0;
    for _ in 0..1000 {
        let (mut client, mut server) = unix_pair()?;
        let epoll = Epoll::watching(&client, interest)?;
        server.write_all(b"hello")?;
        drop(server);
        let ended = reader(&epoll, &mut client, 0)?;
        waiting += usize::from(matches!(ended, Ended::StillWaiting { .. }));
    }
    println!("{row:<30} {waiting:>5} of 1000");
    Ok(())
}
// ANCHOR_END: law

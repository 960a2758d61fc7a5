//! A connection with nothing to send and nothing to read. How many waits return at once?

use std::io;

use edges::{Epoll, Incoming, LEVEL, NOTHING, Outgoing, WRITE, pair, send_all};

const WAITS: usize = 1000;

fn main() -> io::Result<()> {
    println!("interest on an idle connection   waits that return at once");
    let edge = libc::EPOLLET as u32;
    for (name, interest) in [
        ("in writing, level-triggered", LEVEL | WRITE),
        ("in writing, edge-triggered", LEVEL | WRITE | edge),
    ] {
        let (client, _server) = pair()?;
        count(name, &Epoll::watching(&client, interest)?);
    }
    let (mut client, _server) = pair()?;
    let epoll = Epoll::watching(&client, LEVEL)?;
    let (mut out, mut inbox) = (Outgoing::new(b"hello".to_vec()), Incoming::default());
    send_all(&epoll, &mut client, &mut out, &mut inbox)?;
    count("what send_all leaves behind", &epoll);
    Ok(())
}

fn count(name: &str, epoll: &Epoll) {
    let woken = (0..WAITS).map(|_| epoll.wait(0));
    let woken = woken.filter(|event| event.as_ref().is_ok_and(|told| *told != NOTHING));
    println!("{name:<31}  {:>4} of {WAITS}", woken.count());
}

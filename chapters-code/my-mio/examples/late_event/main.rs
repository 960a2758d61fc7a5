//! Both ends of a relay close, and one batch says so. The first event makes room, and a newcomer
//! gets the place that the second event is about.

mod relay;
mod slab;

use std::io::{self, ErrorKind, Read};

use my_mio::Events;
use my_mio::net::UnixStream;
use relay::Relay;

fn main() -> io::Result<()> {
    let mut relay = Relay::new()?;
    let mut events = Events::with_capacity(8);
    let (one, client) = UnixStream::pair()?;
    let (other, server) = UnixStream::pair()?;
    let (newcomer, mut newcomers_peer) = UnixStream::pair()?;
    relay.join(one, other)?;
    relay.wait_for_room(newcomer);

    drop((client, server));
    relay.poll(&mut events)?;

    for event in &events {
        println!("{:?}", relay.handle(event)?);
    }
    let open = matches!(newcomers_peer.read(&mut [0]), Err(e) if e.kind() == ErrorKind::WouldBlock);
    println!("the newcomer is {}", if open { "connected" } else { "closed" });
    Ok(())
}

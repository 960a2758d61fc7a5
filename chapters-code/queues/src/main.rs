//! The five-stream program on one queue: `queues QUEUE ADDR`, where a delayserver listens.

use std::error::Error;
use std::net::SocketAddr;

use queues::{QUEUES, ask, paths};

fn main() -> Result<(), Box<dyn Error>> {
    let [_, name, server] = &std::env::args().collect::<Vec<_>>()[..] else {
        return Err("which queue, and where is the delayserver?".into());
    };
    let server: SocketAddr = server.parse()?;
    let queue = QUEUES.iter().find(|queue| queue.name == name);
    let queue = queue.ok_or_else(|| format!("no {name} here, but {QUEUES:?}"))?;
    let sockets = paths().iter().map(|path| ask(server, path)).collect::<Result<_, _>>()?;
    for reply in (queue.replies)(sockets)? {
        println!("stream {}: {}", reply.request, reply.body?);
    }
    Ok(())
}

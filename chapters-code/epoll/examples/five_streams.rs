//! Five requests, five streams, one thread. The one asked first waits longest, so the replies come
//! in the reverse order.
//!
//! Talks to a delayserver of its own, or to the one at the address that is given.

use std::error::Error;

use delayserver::Delayserver;
use epoll::client::Client;

const STREAMS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let own = Delayserver::start()?;
    let server = match std::env::args().nth(1) {
        Some(addr) => addr.parse()?,
        None => own.addr(),
    };
    // ANCHOR: five
    let paths: Vec<String> = (0..STREAMS)
        .map(|stream| format!("/{}/request-{stream}", (STREAMS - stream) * 100))
        .collect();
    let client = Client::send(server, &paths)?;
    println!("asked for: {}", paths.join(" "));
    for reply in client.replies(None)? {
        println!("stream {}: {}", reply.request, String::from_utf8(reply.body?)?);
    }
    // ANCHOR_END: five
    Ok(())
}

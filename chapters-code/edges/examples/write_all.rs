//! `write_all` on a socket that does not block, whose peer reads later.

use std::io::{self, Read, Write};

use edges::narrow_pair;

fn main() -> io::Result<()> {
    let message = vec![7; 4_000_000];
    let (mut client, mut server) = narrow_pair(256 * 1024)?;

    let written = client.write_all(&message);
    println!("write_all says:   {written:?}");

    drop(client);
    let mut received = Vec::new();
    server.read_to_end(&mut received)?;
    println!("the peer received {} of {} bytes", received.len(), message.len());
    Ok(())
}

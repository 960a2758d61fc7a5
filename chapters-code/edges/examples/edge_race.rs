//! A server writes five bytes and closes; a client reads once per edge. How often does it end?

use std::io::{self, Write};
use std::thread;

use edges::{EDGE, Ended, Epoll, one_read_per_event, unix_pair};

// ANCHOR: race
fn main() -> io::Result<()> {
    let mut waiting = 0;
    for _ in 0..400 {
        let (mut client, mut server) = unix_pair()?;
        let epoll = Epoll::watching(&client, EDGE)?;
        let server = thread::spawn(move || server.write_all(b"hello"));

        let mut ended = one_read_per_event(&epoll, &mut client, 5)?;
        server.join().expect("the server does not panic")?;
        // The server has written and closed. If an event comes now, the client was only slow.
        if let Ended::StillWaiting { .. } = ended {
            ended = one_read_per_event(&epoll, &mut client, 0)?;
        }
        waiting += usize::from(matches!(ended, Ended::StillWaiting { .. }));
    }
    println!("still waiting for the close: {waiting} of 400");
    Ok(())
}
// ANCHOR_END: race

//! A server writes five bytes and closes; a client reads once per edge. How often does it end?

use std::{io, thread};

use edges::{EDGE, Ended, Epoll, hello_then_close, one_read_per_event, pair};

const RUNS: usize = 400;

fn main() -> io::Result<()> {
    let mut waiting = 0;
    for _ in 0..RUNS {
        let (mut client, server) = pair()?;
        let epoll = Epoll::watching(&client, EDGE)?;
        let server = thread::spawn(move || hello_then_close(server));
        let mut ended = one_read_per_event(&epoll, &mut client, 5)?;
        // A client that lost its patience gets a last chance when nothing more will happen.
        server.join().expect("the server does not panic")?;
        if let Ended::StillWaiting { .. } = ended {
            ended = one_read_per_event(&epoll, &mut client, 0)?;
        }
        waiting += usize::from(matches!(ended, Ended::StillWaiting { .. }));
    }
    println!("saw the bytes and the close:  {} of {RUNS}", RUNS - waiting);
    println!("still waiting for the close:  {waiting} of {RUNS}");
    Ok(())
}

//! Three readers, each given the same five bytes: with the connection open, and with a close that
//! came with them. How often do they read, and who is still waiting?

use std::io::{self, Write};
use std::net::TcpStream;

use edges::{
    Counted, EDGE_AND_CLOSE, Ended, Epoll, drain_per_event, hello_and_close, pair,
    stop_at_short_read, stop_at_short_read_if_open,
};

const RUNS: usize = 1000;

type Habit = fn(&Epoll, &mut Counted<TcpStream>, i32) -> io::Result<Ended>;

const HABITS: [(&str, Habit); 3] = [
    ("drain", drain_per_event),
    ("stop at a short read", stop_at_short_read),
    ("stop at a short read if open", stop_at_short_read_if_open),
];

fn main() -> io::Result<()> {
    println!("                                open    bytes and close in one segment");
    println!("                               reads    reads  still waiting");
    for (name, habit) in HABITS {
        let (reads_open, _) = run(habit, false)?;
        let (reads, waiting) = run(habit, true)?;
        println!("{name:<30}  {reads_open:>4}     {reads:>4}   {waiting:>4} of {RUNS}");
    }
    Ok(())
}

/// The reads in all runs, and in how many the reader is still waiting.
fn run(habit: Habit, close: bool) -> io::Result<(usize, usize)> {
    let (mut reads, mut waiting) = (0, 0);
    for _ in 0..RUNS {
        let (client, mut server) = pair()?;
        let epoll = Epoll::watching(&client, EDGE_AND_CLOSE)?;
        let mut client = Counted::new(client);
        let _open = if close {
            hello_and_close(server)?;
            None
        } else {
            server.write_all(b"hello")?;
            Some(server)
        };
        let ended = habit(&epoll, &mut client, 0)?;
        reads += client.reads;
        waiting += usize::from(matches!(ended, Ended::StillWaiting { .. }));
    }
    Ok((reads, waiting))
}

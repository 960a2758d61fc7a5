//! The same five bytes and close, in one segment: what luck decided is now decided.

use std::io;

use edges::{
    EDGE, Ended, Epoll, LEVEL, drain_per_event, hello_and_close, one_read_per_event, pair,
};

const RUNS: usize = 1000;

fn main() -> io::Result<()> {
    println!("bytes and close in one segment: who is still waiting?");
    for (habit, interest, triggered) in [
        ("one read per event", EDGE, "edge"),
        ("one read per event", LEVEL, "level"),
        ("drain", EDGE, "edge"),
    ] {
        let mut waiting = 0;
        for _ in 0..RUNS {
            let (mut client, server) = pair()?;
            let epoll = Epoll::watching(&client, interest)?;
            hello_and_close(server)?;
            let ended = match habit {
                "drain" => drain_per_event(&epoll, &mut client, 0)?,
                _ => one_read_per_event(&epoll, &mut client, 0)?,
            };
            waiting += usize::from(matches!(ended, Ended::StillWaiting { .. }));
        }
        println!("{habit:<18}  {triggered:>5}-triggered  {waiting:>4} of {RUNS}");
    }
    Ok(())
}

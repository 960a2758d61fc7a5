//! A client for the gauntlet: a fiber for each connection, on one thread. It reads as the one on
//! blocking threads does.

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::time::Instant;

use fibers::{TcpStream, run, spawn};
use gauntlet::client::{Reply, Task, tell};

fn main() -> Result<(), Box<dyn Error>> {
    let task = Task::from_env()?;
    let deadline = Instant::now() + task.patience;
    run(move || {
        let ask = |n| spawn(move || ask(task, n, deadline));
        let fibers: Vec<_> = (0..task.streams).map(ask).collect();
        let ended = fibers.into_iter().map(|fiber| fiber.join().expect("it does not panic"));
        ended.collect::<io::Result<()>>()
    })?;
    Ok(())
}

// ANCHOR: ask
fn ask(task: Task, n: usize, deadline: Instant) -> io::Result<()> {
    let mut socket = TcpStream::connect_timeout(task.peer, task.patience)?;
    socket.set_write_timeout(Some(task.patience));
    socket.write_all(&task.request(n))?;
    let (mut reply, mut buffer) = (Reply::default(), [0; 4096]);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        socket.set_read_timeout(Some(left));
        let read = socket.read(&mut buffer)?;
        if let Some(body) = reply.take_in(&buffer[..read])? {
            return tell(n, body);
        }
    }
}
// ANCHOR_END: ask

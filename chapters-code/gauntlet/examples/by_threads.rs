//! A client for the gauntlet: a blocking thread for each connection.

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Instant;

use gauntlet::client::{Reply, Task, tell};

fn main() -> Result<(), Box<dyn Error>> {
    let task = Task::from_env()?;
    let deadline = Instant::now() + task.patience;
    thread::scope(|scope| {
        let ask = |n| scope.spawn(move || ask(task, n, deadline));
        let threads: Vec<_> = (0..task.streams).map(ask).collect();
        let ended = threads.into_iter().map(|thread| thread.join().expect("it does not panic"));
        ended.collect::<io::Result<()>>()
    })?;
    Ok(())
}

/// A timeout of the socket is for one call, so each gets what is left of the patience.
fn ask(task: Task, n: usize, deadline: Instant) -> io::Result<()> {
    let mut socket = TcpStream::connect_timeout(&task.peer, task.patience)?;
    socket.set_write_timeout(Some(task.patience))?;
    socket.write_all(&task.request(n))?;
    let (mut reply, mut buffer) = (Reply::default(), [0; 4096]);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        socket.set_read_timeout(Some(left))?;
        let read = match socket.read(&mut buffer) {
            Ok(read) => read,
            // The timeout is over, or the process was stopped and continued.
            Err(e) if [ErrorKind::WouldBlock, ErrorKind::Interrupted].contains(&e.kind()) => {
                continue;
            }
            Err(error) => return Err(error),
        };
        if let Some(body) = reply.take_in(&buffer[..read])? {
            return tell(n, body);
        }
    }
}

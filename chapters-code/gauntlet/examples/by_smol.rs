//! A client for the gauntlet: a task for each connection, on one thread, with three of the crates
//! that `smol` is a name for: `async-executor`, `async-io` and `futures-lite`.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::TcpStream;

use async_executor::{LocalExecutor, Task as Spawned};
use async_io::{Async, Timer, block_on};
use futures_lite::{AsyncReadExt, AsyncWriteExt, FutureExt};
use gauntlet::client::{Reply, Task, tell};

fn main() -> Result<(), Box<dyn Error>> {
    let task = Task::from_env()?;
    let executor = LocalExecutor::new();
    let tasks: Vec<Spawned<_>> = (0..task.streams).map(|n| executor.spawn(ask(task, n))).collect();
    let all = async {
        for task in tasks {
            task.await?;
        }
        Ok(())
    };
    let patience = async {
        Timer::after(task.patience).await;
        Err(io::Error::from(ErrorKind::TimedOut))
    };
    Ok(block_on(executor.run(all.or(patience)))?)
}

async fn ask(task: Task, n: usize) -> io::Result<()> {
    let mut socket = Async::<TcpStream>::connect(task.peer).await?;
    socket.write_all(&task.request(n)).await?;
    let (mut reply, mut buffer) = (Reply::default(), [0; 4096]);
    loop {
        let read = socket.read(&mut buffer).await?;
        if let Some(body) = reply.take_in(&buffer[..read])? {
            return tell(n, body);
        }
    }
}

//! A client for the gauntlet: a tokio task for each connection.

use std::error::Error;
use std::io;

use gauntlet::client::{Reply, Task, tell};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let task = Task::from_env()?;
    let mut tasks: JoinSet<io::Result<()>> = (0..task.streams).map(|n| ask(task, n)).collect();
    let all = async {
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok(())
    };
    timeout(task.patience, all).await?
}

async fn ask(task: Task, n: usize) -> io::Result<()> {
    let mut socket = TcpStream::connect(task.peer).await?;
    socket.write_all(&task.request(n)).await?;
    let (mut reply, mut buffer) = (Reply::default(), [0; 4096]);
    loop {
        let read = socket.read(&mut buffer).await?;
        if let Some(body) = reply.take_in(&buffer[..read])? {
            return tell(n, body);
        }
    }
}

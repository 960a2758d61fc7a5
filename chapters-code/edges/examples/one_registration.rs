//! A task sends 20 MB through a pair of sockets, to a task that reads them. What tokio tells epoll
//! meanwhile: `strace -f -e trace=epoll_ctl`.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

const BYTES: usize = 20_000_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let (mut client, mut server) = UnixStream::pair()?;
    let send = async move { client.write_all(&vec![7; BYTES]).await };
    let mut received = Vec::new();
    tokio::try_join!(send, server.read_to_end(&mut received))?;
    assert_eq!(received.len(), BYTES);
    Ok(())
}

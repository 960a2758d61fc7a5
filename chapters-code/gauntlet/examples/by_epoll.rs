//! A client for the gauntlet: the one of *The wrapper*.

use std::error::Error;

use epoll::client::Client;
use gauntlet::client::{Task, tell};

fn main() -> Result<(), Box<dyn Error>> {
    let task = Task::from_env()?;
    let paths: Vec<String> = (0..task.streams).map(|n| format!("/0/request-{n}")).collect();
    for reply in Client::send(task.peer, &paths)?.replies(Some(task.patience))? {
        tell(reply.request, &reply.body?)?;
    }
    Ok(())
}

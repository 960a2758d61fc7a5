//! The five-stream program on each queue of this system. The system calls are those of a second run,
//! in a process of its own under strace(1), after the requests are sent.

use std::env;
use std::error::Error;
use std::io::{
    self,
    ErrorKind::{PermissionDenied, Unsupported},
};
use std::net::SocketAddr;
use std::process::Command;

use blocking::experiment::{marked, strace_works, system_calls};
use delayserver::Delayserver;
use queues::{QUEUES, Queue, Reply, ask, paths};

fn main() -> Result<(), Box<dyn Error>> {
    // What is run under strace: the name of a queue and the address of the server.
    if let [_, name, server] = &env::args().collect::<Vec<_>>()[..] {
        let queue = QUEUES.iter().find(|queue| queue.name == name).ok_or("no such queue")?;
        run(queue, server.parse()?)?;
        return Ok(());
    }
    let (server, strace) = (Delayserver::start()?, strace_works());
    println!("asked for: {}", paths().join(" "));
    for queue in QUEUES {
        println!("{}:", queue.name);
        let replies = match run(queue, server.addr()) {
            // An old kernel, or one that was told to give no rings.
            Err(error) if matches!(error.kind(), Unsupported | PermissionDenied) => {
                println!("  skipped: the kernel refuses it: {error}");
                continue;
            }
            replies => replies?,
        };
        for reply in replies {
            println!("  stream {}: {}", reply.request, reply.body?);
        }
        if strace {
            let mut again = Command::new(env::current_exe()?);
            again.args([queue.name, &server.addr().to_string()]);
            println!("  system calls: {}", system_calls(&again)?);
        }
    }
    if !strace {
        println!("skipped: system calls, which are counted by strace, and it can't be used here");
    }
    Ok(())
}

fn run(queue: &Queue, server: SocketAddr) -> io::Result<Vec<Reply>> {
    let sockets = paths().iter().map(|path| ask(server, path)).collect::<Result<_, _>>()?;
    marked(|| (queue.replies)(sockets))
}

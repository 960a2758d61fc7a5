//! Five requests, six ways, one table. The times are those of the first run of each way; the system
//! calls are those of a second run, in a process of its own under strace(1).

use std::env;
use std::error::Error;
use std::net::SocketAddr;
use std::process::Command;

use blocking::experiment::{WAYS, Way, marked, paths, strace_works, system_calls};
use delayserver::Delayserver;

fn main() -> Result<(), Box<dyn Error>> {
    // What is run under strace: the name of a way and the address of the server.
    if let [_, name, server] = &env::args().collect::<Vec<_>>()[..] {
        let way = WAYS.iter().find(|way| way.name == name).ok_or("no way has this name")?;
        let server = server.parse()?;
        marked(|| (way.run)(server, &paths()))?;
        return Ok(());
    }
    let (server, strace) = (Delayserver::start()?, strace_works());
    println!("{:<22}  order  wall ms  CPU ms  threads  system calls", "");
    for way in WAYS {
        let run = way.measure(server.addr(), &paths())?;
        let calls = match strace {
            true => count(&way, server.addr())?.to_string(),
            false => "-".to_owned(),
        };
        let [wall, cpu] = [run.wall, run.cpu].map(|time| time.as_secs_f64() * 1e3);
        let (name, order, threads) = (way.name, run.order, run.threads);
        println!("{name:<22}  {order}  {wall:>7.0}  {cpu:>6.1}  {threads:>7}  {calls:>12}");
    }
    if !strace {
        println!("skipped: system calls, which are counted by strace, and it can't be used here");
    }
    Ok(())
}

fn count(way: &Way, server: SocketAddr) -> Result<usize, Box<dyn Error>> {
    let mut client = Command::new(env::current_exe()?);
    client.args([way.name, &server.to_string()]);
    Ok(system_calls(&client)?)
}

//! A server with one thread sends reply 2 first, and a client reads reply 1 first. `SIZE` is how many
//! bytes reply 2 has; with `at_once` behind it, the client has a thread for each reply.

use std::env;
use std::error::Error;
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use blocking::held::{Reply, at_once, in_turn, second_first};
use blocking::parked::{kernel_tells, sleeper, tid, unread};

type Client = fn(&UnixStream, &UnixStream) -> [Reply; 2];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (size, client): (usize, Client) = match &arguments[..] {
        [size] => (size.parse()?, |one, two| in_turn(one, two)),
        [size, way] if way == "at_once" => (size.parse()?, |one, two| at_once(one, two)),
        _ => return Err("give SIZE, or SIZE at_once".into()),
    };
    if !kernel_tells() {
        println!("skipped: this kernel does not tell in which system call a thread sleeps");
        return Ok(());
    }
    let ((one, peer_one), (two, peer_two)) = (UnixStream::pair()?, UnixStream::pair()?);
    let other_end = peer_two.as_raw_fd();
    let (tell, told) = mpsc::channel();
    let tell_too = tell.clone();
    thread::scope(|scope| {
        let client = scope.spawn(|| {
            let _ = tell.send(("the client", tid()));
            client(&one, &two)
        });
        scope.spawn(move || {
            let _ = tell_too.send(("the server", tid()));
            second_first(peer_one, peer_two, size)
        });
        let threads = [told.recv()?, told.recv()?];
        while !client.is_finished() {
            let reads = sleeper(one.as_raw_fd(), &threads);
            let writes = sleeper(other_end, &threads);
            if let (Some((reader, read)), Some((writer, write))) = (reads, writes) {
                println!("reply 2 of {size} bytes: neither thread moves");
                let [in_one, in_two] = [unread(one.as_fd())?, unread(two.as_fd())?];
                println!("  stream 1  {in_one:>7} bytes   {reader} sleeps here, in {read}");
                println!("  stream 2  {in_two:>7} bytes   {writer} sleeps at its end, in {write}");
                two.shutdown(Shutdown::Both)?; // which ends the write, and with it all
                return Ok(());
            }
            thread::sleep(Duration::from_millis(1));
        }
        println!("reply 2 of {size} bytes: both replies taken");
        Ok(())
    })
}

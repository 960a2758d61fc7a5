//! Two streams, and a reply that has come on the second: who sleeps where, as the kernel tells.

use std::error::Error;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;

use blocking::parked::{kernel_tells, once_asleep_in, sleeper, tid, unread};

fn main() -> Result<(), Box<dyn Error>> {
    if !kernel_tells() {
        println!("skipped: this kernel does not tell in which system call a thread sleeps");
        return Ok(());
    }
    println!("one thread reads stream 1, then stream 2:");
    scene(&[("the reader", &[0, 1])])?;
    println!("a thread for each stream:");
    scene(&[("reader 1", &[0]), ("reader 2", &[1])])
}

/// Has each reader read once from its streams, in turn. A reply comes on the second stream. Shows
/// where that leaves them when the first reader sleeps and the others have ended.
fn scene(readers: &[(&'static str, &[usize])]) -> Result<(), Box<dyn Error>> {
    let ((one, peer_one), (two, mut peer_two)) = (UnixStream::pair()?, UnixStream::pair()?);
    let streams = [one, two];
    thread::scope(|scope| {
        let streams = &streams;
        let (mut threads, mut tids) = (Vec::new(), Vec::new());
        for &(name, which) in readers {
            let (tell, told) = mpsc::channel();
            threads.push(scope.spawn(move || {
                let _ = tell.send(tid());
                which.iter().try_for_each(|&at| (&streams[at]).read(&mut [0; 64]).map(drop))
            }));
            tids.push((name, told.recv()?));
        }
        peer_two.write_all(b"reply 2")?;
        once_asleep_in(libc::SYS_recvfrom, tids[0].1)?;
        for thread in threads.drain(1..) {
            thread.join().expect("reading does not panic")?;
        }

        for (number, stream) in (1..).zip(streams) {
            let bytes = unread(stream.as_fd())?;
            let who = match sleeper(stream.as_raw_fd(), &tids) {
                Some((name, call)) => format!("{name} sleeps here, in {call}"),
                None if bytes == 0 => format!("taken by {}", readers[1].0),
                None => "nobody looks".to_owned(),
            };
            println!("  stream {number}   {bytes} bytes   {who}");
        }
        drop((peer_one, peer_two)); // the end of both streams, and of the wait
        Ok(())
    })
}

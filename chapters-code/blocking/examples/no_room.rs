//! A read with no room, at a peer that is silent and at one that has sent five bytes: at once, or not.

use std::error::Error;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;

use blocking::parked::{kernel_tells, once_asleep_in, tid};
use blocking::read::by_libc;

fn main() -> Result<(), Box<dyn Error>> {
    if !kernel_tells() {
        println!("skipped: this kernel does not tell in which system call a thread sleeps");
        return Ok(());
    }
    println!("{:<21}  a silent peer   five bytes are there", "");
    let socket = || UnixStream::pair().map(|(ours, theirs)| (ours.into(), theirs.into()));
    let pipe = || io::pipe().map(|(ours, theirs)| (ours.into(), theirs.into()));
    // ANCHOR: no_room
    row("a socket, read(2)", socket, |fd| by_libc(&fd, &mut []))?;
    row("a socket, through std", socket, |fd| UnixStream::from(fd).read(&mut []))?;
    row("a pipe, through std", pipe, |fd| io::PipeReader::from(fd).read(&mut []))?;
    // ANCHOR_END: no_room
    Ok(())
}

type Pair = fn() -> io::Result<(OwnedFd, OwnedFd)>;
type Reads = fn(OwnedFd) -> io::Result<usize>;

fn row(name: &str, pair: Pair, read: Reads) -> Result<(), Box<dyn Error>> {
    let [silent, told] = [&b""[..], b"hello"].map(|sent| reads(pair, read, sent));
    println!("{name:<21}  {:<13}   {}", silent?, told?);
    Ok(())
}

/// What a read does that begins when `sent` is there.
fn reads(pair: Pair, read: Reads, sent: &[u8]) -> Result<String, Box<dyn Error>> {
    let (ours, theirs) = pair()?;
    let mut theirs = std::fs::File::from(theirs);
    theirs.write_all(sent)?;
    let (tell, told) = mpsc::channel();
    let reader = thread::spawn(move || {
        let _ = tell.send(tid());
        read(ours)
    });
    let sleeps = once_asleep_in(libc::SYS_recvfrom, told.recv()?).is_ok();
    drop(theirs); // which ends a read that sleeps
    let returned = reader.join().map_err(|_| "the reader panicked")??;
    Ok(if sleeps { "sleeps".to_owned() } else { format!("{returned}, at once") })
}

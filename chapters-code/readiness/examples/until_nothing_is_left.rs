//! Five replies on five streams that block, and a loop that reads each until nothing is left.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

use readiness::Told;

fn main() -> io::Result<()> {
    let pairs: io::Result<Vec<_>> = (0..5).map(|_| UnixStream::pair()).collect();
    let (mut streams, mut peers): (Vec<_>, Vec<_>) = pairs?.into_iter().unzip();
    for number in [3, 0, 4, 1, 2] {
        write!(peers[number], "reply {number}")?;
    }
    let registered: io::Result<Vec<_>> = streams.iter().map(UnixStream::try_clone).collect();
    let registered = registered?;
    let (mut told, mut ready, mut buffer) = (Told::new(&registered)?, Vec::new(), [0; 64]);
    loop {
        told.wait(&mut ready)?;
        for &number in &ready {
            // ANCHOR: until
            while let n @ 1.. = streams[number].read(&mut buffer)? {
                println!("stream {number}: {}", String::from_utf8_lossy(&buffer[..n]));
            }
            // ANCHOR_END: until
        }
    }
}

//! Three fibers with std's sockets, which know no fibers.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use fibers::{run, spawn};

fn ask(mut server: impl Read + Write, path: &str) -> io::Result<String> {
    write!(server, "GET {path} HTTP/1.0\r\n\r\n")?;
    let mut reply = String::new();
    server.read_to_string(&mut reply)?;
    Ok(reply.rsplit("\r\n\r\n").next().unwrap_or_default().to_owned())
}

fn main() -> io::Result<()> {
    let server = delayserver::Delayserver::start()?;
    let (address, paths) = (server.addr(), ["/300/first", "/200/second", "/100/third"]);
    let start = Instant::now();
    // ANCHOR: std
    run(move || {
        let asks = paths.map(|path| {
            spawn(move || -> io::Result<()> {
                println!("fibers  {}", ask(TcpStream::connect(address)?, path)?);
                Ok(())
            })
        });
        asks.into_iter().try_for_each(|fiber| fiber.join().expect("no panic"))
    })?;
    // ANCHOR_END: std
    println!("        {} ms", start.elapsed().as_millis());
    Ok(())
}

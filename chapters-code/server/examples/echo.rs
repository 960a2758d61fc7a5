//! An echo server: `cargo run --example echo -- 127.0.0.1:7000`.

use std::error::Error;

use server::{Echo, Server};

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let mut server = Server::bind(address.parse()?, Echo)?;
    println!("echo at {}; Ctrl-C ends it", server.address()?);
    Ok(server.run()?)
}

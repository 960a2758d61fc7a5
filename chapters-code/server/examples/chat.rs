//! A chat server: `cargo run --example chat -- 127.0.0.1:7000`, then `nc 127.0.0.1 7000`, twice.

use std::error::Error;

use server::{Chat, Server};

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let mut server = Server::bind(address.parse()?, Chat::default())?;
    println!("chat at {}; Ctrl-C ends it", server.address()?);
    Ok(server.run()?)
}

//! A whole server that sends back what it is sent, and a hundred clients, all on one thread.

use std::io::{self, Read, Write};

use fibers::{TcpListener, TcpStream, run, spawn};

// ANCHOR: serve
fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        spawn(move || io::copy(&mut &stream, &mut &stream));
    }
}
// ANCHOR_END: serve

const CLIENTS: usize = 100;

fn main() -> io::Result<()> {
    let heard = run(|| -> io::Result<usize> {
        let listener = TcpListener::bind(([127, 0, 0, 1], 0).into())?;
        let address = listener.local_addr()?;
        spawn(|| serve(listener));
        let client = |n: usize| {
            spawn(move || -> io::Result<bool> {
                let mut server = TcpStream::connect(address)?;
                let line = format!("I am number {n}");
                server.write_all(line.as_bytes())?;
                let mut heard = vec![0; line.len()];
                server.read_exact(&mut heard)?;
                Ok(heard == line.as_bytes())
            })
        };
        let clients: Vec<_> = (0..CLIENTS).map(client).collect();
        let heard = clients.into_iter().map(|client| client.join().expect("no panic"));
        Ok(heard.collect::<io::Result<Vec<bool>>>()?.into_iter().filter(|right| *right).count())
    })?;
    println!("{heard} of {CLIENTS} clients heard their line");
    Ok(())
}

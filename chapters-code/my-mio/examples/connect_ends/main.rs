//! What is to be learnt of a socket right after connect(2), and two connects followed to their ends.

mod connect;
mod peers;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use my_mio::net::{TcpListener, TcpStream};
use my_mio::{Events, Interest, Poll, Token};

/// What has an answer on loopback has it long before.
const A_WHILE: Duration = Duration::from_millis(100);

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(peers::any())?;
    let (refusing, _keep) = peers::refusing()?;
    let (full, _first) = peers::full()?;

    println!("{:<18} {:<26} {:<18} {:<5} peer_addr", "", "event", "take_error", "again");
    row("somebody listens", TcpStream::connect(listener.local_addr()?)?)?;
    row("nobody listens", TcpStream::connect(refusing)?)?;
    row("the queue is full", TcpStream::connect(full.local_addr()?)?)?;
    row("before connect", peers::idle()?)?;
    let fast = peers::idle()?;
    peers::fast_open(&fast)?;
    let SocketAddr::V4(address) = listener.local_addr()? else { unreachable!("it is IPv4") };
    peers::begin(&fast, address)?;
    row("fast open", fast)?;

    println!();
    for (name, address) in [("somebody", listener.local_addr()?), ("nobody", refusing)] {
        let end = match connect::connect(address) {
            Ok(_) => "made".into(),
            Err(error) => format!("{:?}", error.kind()),
        };
        println!("connect to {name:<8}  {end}");
    }
    Ok(())
}

fn row(name: &str, mut stream: TcpStream) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1);
    let interests = Interest::READABLE | Interest::WRITABLE;
    poll.registry().register(&mut stream, Token(0), interests)?;
    poll.poll(&mut events, Some(A_WHILE))?;

    let flags = |event: &my_mio::event::Event| {
        let (error, closed) = (event.is_error(), event.is_read_closed());
        let flags = [(event.is_writable(), "writable"), (error, "error"), (closed, "closed")];
        let flags: Vec<&str> = flags.iter().filter(|flag| flag.0).map(|flag| flag.1).collect();
        flags.join(", ")
    };
    let event = events.iter().next().map_or("none".into(), flags);
    let error = |stream: &TcpStream| -> io::Result<String> {
        Ok(stream.take_error()?.map_or("None".into(), |error| format!("{:?}", error.kind())))
    };
    let (first, again) = (error(&stream)?, error(&stream)?);
    let peer = match stream.peer_addr() {
        Ok(_) => "Ok".into(),
        Err(error) => format!("{:?}", error.kind()),
    };
    println!("{name:<18} {event:<26} {first:<18} {again:<5} {peer}");
    Ok(())
}

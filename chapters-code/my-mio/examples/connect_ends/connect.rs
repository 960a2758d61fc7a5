//! A connect, followed to its end.

use std::io::{self, ErrorKind::Interrupted, ErrorKind::NotConnected};
use std::net::SocketAddr;

use my_mio::net::TcpStream;
use my_mio::{Events, Interest, Poll, Token};

// ANCHOR: is_made
/// Whether a connect has succeeded. Its failure is the error; `false` is for *not yet*.
pub fn is_made(stream: &TcpStream) -> io::Result<bool> {
    // FORK connecting: say whether a connect has succeeded, is still on its way, or has failed
    // HINT: socket(7) on `SO_ERROR`: what becomes of the error when it is asked for? Ask for it first.
    // HINT: No error is not yet a connection. Which question has an answer only once it is made?
    // HINT: First `take_error`: an error is the end. Then `peer_addr`: an answer is yes, NotConnected is not yet,
    //   and any other error is an error.
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}
// ANCHOR_END: is_made

// ANCHOR: connect
/// Connects, and waits for the end of it.
pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1);
    let mut stream = TcpStream::connect(address)?;
    poll.registry().register(&mut stream, Token(0), Interest::WRITABLE)?;
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == Interrupted => continue,
            polled => polled?,
        }
        if is_made(&stream)? {
            poll.registry().deregister(&mut stream)?;
            return Ok(stream);
        }
    }
}
// ANCHOR_END: connect

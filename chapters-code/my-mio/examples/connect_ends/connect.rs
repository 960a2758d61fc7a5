//! A connect, followed to its end.

use std::io::{self, ErrorKind::Interrupted, ErrorKind::NotConnected};
use std::net::SocketAddr;

use my_mio::net::TcpStream;
use my_mio::{Events, Interest, Poll, Token};

// ANCHOR: is_made
/// Whether a connect has succeeded. Its failure is the error; `false` is for *not yet*.
pub fn is_made(stream: &TcpStream) -> io::Result<bool> {
    // FORK connecting: say of a connect whether it is made, has failed, or is still under way
    // HINT: Two questions can be put to the stream, and each alone is too little: the table of the note.
    //   Which of them must come first?
    // HINT: The reason of a failure is told once. After it, what does `peer_addr` say of a connect that is
    //   under way, and what if it is made?
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

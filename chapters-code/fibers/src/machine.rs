//! The state machine that straight-line code is compared with: requests on my-mio, with the policy of
//! this crate's sockets. Registered once for both directions right after `connect`; then each event is
//! a reason to go on.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use my_mio::net::TcpStream;
use my_mio::{Events, Interest, Poll, Token};

// ANCHOR: machine
/// One request, and how far it has come.
struct Request {
    socket: TcpStream,
    state: State,
    unsent: Vec<u8>,
    reply: Vec<u8>,
}

enum State {
    Connecting,
    Sending,
    Receiving,
    Done,
}

impl Request {
    /// Goes on until that would block.
    fn advance(&mut self) -> io::Result<()> {
        loop {
            match self.step() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Ok(()) if matches!(self.state, State::Done) => return Ok(()),
                stepped => stepped?,
            }
        }
    }

    fn step(&mut self) -> io::Result<()> {
        match self.state {
            State::Connecting => {
                if let Some(error) = self.socket.take_error()? {
                    return Err(error);
                }
                match self.socket.peer_addr() {
                    Err(e) if e.kind() == ErrorKind::NotConnected => {
                        return Err(ErrorKind::WouldBlock.into());
                    }
                    made => made.map(|_| self.state = State::Sending)?,
                }
            }
            State::Sending => {
                let sent = self.socket.write(&self.unsent)?;
                self.unsent.drain(..sent);
                if self.unsent.is_empty() {
                    self.state = State::Receiving;
                }
            }
            State::Receiving => {
                let mut buffer = [0; 4096];
                match self.socket.read(&mut buffer)? {
                    0 => self.state = State::Done,
                    n => self.reply.extend_from_slice(&buffer[..n]),
                }
            }
            State::Done => {}
        }
        Ok(())
    }
}
// ANCHOR_END: machine

/// Sends all requests, and returns the replies in the order in which they ended.
pub fn ask_all(server: SocketAddr, requests: &[Vec<u8>]) -> io::Result<Vec<Vec<u8>>> {
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(256));
    let (mut open, mut replies) = (Vec::new(), Vec::new());
    for (n, request) in requests.iter().enumerate() {
        let mut socket = TcpStream::connect(server)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut socket, Token(n), both)?;
        let unsent = request.clone();
        open.push(Some(Request { socket, state: State::Connecting, unsent, reply: Vec::new() }));
    }
    while replies.len() < requests.len() {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for event in &events {
            let place = &mut open[event.token().0];
            let Some(request) = place else { continue };
            request.advance()?;
            if matches!(request.state, State::Done)
                && let Some(mut done) = place.take()
            {
                poll.registry().deregister(&mut done.socket)?;
                replies.push(done.reply);
            }
        }
    }
    Ok(replies)
}

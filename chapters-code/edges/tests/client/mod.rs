//! A client for readers to read from, and what they come to in words.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use edges::{Ended, Epoll, unix_pair};

/// More reads than any test here needs: a reader that asks on between events stops here.
const MANY: usize = 1_000;

/// The client's end, with a peer that acts at set times, and signals that come in the midst of reads.
pub struct Client {
    socket: UnixStream,
    server: Option<UnixStream>,
    /// What the server sends, one after the other, whenever the socket has said `WouldBlock`.
    pub later: VecDeque<&'static [u8]>,
    /// What the server sends, one after the other, whenever a read was short.
    pub after_short: VecDeque<&'static [u8]>,
    /// The reads, from 0, which a signal interrupts.
    pub interrupted: &'static [usize],
    /// The reads, from 0, which say `WouldBlock` whatever is there.
    pub blocked: &'static [usize],
    /// Where the first read stops, although more is there, as at an urgent byte.
    pub barrier: usize,
    pub reads: usize,
}

impl Client {
    /// With `sent` in the socket, and a registration from before that.
    pub fn sent(interest: u32, sent: &[u8]) -> (Epoll, Client) {
        let (socket, mut server) = unix_pair().unwrap();
        let epoll = Epoll::watching(&socket, interest).unwrap();
        server.write_all(sent).unwrap();
        let server = Some(server);
        (
            epoll,
            Client {
                socket,
                server,
                later: VecDeque::new(),
                after_short: VecDeque::new(),
                interrupted: &[],
                blocked: &[],
                barrier: usize::MAX,
                reads: 0,
            },
        )
    }

    pub fn close(&mut self) {
        self.server = None;
    }
}

impl Read for Client {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reads;
        self.reads += 1;
        assert!(
            self.reads < MANY,
            "{MANY} reads for a few bytes: between events nothing is to be read"
        );
        if self.interrupted.contains(&read) {
            return Err(ErrorKind::Interrupted.into());
        }
        if self.blocked.contains(&read) {
            return Err(ErrorKind::WouldBlock.into());
        }
        let room = if read == 0 { self.barrier.min(buffer.len()) } else { buffer.len() };
        let result = self.socket.read(&mut buffer[..room]);
        let more = match &result {
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.later.pop_front(),
            Ok(n) if *n < room => self.after_short.pop_front(),
            _ => None,
        };
        if let (Some(more), Some(server)) = (more, &mut self.server) {
            server.write_all(more)?;
        }
        result
    }
}

/// How a reader ended, in words.
pub fn told(ended: io::Result<Ended>) -> String {
    match ended {
        Ok(Ended::Closed { bytes }) => format!("read {bytes} bytes and the close"),
        Ok(Ended::StillWaiting { bytes }) => format!("read {bytes} bytes, and waited for more"),
        Err(error) => format!("the error {:?}", error.kind()),
    }
}

/// What was sent, what had to come of it, and what came.
#[track_caller]
pub fn must(sent: &str, right: &str, told: &str) {
    assert!(told == right, "{sent}: expected {right}; got {told}");
}

//! What is the same on every queue: the request, what has been received, and the reply.

use std::io::{self, Error, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};

/// How one request ended.
#[derive(Debug)]
pub struct Reply {
    /// Which request it answers: the place of its stream, from 0.
    pub request: usize,
    /// The body, or why there is none.
    pub body: io::Result<String>,
}

/// Connects and sends `GET path`. Both may block: here only the wait for the reply goes through a
/// queue.
pub fn ask(server: SocketAddr, path: &str) -> io::Result<TcpStream> {
    let mut socket = TcpStream::connect(server)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes())?;
    Ok(socket)
}

/// What has been received on each stream, and the replies of those that have ended.
pub(crate) struct Inbox {
    open: Vec<Option<Vec<u8>>>,
    replies: Vec<Reply>,
}

impl Inbox {
    pub(crate) fn new(streams: usize) -> Inbox {
        Inbox { open: vec![Some(Vec::new()); streams], replies: Vec::new() }
    }

    /// The replies, once every stream has ended.
    pub(crate) fn all(&mut self) -> Option<Vec<Reply>> {
        (self.replies.len() == self.open.len()).then(|| std::mem::take(&mut self.replies))
    }

    // ANCHOR: take_in
    /// Takes what a read on a stream has brought. Returns whether the stream goes on: no bytes are
    /// its end, and so is an error.
    pub(crate) fn take_in(&mut self, request: usize, bytes: io::Result<&[u8]>) -> bool {
        let Some(received) = &mut self.open[request] else {
            return false;
        };
        let body = match bytes {
            Ok([]) => body(received, Ok(())),
            Ok(bytes) => {
                received.extend_from_slice(bytes);
                return true;
            }
            Err(error) => body(received, Err(error)),
        };
        self.open[request] = None;
        self.replies.push(Reply { request, body });
        false
    }
    // ANCHOR_END: take_in
}

/// The body of a reply whose connection has ended, by a close or by an error.
fn body(received: &[u8], ended: io::Result<()>) -> io::Result<String> {
    let body = reply::of_ended(received, ended)?;
    String::from_utf8(body)
        .map_err(|_| Error::new(ErrorKind::InvalidData, "a body that is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_whole_when_its_stream_ends() {
        let mut inbox = Inbox::new(2);
        assert!(inbox.take_in(1, Ok(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nh")));
        assert!(inbox.take_in(1, Ok(b"i")) && !inbox.take_in(1, Ok(b"")));
        assert!(inbox.all().is_none());
        assert!(!inbox.take_in(0, Err(ErrorKind::ConnectionReset.into())));
        let [one, zero] = &inbox.all().unwrap()[..] else { panic!("two streams have ended") };
        assert!(one.request == 1 && one.body.as_ref().unwrap() == "hi");
        let error = zero.body.as_ref().unwrap_err();
        assert!(zero.request == 0 && error.kind() == ErrorKind::ConnectionReset);
    }

    #[test]
    fn a_reset_behind_a_whole_reply_takes_nothing_from_it() {
        let mut inbox = Inbox::new(1);
        assert!(inbox.take_in(0, Ok(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")));
        assert!(!inbox.take_in(0, Err(ErrorKind::ConnectionReset.into())));
        assert_eq!(inbox.all().unwrap()[0].body.as_ref().unwrap(), "hi");
    }

    #[test]
    fn what_is_no_whole_reply_is_an_error() {
        assert_eq!(body(b"", Ok(())).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi";
        assert_eq!(body(cut, Ok(())).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        let refused = b"HTTP/1.1 400 Bad Request\r\n\r\nno";
        assert_eq!(body(refused, Ok(())).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}

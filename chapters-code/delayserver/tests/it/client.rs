//! HTTP spoken by hand, over blocking sockets that do not block forever.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// How long a test waits for what must happen: far longer than that takes, and far shorter than
/// [`AGES`].
pub const DEADLINE: Duration = Duration::from_secs(25);

/// A request whose delay no test waits for.
pub const AGES: &str = "/60000/ages";

/// Waits until `condition` holds.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// One connection to a server.
pub struct Client {
    stream: BufReader<TcpStream>,
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Client {
    pub fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&addr, DEADLINE).expect("connect");
        stream.set_read_timeout(Some(DEADLINE)).expect("read timeout");
        stream.set_write_timeout(Some(DEADLINE)).expect("write timeout");
        stream.set_nodelay(true).expect("nodelay");
        Self { stream: BufReader::new(stream) }
    }

    pub fn stream(&self) -> &TcpStream {
        self.stream.get_ref()
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("send");
    }

    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes.as_ref())
    }

    pub fn get(&mut self, path: &str) {
        self.send(request("GET", path));
    }

    /// Sends a request and reads its reply.
    pub fn ask(&mut self, method: &str, path: &str) -> Reply {
        self.send(request(method, path));
        self.reply()
    }

    /// Reads one reply, to the end of its body.
    pub fn reply(&mut self) -> Reply {
        self.try_reply().expect("a reply")
    }

    pub fn try_reply(&mut self) -> io::Result<Reply> {
        let head = self.head()?;
        let length = header(&head, "content-length").expect("a Content-Length");
        let mut body = vec![0; length.parse().expect("a length")];
        self.stream.read_exact(&mut body)?;
        let body = String::from_utf8(body).expect("UTF-8");
        let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
        Ok(Reply { status, head, body })
    }

    fn head(&mut self) -> io::Result<String> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(head)
    }

    /// Reads what is left until the server closes or resets the connection.
    pub fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the connection stays open: {error}"),
        }
        String::from_utf8(rest).expect("UTF-8")
    }
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The bytes of a request without a body.
pub fn request(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

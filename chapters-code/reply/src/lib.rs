//! One reply of HTTP/1.1, read piece by piece, and where it ends: RFC 9112, section 6.3.
//!
//! ```
//! use reply::Reply;
//!
//! let mut reply = Reply::default();
//! assert_eq!(reply.add(b"HTTP/1.1 200 OK\r\ncontent-le")?, None);
//! assert_eq!(reply.add(b"ngth: 2\r\n\r\nh")?, None);
//! assert_eq!(reply.missing(), 1);
//! assert_eq!(reply.add(b"i")?, Some(&b"hi"[..]));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # What ends a body
//!
//! A `Content-Length`, in whatever case its name is written. The reply is whole with the last of these
//! bytes, whatever the connection does then; who reads on meets the next reply, or a reset that is
//! nobody's fault. Told more than once it has to be the same number, and nothing but digits is one.
//!
//! Without a length, the end of the connection. An error in its place is no end: nobody knows whether
//! the body was whole.
//!
//! # What stands before it
//!
//! Any number of interim replies, 100 to 199, such as `103 Early Hints`. A client must be able to
//! read them although it has not asked for them (RFC 9110, section 15.2), so they are passed over. The
//! exception is 101: it switches to another protocol, which nobody here asks for.
//!
//! # What is refused
//!
//! Every status but 200. A `Transfer-Encoding`: chunks are a format of their own, which this does not
//! read. A head of more than 64 KiB, and a body of more than [`LONGEST`].

use std::io::{self, Error, ErrorKind};

/// The longest body that is read, in bytes: a server that never stops sending must not fill the
/// memory.
pub const LONGEST: usize = 16 << 20;

/// The longest head, with the interim replies before it.
const LONGEST_HEAD: usize = 64 << 10;

/// How many fields a head may have.
const FIELDS: usize = 128;

/// A reply, as far as it has been read.
#[derive(Debug, Default)]
pub struct Reply {
    received: Vec<u8>,
    /// How much of it was of interim replies, and is gone.
    passed_over: usize,
    body: Option<Body>,
}

/// Where the body is.
#[derive(Clone, Copy, Debug)]
struct Body {
    from: usize,
    length: Option<usize>,
}

impl Reply {
    /// Adds what a read returned. The body, if its length was told and all of it is here.
    ///
    /// Fails with [`InvalidData`](ErrorKind::InvalidData) if this is no reply that can be read, and
    /// with [`FileTooLarge`](ErrorKind::FileTooLarge).
    pub fn add(&mut self, bytes: &[u8]) -> io::Result<Option<&[u8]>> {
        self.received.extend_from_slice(bytes);
        if self.body.is_none() {
            self.body = self.head()?;
        }
        let Some(Body { from, length }) = self.body else {
            return Ok(None);
        };
        match length {
            Some(length) => Ok(self.received.get(from..from + length)),
            None if self.received.len() - from > LONGEST => Err(too_large("the body")),
            None => Ok(None),
        }
    }

    /// The body, when the connection has ended: a read returned nothing.
    ///
    /// Fails with [`UnexpectedEof`](ErrorKind::UnexpectedEof) if it is not whole.
    pub fn end(&self) -> io::Result<&[u8]> {
        let body = self.body.and_then(|Body { from, length }| {
            let until = length.map_or(self.received.len(), |length| from + length);
            self.received.get(from..until)
        });
        body.ok_or_else(|| {
            Error::new(ErrorKind::UnexpectedEof, "the server closed before the reply was whole")
        })
    }

    /// Takes what a read returned, where nothing means that the connection has ended: [`add`] or
    /// [`end`].
    ///
    /// [`add`]: Reply::add
    /// [`end`]: Reply::end
    pub fn take_in(&mut self, read: &[u8]) -> io::Result<Option<&[u8]>> {
        match read {
            [] => self.end().map(Some),
            bytes => self.add(bytes),
        }
    }

    /// How many bytes a read may ask for without reading past the end of this reply. Before the head
    /// is here nobody knows, and then it is a whole [`LONGEST`].
    pub fn missing(&self) -> usize {
        let until = self.body.and_then(|body| Some(body.from + body.length?));
        until.map_or(LONGEST, |until| until.saturating_sub(self.received.len()))
    }

    /// Where the body is, once the head is here. Interim replies before it are taken out.
    fn head(&mut self) -> io::Result<Option<Body>> {
        loop {
            let mut fields = [httparse::EMPTY_HEADER; FIELDS];
            let mut head = httparse::Response::new(&mut fields);
            let parsed = head.parse(&self.received);
            match parsed.map_err(|error| invalid(format!("this is no reply: {error}")))? {
                httparse::Status::Partial => break,
                httparse::Status::Complete(len) => match head.code {
                    Some(100 | 102..=199) => {
                        self.received.drain(..len);
                        self.passed_over += len;
                    }
                    Some(200) => {
                        let length = length(head.headers)?;
                        return Ok(Some(Body { from: len, length }));
                    }
                    status => {
                        let (status, reason) = (status.unwrap_or(0), head.reason.unwrap_or(""));
                        return Err(invalid(format!("the server answered {status} {reason}")));
                    }
                },
            }
        }
        match self.passed_over + self.received.len() > LONGEST_HEAD {
            true => Err(too_large("the head")),
            false => Ok(None),
        }
    }
}

/// The body of a reply that was read until its connection had `ended`, by a close or by an error. One
/// that is whole by its length is whole in either case.
///
/// Fails as [`Reply::add`] and [`Reply::end`] do, and with the error of the connection.
pub fn of_ended(received: &[u8], ended: io::Result<()>) -> io::Result<Vec<u8>> {
    let mut reply = Reply::default();
    match reply.add(received)? {
        Some(body) => Ok(body.to_owned()),
        None => ended.and_then(|()| reply.end().map(<[u8]>::to_owned)),
    }
}

/// The length of the body, if it is told.
fn length(fields: &[httparse::Header<'_>]) -> io::Result<Option<usize>> {
    let called = |name: &str| {
        let name = name.to_owned();
        move |field: &&httparse::Header<'_>| field.name.eq_ignore_ascii_case(&name)
    };
    if let Some(field) = fields.iter().find(called("transfer-encoding")) {
        let coding = String::from_utf8_lossy(field.value).into_owned();
        let what = format!("the body is in a coding that this client can't read: {coding}");
        return Err(invalid(what));
    }
    let mut told = None;
    for field in fields.iter().filter(called("content-length")) {
        let value = String::from_utf8_lossy(field.value);
        for number in value.split(',').map(|number| number.trim_matches([' ', '\t'])) {
            // `parse` takes a sign as well.
            if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(invalid(format!("the length of the body is no number: {value}")));
            }
            let length = number.parse().ok().filter(|length| *length <= LONGEST);
            let length = length.ok_or_else(|| too_large("the body"))?;
            match told.replace(length) {
                Some(other) if other != length => {
                    return Err(invalid(format!("the body has two lengths: {other} and {length}")));
                }
                _ => {}
            }
        }
    }
    Ok(told)
}

fn invalid(what: String) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

fn too_large(what: &str) -> Error {
    Error::new(ErrorKind::FileTooLarge, format!("{what} is larger than this client reads"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body of a connection that ended after these bytes, in pieces of `size`.
    fn read(bytes: &[u8], size: usize) -> io::Result<Vec<u8>> {
        let mut reply = Reply::default();
        for piece in bytes.chunks(size).chain([&[][..]]) {
            if let Some(body) = reply.take_in(piece)? {
                return Ok(body.to_owned());
            }
        }
        unreachable!("the end is an end")
    }

    /// However the bytes are cut, the outcome is the same.
    #[track_caller]
    fn in_any_pieces(bytes: &str) -> Result<String, (ErrorKind, String)> {
        let read = |size| {
            let body = read(bytes.as_bytes(), size);
            body.map(|body| String::from_utf8(body).unwrap()).map_err(|e| (e.kind(), e.to_string()))
        };
        let whole = read(bytes.len().max(1));
        for size in [1, 2, 3, 7, 19, 64] {
            assert_eq!(read(size), whole, "in pieces of {size}: {bytes:?}");
        }
        whole
    }

    #[track_caller]
    fn is(bytes: &str, body: &str) {
        assert_eq!(in_any_pieces(bytes).as_deref(), Ok(body), "{bytes:?}");
    }

    #[track_caller]
    fn fails(bytes: &str, kind: ErrorKind, words: &str) {
        let (found, said) = in_any_pieces(bytes).expect_err(bytes);
        assert!(found == kind && said.contains(words), "{bytes:?}: {found:?}, {said}");
    }

    #[test]
    fn a_told_length_ends_the_body() {
        is("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi");
        is("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi and more", "hi");
        is("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "");
        is("HTTP/1.0 200 OK\r\nA: b\r\nContent-Length:2\r\n\r\nhi", "hi");
    }

    #[test]
    fn the_name_of_the_length_has_any_case_and_its_value_blanks_around_it() {
        for name in ["content-length", "CONTENT-LENGTH", "cOnTeNt-LeNgTh"] {
            for (before, after) in [("", ""), (" ", ""), ("\t", " "), ("   ", "\t")] {
                is(&format!("HTTP/1.1 200 OK\r\n{name}:{before}2{after}\r\n\r\nhi!"), "hi");
            }
        }
    }

    #[test]
    fn without_a_length_the_end_of_the_connection_ends_the_body() {
        is("HTTP/1.1 200 OK\r\n\r\nhi", "hi");
        is("HTTP/1.1 200 OK\r\nX-Content-Length: 1\r\n\r\n", "");
    }

    #[test]
    fn a_reply_that_is_cut_is_not_whole() {
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
        for len in 0..whole.len() {
            fails(&whole[..len], ErrorKind::UnexpectedEof, "before the reply was whole");
        }
    }

    #[test]
    fn lengths_that_differ_are_refused_and_equal_ones_are_one() {
        let told = |lengths: &[&str]| {
            let lines = lengths.iter().map(|value| format!("Content-Length: {value}\r\n"));
            format!("HTTP/1.1 200 OK\r\n{}\r\nhi!", lines.collect::<String>())
        };
        is(&told(&["2", "2"]), "hi");
        is(&told(&["2, 2", "02"]), "hi");
        for lengths in [&["2", "3"][..], &["3", "2"], &["2, 3"], &["2", "2", "1"]] {
            fails(&told(lengths), ErrorKind::InvalidData, "two lengths: ");
        }
    }

    #[test]
    fn a_length_is_digits_and_nothing_else() {
        for no in ["", "+2", "-2", "0x2", "2 2", "2;", "2,", "2.0", "two", "\u{662}"] {
            let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {no}\r\n\r\nhi");
            fails(&reply, ErrorKind::InvalidData, "no number: ");
        }
    }

    #[test]
    fn interim_replies_are_passed_over() {
        let end = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
        is(&format!("HTTP/1.1 100 Continue\r\n\r\n{end}"), "hi");
        let hints = "HTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\nLink: </a>\r\n\r\n";
        is(&format!("{hints}{hints}HTTP/1.1 100\r\n\r\n{end}"), "hi");
        fails(hints, ErrorKind::UnexpectedEof, "before the reply was whole");
        let switches = format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n{end}");
        fails(&switches, ErrorKind::InvalidData, "the server answered 101 Switching Protocols");
        let endless = hints.repeat(LONGEST_HEAD / hints.len() + 1);
        let endless = read(endless.as_bytes(), 1000).unwrap_err();
        assert_eq!(endless.kind(), ErrorKind::FileTooLarge);
    }

    #[test]
    fn chunks_are_refused_by_name_with_a_length_or_without() {
        let chunks = "2\r\nhi\r\n0\r\n\r\n";
        for fields in
            ["Transfer-Encoding: chunked", "transfer-encoding: chunked\r\nContent-Length: 2"]
        {
            let reply = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n{chunks}");
            fails(&reply, ErrorKind::InvalidData, "can't read: chunked");
        }
    }

    #[test]
    fn what_is_no_reply_is_refused_as_soon_as_it_is_seen() {
        fails("SSH-2.0-OpenSSH_9.2\r\n", ErrorKind::InvalidData, "this is no reply: ");
        fails("HTTP/1.1 200 OK\r\nno field\r\n\r\n", ErrorKind::InvalidData, "this is no reply: ");
        fails("HTTP/1.1 400 No\r\n\r\n", ErrorKind::InvalidData, "the server answered 400 No");
        fails("HTTP/1.1 204 No Content\r\n\r\n", ErrorKind::InvalidData, "answered 204");
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_read() {
        for length in [(LONGEST + 1).to_string(), "9".repeat(40)] {
            let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            fails(&reply, ErrorKind::FileTooLarge, "the body");
        }
        let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(LONGEST_HEAD));
        let error = read(endless.as_bytes(), 4096).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        let endless = [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &vec![b'x'; LONGEST + 1]].concat();
        assert_eq!(read(&endless, 1 << 16).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }

    #[test]
    fn no_more_is_asked_for_than_belongs_to_the_reply() {
        let mut reply = Reply::default();
        assert_eq!(reply.missing(), LONGEST);
        reply.add(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").unwrap();
        assert_eq!(reply.missing(), 5);
        reply.add(b"hel").unwrap();
        assert_eq!(reply.missing(), 2);
        assert_eq!(reply.add(b"lo").unwrap(), Some(&b"hello"[..]));
        assert_eq!(reply.missing(), 0);
    }

    #[test]
    fn an_error_of_the_connection_ends_what_has_no_length_and_nothing_that_is_whole() {
        let reset = || Err(ErrorKind::ConnectionReset.into());
        let until_the_end = b"HTTP/1.1 200 OK\r\n\r\nhi";
        assert_eq!(of_ended(until_the_end, Ok(())).unwrap(), b"hi");
        assert_eq!(
            of_ended(until_the_end, reset()).unwrap_err().kind(),
            ErrorKind::ConnectionReset
        );
        let told = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
        assert_eq!(of_ended(told, Ok(())).unwrap(), b"hi");
        assert_eq!(of_ended(told, reset()).unwrap(), b"hi");
        let cut = &told[..told.len() - 1];
        assert_eq!(of_ended(cut, Ok(())).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert_eq!(of_ended(cut, reset()).unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
}

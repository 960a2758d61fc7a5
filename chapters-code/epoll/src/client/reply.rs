//! As much of HTTP/1.1 as the delayserver speaks: RFC 9112, section 6.3.

use std::io::{self, Error, ErrorKind};

/// The body, if its length is told and all of it is there.
pub(super) fn so_far(received: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let Some((head, rest)) = head(received)? else {
        return Ok(None);
    };
    let whole = head.length.filter(|length| rest.len() >= *length);
    Ok(whole.map(|length| rest[..length].to_vec()))
}

/// The body of a reply that the server has ended: of the length that it told, or all there is.
pub(super) fn at_the_end(received: &[u8]) -> io::Result<Vec<u8>> {
    match head(received)? {
        Some((head, rest)) if rest.len() >= head.length.unwrap_or(0) => {
            Ok(rest[..head.length.unwrap_or(rest.len())].to_vec())
        }
        _ => Err(Error::new(
            ErrorKind::UnexpectedEof,
            "the server closed before the reply was whole",
        )),
    }
}

struct Head {
    length: Option<usize>,
}

/// The head and what follows it, once the blank line after it is there.
fn head(received: &[u8]) -> io::Result<Option<(Head, &[u8])>> {
    let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let invalid = |what: String| Error::new(ErrorKind::InvalidData, what);
    let text = std::str::from_utf8(&received[..end]).map_err(|error| invalid(error.to_string()))?;
    let (status, fields) = text.split_once("\r\n").unwrap_or((text, ""));
    if status.split(' ').nth(1) != Some("200") {
        return Err(invalid(format!("the server answered `{status}`")));
    }
    let mut fields = fields.lines().filter_map(|field| field.split_once(':'));
    if fields.clone().any(|(name, _)| name.eq_ignore_ascii_case("transfer-encoding")) {
        return Err(invalid("a reply in chunks, which this client can't read".into()));
    }
    let mut lengths =
        fields.by_ref().filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = lengths.next().map(|(_, value)| value.trim().parse());
    let length = length.transpose().map_err(|_| invalid("a length that is no number".into()))?;
    Ok(Some((Head { length }, &received[end + 4..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_told_length_ends_the_body() {
        let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi and more";
        assert_eq!(so_far(reply).unwrap().as_deref(), Some(&b"hi"[..]));
        assert_eq!(so_far(&reply[..38]).unwrap(), None);
        assert_eq!(at_the_end(&reply[..38]).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn without_a_length_the_close_ends_the_body() {
        let reply = b"HTTP/1.1 200 OK\r\n\r\nhi";
        assert_eq!(so_far(reply).unwrap(), None);
        assert_eq!(at_the_end(reply).unwrap(), b"hi");
    }

    #[test]
    fn what_is_no_reply_is_an_error() {
        let chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n";
        assert_eq!(at_the_end(chunks).unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(at_the_end(b"").unwrap_err().kind(), ErrorKind::UnexpectedEof);
        for bad in
            [&b"HTTP/1.1 400 No\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"]
        {
            assert_eq!(so_far(bad).unwrap_err().kind(), ErrorKind::InvalidData);
        }
    }
}

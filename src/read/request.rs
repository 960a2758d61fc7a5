//! What a browser asks for, and whether it means this server.

use std::io::{self, Read};

use percent_encoding::percent_decode_str;

use super::post::{self, Post};

/// A request's head is shorter, or it is none of a browser's.
const LONGEST: usize = 64 * 1024;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// The bytes of the path, decoded, without the query.
    pub path: Vec<u8>,
    /// What stands behind the `?`, as it was sent.
    pub query: String,
    /// `GET` wants the body, `HEAD` does not.
    pub body: bool,
    /// Whether another request may follow on this connection.
    pub more: bool,
    /// Whether the body may be compressed.
    pub gzip: bool,
    /// What a page asks to change; nothing, if it only asks.
    pub post: Option<Post>,
}

/// The headers of a request.
pub struct Headers<'a, 'b>(&'a [httparse::Header<'b>]);

impl<'a> Headers<'a, '_> {
    /// The values of all headers of a name.
    pub fn all<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        let named = self.0.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
        named.map(|header| header.value)
    }

    /// The value of the one header of a name.
    pub fn only(&self, name: &str) -> Option<&'a [u8]> {
        let mut all = self.all(name);
        all.next().filter(|_| all.next().is_none())
    }
}

/// Reads one request from a peer that means one of `hosts`; an error is the status that says what
/// is wrong with it. `None` when the peer has no more. What it has sent beyond stays in `sent`.
pub fn read(
    stream: &mut impl Read,
    sent: &mut Vec<u8>,
    hosts: &[String],
) -> io::Result<Option<Result<Request, &'static str>>> {
    let mut chunk = [0; 4096];
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 100];
        let mut parsed = httparse::Request::new(&mut headers);
        match parsed.parse(sent) {
            Ok(httparse::Status::Complete(length)) => {
                let mut request = meant(&parsed, hosts);
                sent.drain(..length);
                if let Ok(Request { post: Some(post), .. }) = &mut request {
                    let sent_with_it = sent.len().min(post.body.len());
                    let (first, rest) = post.body.split_at_mut(sent_with_it);
                    first.copy_from_slice(&sent[..sent_with_it]);
                    sent.drain(..sent_with_it);
                    stream.read_exact(rest)?;
                }
                return Ok(Some(request));
            }
            Ok(httparse::Status::Partial) if sent.len() >= LONGEST => {
                return Ok(Some(Err("431 Request Header Fields Too Large")));
            }
            Ok(httparse::Status::Partial) => {}
            Err(_) => return Ok(Some(Err("400 Bad Request"))),
        }
        match stream.read(&mut chunk)? {
            0 => return Ok(None),
            n => sent.extend_from_slice(&chunk[..n]),
        }
    }
}

fn meant(parsed: &httparse::Request<'_, '_>, hosts: &[String]) -> Result<Request, &'static str> {
    let headers = Headers(parsed.headers);
    let all = |name: &'static str| headers.all(name);
    let target = parsed.path.unwrap_or_default();
    let (host, path) = match target.strip_prefix("http://") {
        Some(whole) => {
            let (host, path) = whole.split_at(whole.find(['/', '?', '#']).unwrap_or(whole.len()));
            (Some(host), path)
        }
        None => (None, target),
    };
    // A name that another site lets point to this machine is not ours; that site could otherwise
    // read what is served here.
    let ours = |host: &[u8]| hosts.iter().any(|our| host.eq_ignore_ascii_case(our.as_bytes()));
    if all("host").count() != 1
        || !all("host").all(ours)
        || !host.is_none_or(|host| ours(host.as_bytes()))
    {
        return Err(MISDIRECTED);
    }
    let (body, post) = match parsed.method {
        Some("GET") => (true, None),
        Some("HEAD") => (false, None),
        Some("POST") => (true, Some(post::meant(&headers, hosts)?)),
        _ => return Err("405 Method Not Allowed"),
    };
    let asks = |name, word: &str| {
        all(name).any(|value| String::from_utf8_lossy(value).to_ascii_lowercase().contains(word))
    };
    // What follows a head with a body is not the next request.
    let has_body = post.is_none()
        && (all("transfer-encoding").count() > 0 || all("content-length").any(|n| n != b"0"));
    let more = parsed.version == Some(1) && !asks("connection", "close") && !has_body;
    let target = path.split('#').next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = query.to_owned();
    let gzip = all("accept-encoding").any(takes_gzip);
    Ok(Request { path: percent_decode_str(path).collect(), query, body, more, gzip, post })
}

/// Whether the codings that a peer takes have gzip among them; of no weight is refused.
fn takes_gzip(codings: &[u8]) -> bool {
    let codings = String::from_utf8_lossy(codings).to_ascii_lowercase();
    codings.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
        name.trim() == "gzip" && !refused
    })
}

/// For a request that means another server.
pub const MISDIRECTED: &str = "421 Misdirected Request";

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(head: &str) -> Result<Request, &'static str> {
        let hosts = ["127.0.0.1:3000".to_owned(), "localhost:3000".to_owned()];
        read(&mut head.as_bytes(), &mut Vec::new(), &hosts).unwrap().expect("a whole request")
    }

    fn request(path: &str, body: bool, more: bool) -> Result<Request, &'static str> {
        Ok(Request { path: path.into(), query: String::new(), body, more, gzip: false, post: None })
    }

    #[test]
    fn a_request_is_a_path_and_what_is_wanted() {
        let host = "Host: localhost:3000\r\n";
        let get = format!("GET /a%20b%ff.html?x=1 HTTP/1.1\r\n{host}\r\n");
        let path = b"/a b\xff.html".to_vec();
        let query = "x=1".to_owned();
        assert_eq!(
            asked(&get),
            Ok(Request { path, query, body: true, more: true, gzip: false, post: None })
        );
        let head = format!("HEAD / HTTP/1.1\r\n{host}Connection: Close\r\n\r\n");
        assert_eq!(asked(&head), request("/", false, false));
        let with_body = format!("GET / HTTP/1.1\r\n{host}Content-Length: 3\r\n\r\nabc");
        assert_eq!(asked(&with_body), request("/", true, false));
        assert_eq!(asked(&format!("GET / HTTP/1.0\r\n{host}\r\n")), request("/", true, false));
        let post = format!("POST / HTTP/1.1\r\n{host}\r\n");
        assert_eq!(asked(&post), Err("403 Forbidden"));
        assert_eq!(asked(&post.replace("POST", "PUT")), Err("405 Method Not Allowed"));
        assert_eq!(asked("what?\r\n\r\n"), Err("400 Bad Request"));
        let long = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(LONGEST));
        assert_eq!(asked(&long), Err("431 Request Header Fields Too Large"));
    }

    #[test]
    fn what_is_posted_is_read_from_a_page_of_ours_alone() {
        let right = "Host: localhost:3000\r\nOrigin: http://127.0.0.1:3000\r\nX-Book-Token: t\r\n\
                     Sec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\n\
                     Content-Length: 2\r\n";
        let posted = |headers: &str| asked(&format!("POST /a HTTP/1.1\r\n{headers}\r\n{{}}GET"));
        let post = Some(Post { token: b"t".to_vec(), body: b"{}".to_vec() });
        assert_eq!(
            posted(right),
            Ok(Request {
                path: b"/a".to_vec(),
                query: String::new(),
                body: true,
                more: true,
                gzip: false,
                post,
            })
        );
        for (old, new, status) in [
            ("Origin: http://127.0.0.1:3000", "Origin: http://evil.example", "403 Forbidden"),
            ("Origin: http://127.0.0.1:3000", "Origin: null", "403 Forbidden"),
            ("Origin: http://127.0.0.1:3000", "Origin: http://127.0.0.1:3001", "403 Forbidden"),
            ("Origin: http://127.0.0.1:3000", "Origin: https://127.0.0.1:3000", "403 Forbidden"),
            ("same-origin", "same-site", "403 Forbidden"),
            ("same-origin", "cross-site", "403 Forbidden"),
            ("same-origin", "none", "403 Forbidden"),
            ("X-Book-Token: t\r\n", "", "403 Forbidden"),
            ("X-Book-Token: t", "X-Book-Token: t\r\nX-Book-Token: t", "403 Forbidden"),
            ("Origin", "Origin: http://127.0.0.1:3000\r\nOrigin", "403 Forbidden"),
            ("application/json", "text/plain", "415 Unsupported Media Type"),
            ("application/json", "application/x-www-form-urlencoded", "415 Unsupported Media Type"),
            ("Content-Type: application/json\r\n", "", "415 Unsupported Media Type"),
            (
                "Content-Type",
                "Content-Type: application/json\r\nContent-Type",
                "415 Unsupported Media Type",
            ),
            ("Content-Length: 2\r\n", "", "411 Length Required"),
            ("Content-Length: 2", "Content-Length: 2\r\nContent-Length: 2", "411 Length Required"),
            ("Content-Length: 2", "Transfer-Encoding: chunked", "411 Length Required"),
            (
                "Content-Length: 2",
                "Content-Length: 2\r\nTransfer-Encoding: chunked",
                "411 Length Required",
            ),
            ("Content-Length: 2", "Content-Length: 4097", "413 Content Too Large"),
            ("Content-Length: 2", "Content-Length: +2", "400 Bad Request"),
            ("Content-Length: 2", "Content-Length: 99999999999999999999999", "400 Bad Request"),
            ("Host: localhost:3000", "Host: evil.example", MISDIRECTED),
            ("Host", "Host: localhost:3000\r\nHost", MISDIRECTED),
        ] {
            assert!(right.contains(old), "{old}");
            assert_eq!(posted(&right.replacen(old, new, 1)).err(), Some(status), "{new}");
        }
        // No browser: `curl` sends neither an origin nor where it stands.
        let plain = right.replacen("Origin: http://127.0.0.1:3000\r\n", "", 1);
        assert!(posted(&plain.replacen("Sec-Fetch-Site: same-origin\r\n", "", 1)).is_ok());
    }

    #[test]
    fn requests_follow_each_other_on_one_connection() {
        let hosts = ["a:1".to_owned()];
        let two =
            "GET /1 HTTP/1.1\r\nHost: a:1\r\n\r\nGET /2 HTTP/1.1\r\nHost: a:1\r\n\r\nGET /3 HT";
        let (mut stream, mut sent) = (two.as_bytes(), Vec::new());
        let mut next = || read(&mut stream, &mut sent, &hosts).unwrap();
        assert_eq!(next(), Some(request("/1", true, true)));
        assert_eq!(next(), Some(request("/2", true, true)));
        assert_eq!(next(), None);
    }

    #[test]
    fn what_is_compressed_was_asked_for() {
        let gzip = |headers: &str| {
            asked(&format!("GET / HTTP/1.1\r\nHost: localhost:3000\r\n{headers}\r\n")).unwrap().gzip
        };
        for yes in ["gzip", "gzip, deflate, br, zstd", "br, GZIP;q=0.5", "identity,gzip ; q=1.0"] {
            assert!(gzip(&format!("Accept-Encoding: {yes}\r\n")), "{yes}");
        }
        for no in ["br", "gzip;q=0", "deflate, gzip; q=0.000", "xgzip", ""] {
            assert!(!gzip(&format!("Accept-Encoding: {no}\r\n")), "{no}");
        }
        assert!(!gzip(""));
    }

    #[test]
    fn exactly_one_host_is_ours_in_every_form() {
        let status = |target: &str, headers: &str| {
            asked(&format!("GET {target} HTTP/1.1\r\n{headers}\r\n")).err().unwrap_or("200 OK")
        };
        assert_eq!(status("http://LOCALHOST:3000/a", "HOST: LocalHost:3000\r\n"), "200 OK");
        assert_eq!(status("http://localhost:3000", "Host: localhost:3000\r\n"), "200 OK");
        for (target, headers) in [
            ("/", ""),
            ("/", "Host: localhost\r\n"),
            ("/", "Host: localhost:3000.evil.example\r\n"),
            ("/", "Host: localhost:3000\r\nHost: localhost:3000\r\n"),
            ("/", "Host: localhost:3000, evil.example\r\n"),
            ("http://evil.example/", "Host: localhost:3000\r\n"),
            ("http://me@localhost:3000/", "Host: localhost:3000\r\n"),
            ("http://localhost:3000/", "Host: evil.example\r\n"),
        ] {
            assert_eq!(status(target, headers), MISDIRECTED, "{target} {headers}");
        }
    }
}

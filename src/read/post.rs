//! Who may change something here: a page that this server has served, and nobody else.
//!
//! Any page of any site may send a request to a port of this machine. What tells it apart: a browser
//! names the site it comes from, and sends no header of the site's own and no JSON without asking
//! first, which is answered with a refusal. Whoever reads the token has read a page from here.

use super::request::Headers;

/// The header of the token, which is another one at each start of the server.
pub const TOKEN: &str = "x-book-token";

/// What is posted is a few words.
const LONGEST: usize = 4096;

/// What is posted.
#[derive(Debug, PartialEq, Eq)]
pub struct Post {
    /// What came as the token.
    pub token: Vec<u8>,
    /// The body; of its length, until it is read.
    pub body: Vec<u8>,
}

/// The head of a request that may change something, if it is such a one; an error is the status.
pub fn meant(headers: &Headers<'_, '_>, hosts: &[String]) -> Result<Post, &'static str> {
    let origin = |value: &[u8]| {
        let ours = |host: &String| value == format!("http://{host}").as_bytes();
        hosts.iter().any(ours)
    };
    let at_most_one = |name| headers.all(name).count() <= 1;
    if !at_most_one("origin")
        || !headers.all("origin").all(origin)
        || !at_most_one("sec-fetch-site")
        || !headers.all("sec-fetch-site").all(|site| site == b"same-origin")
    {
        return Err("403 Forbidden");
    }
    let token = headers.only(TOKEN).ok_or("403 Forbidden")?;
    let is_json = |kind: &[u8]| {
        let kind = String::from_utf8_lossy(kind).to_ascii_lowercase();
        matches!(&*kind.replace(' ', ""), "application/json" | "application/json;charset=utf-8")
    };
    if !headers.only("content-type").is_some_and(is_json) {
        return Err("415 Unsupported Media Type");
    }
    if headers.all("transfer-encoding").next().is_some() {
        return Err("411 Length Required");
    }
    let length = headers.only("content-length").ok_or("411 Length Required")?;
    let digits = std::str::from_utf8(length).ok().filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
    match digits.and_then(|digits| digits.parse::<usize>().ok()) {
        Some(length) if length <= LONGEST => {
            Ok(Post { token: token.to_owned(), body: vec![0; length] })
        }
        Some(_) => Err("413 Content Too Large"),
        None => Err("400 Bad Request"),
    }
}

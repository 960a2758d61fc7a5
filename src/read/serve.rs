//! The server: the last good build, and what open pages ask to reload themselves.
//!
//! One thread for each connection: browsers hold no more than six, for all their tabs.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::build::Edition;
use super::mine::{self, Mine};
use super::post::Post;
use super::request::{self, MISDIRECTED, Request};
use super::room::with_own;

/// What the pages run to reload themselves and to show what is wrong.
const RELOAD: &str = include_str!("reload.js");

/// Where they ask how the book is.
const STATE: &[u8] = b"/.book/state";

/// How long a page that asks for news may be kept waiting for them.
const NEWS: Duration = Duration::from_secs(20);

/// How long a peer may take to send a request, or to take what it has asked for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait when the system has no descriptor or thread to spare.
const BREATH: Duration = Duration::from_millis(50);

/// What is served, and under which names.
pub struct Site {
    hosts: Vec<String>,
    book: Mutex<Book>,
    mine: Mine,
    news: Condvar,
}

/// The last good build, and what is wrong since.
#[derive(Default)]
struct Book {
    edition: Option<Arc<Edition>>,
    error: Option<String>,
}

impl Book {
    /// The same for books that are the same, whichever server has them.
    fn tag(&self) -> String {
        let mut hash = DefaultHasher::new();
        (self.edition.as_ref().map(|edition| &edition.id), &self.error).hash(&mut hash);
        format!("{:016x}", hash.finish())
    }
}

impl Site {
    /// A site without a build yet, at `port` of this machine.
    pub fn new(port: u16, mine: Mine) -> Site {
        let names = ["127.0.0.1", "localhost"];
        let mut hosts: Vec<String> = names.iter().map(|name| format!("{name}:{port}")).collect();
        if port == 80 {
            hosts.extend(names.map(str::to_owned));
        }
        Site { hosts, book: Mutex::default(), news: Condvar::new(), mine }
    }

    /// Takes what a build brought; says whether it differs from the last good one.
    pub fn take(&self, built: Result<Edition, String>) -> bool {
        let mut book = self.book();
        self.news.notify_all();
        let edition = match built {
            Ok(edition) => edition,
            Err(error) => {
                book.error = Some(error);
                return false;
            }
        };
        book.error = None;
        let is_new = book.edition.as_ref().is_none_or(|old| old.id != edition.id);
        // Where the pages are the same, what follows them may be newer.
        book.edition = Some(Arc::new(edition));
        is_new
    }

    /// How the book is, once it is not as the one who asks knows it to be.
    fn state(&self, known: Option<&str>) -> serde_json::Value {
        let is_known = |book: &mut Book| Some(book.tag().as_str()) == known;
        let waited = self.news.wait_timeout_while(self.book(), NEWS, is_known);
        let (book, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let build = book.edition.as_ref().map(|edition| &edition.id);
        json!({ "build": build, "error": book.error, "tag": book.tag() })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves for as long as the process lives.
pub fn serve(listener: &TcpListener, site: &Arc<Site>) -> ! {
    loop {
        let Ok((stream, _)) = listener.accept() else {
            // Out of descriptors, or a peer that left early: neither is an end.
            thread::sleep(BREATH);
            continue;
        };
        let site = Arc::clone(site);
        // An error here is a peer that is gone, and a thread that can't be had closes its stream.
        let answer = move || answer(stream, &site);
        let _ = thread::Builder::new().name("a reader".into()).spawn(answer);
    }
}

/// Answers the requests of one connection.
fn answer(mut stream: TcpStream, site: &Site) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut sent = Vec::new();
    while let Some(request) = request::read(&mut stream, &mut sent, &site.hosts)? {
        let (reply, body, more) = match request {
            Ok(Request { path, query, body, more, gzip, post }) => {
                let reply = reply(site, &path, &query, post.as_ref());
                (if gzip { reply.packed() } else { reply }, body, more)
            }
            Err(status) => (refusal(status, &site.hosts), true, false),
        };
        stream.write_all(&reply.bytes(body, more))?;
        if !more {
            break;
        }
    }
    Ok(())
}

/// What is sent.
struct Reply {
    status: &'static str,
    kind: &'static str,
    body: Vec<u8>,
    /// Whether the body is compressed.
    packed: bool,
}

/// The kinds that get much smaller; others are compressed as they are, or small.
const PACKED: [&str; 5] = ["text/", "application/json", "image/svg", "image/vnd", "font/ttf"];

/// What is shorter fits into a packet as it is.
const SHORT: usize = 1200;

impl Reply {
    fn of(status: &'static str, kind: &'static str, body: Vec<u8>) -> Reply {
        Reply { status, kind, body, packed: false }
    }

    /// The same, compressed where that is worth it.
    fn packed(mut self) -> Reply {
        let is_worth_it = PACKED.iter().any(|kind| self.kind.starts_with(kind));
        if is_worth_it && self.body.len() > SHORT {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
            // Nothing that is written to memory fails.
            if let Ok(body) = gzip.write_all(&self.body).and_then(|()| gzip.finish()) {
                (self.body, self.packed) = (body, true);
            }
        }
        self
    }

    fn bytes(&self, body: bool, more: bool) -> Vec<u8> {
        // All is built anew under the same name: it is asked for again each time.
        let head = format!(
            "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}Cache-Control: no-store\r\n\
             Vary: Accept-Encoding\r\nX-Frame-Options: SAMEORIGIN\r\nConnection: {}\r\n\r\n",
            self.status,
            self.kind,
            self.body.len(),
            if self.packed { "Content-Encoding: gzip\r\n" } else { "" },
            if more { "keep-alive" } else { "close" },
        );
        [head.as_bytes(), if body { &self.body } else { &[] }].concat()
    }
}

fn refusal(status: &'static str, hosts: &[String]) -> Reply {
    let mut said = format!("{status}\n");
    if status == MISDIRECTED {
        said += "This server answers requests with one `Host` header, which says ";
        said += &format!("{}.\n", hosts.join(" or "));
    }
    Reply::of(status, "text/plain; charset=utf-8", said.into_bytes())
}

fn reply(site: &Site, path: &[u8], query: &str, post: Option<&Post>) -> Reply {
    if path == STATE {
        let body = site.state(query.strip_prefix("not=")).to_string().into_bytes();
        return Reply::of("200 OK", "application/json", body);
    }
    let edition = site.book().edition.clone();
    let Some(edition) = edition else {
        let page = b"<!doctype html><title>Not woven yet</title><body>";
        return page_of("503 Service Unavailable", page, "");
    };
    let own = match post {
        Some(post) => Some(site.mine.post(path, post, &edition)),
        None => site.mine.get(path, &edition),
    };
    if let Some((status, body)) = own {
        return Reply::of(status, "application/json", body.to_string().into_bytes());
    }
    if let Some((_, kind, text)) = mine::FILES.iter().find(|(name, ..)| *name == path) {
        return Reply::of("200 OK", kind, text.as_bytes().to_vec());
    }
    if let Some(body) = site.mine.tasks(path) {
        return Reply::of("200 OK", "text/plain; charset=utf-8", body);
    }
    match edition.file(path) {
        Some((HTML, page)) => {
            let page = with_own(&site.mine, &edition, path, page);
            page_of("200 OK", &page, &edition.id)
        }
        Some((kind, file)) => Reply::of("200 OK", kind, file.to_owned()),
        // The book's own page for what is missing.
        None => {
            let page = edition.file(b"/404.html").map_or(&b"not found"[..], |(_, page)| page);
            page_of("404 Not Found", page, &edition.id)
        }
    }
}

/// The type of a page.
pub const HTML: &str = "text/html; charset=utf-8";

/// What shows the reader's own on a page.
const OWN: &[u8] = b"<link rel=\"stylesheet\" href=\"/.book/recall.css\">\
                     <script src=\"/.book/recall.js\" defer></script>";

/// A page with the reloading script, which is told of which build it is.
fn page_of(status: &'static str, page: &[u8], build: &str) -> Reply {
    let begin = format!("<script data-build=\"{build}\">");
    let body = [page, begin.as_bytes(), RELOAD.as_bytes(), b"</script>", OWN].concat();
    Reply::of(status, HTML, body)
}

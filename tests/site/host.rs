//! A host for sites, and what a browser or a search engine reads from a page.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use regex::Regex;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tower_http::services::{ServeDir, ServeFile};
use url::Url;

/// An answer takes milliseconds; this is the last resort.
const DEADLINE: Duration = Duration::from_secs(60);

/// Below it the sites are served: it has to travel as `%C3%BCber`.
const PATH: &str = "/über/book";

/// A host that knows nothing of the book: it serves the files of a folder below [`PATH`].
pub struct Host {
    /// Where it serves.
    pub url: Url,
    listener: Option<std::net::TcpListener>,
    runtime: Runtime,
}

impl Host {
    /// A host at a free port.
    pub fn new() -> Host {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = format!("http://{}{PATH}/", listener.local_addr().unwrap());
        let runtime = Runtime::new().unwrap();
        Host { url: Url::parse(&address).unwrap(), listener: Some(listener), runtime }
    }

    /// Serves the site in a folder, until the test ends.
    pub fn serve(&mut self, dir: &Path) {
        let missing = ServeFile::new(dir.join("404.html"));
        let files = ServeDir::new(dir).not_found_service(missing);
        let app = Router::new().nest_service(self.url.path().trim_end_matches('/'), files);
        let listener = self.listener.take().expect("it serves one site");
        self.runtime.spawn(async move {
            axum::serve(TcpListener::from_std(listener).unwrap(), app).await.unwrap();
        });
    }

    /// The status and the body at an address.
    pub fn get(&self, url: &Url) -> (u16, Vec<u8>) {
        let host = &self.url[url::Position::BeforeHost..url::Position::AfterPort];
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let path = url.path();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|at| at == b"\r\n\r\n").unwrap();
        let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
        (status, answer[end + 4..].to_vec())
    }

    /// The page at a path in the site, which must be there.
    pub fn page(&self, path: &str) -> String {
        let url = self.url.join(path).unwrap();
        let (status, body) = self.get(&url);
        assert_eq!(status, 200, "{url}");
        String::from_utf8(body).unwrap()
    }
}

/// What is between two texts, each time.
pub fn between<'a>(text: &'a str, begins: &str, ends: &str) -> Vec<&'a str> {
    let parts = text.split(begins).skip(1);
    parts.filter_map(|part| Some(part.split_once(ends)?.0)).collect()
}

/// The canonical addresses of a page.
pub fn canonical(page: &str) -> Vec<&str> {
    between(page, "<link rel=\"canonical\" href=\"", "\"")
}

/// What a browser might ask for next, without what belongs to other hosts.
pub fn links(page: &str, at: &Url, site: &Url) -> Vec<Url> {
    let link =
        Regex::new(r#"(?:\s(?:href|src|data-search)="|url\(['"]?|new URL\(')([^"')]+)"#).unwrap();
    let base = between(page, "<base href=\"", "\"").first().map(|base| at.join(base).unwrap());
    let at = base.unwrap_or_else(|| at.clone());
    let found = link.captures_iter(page).map(|link| at.join(&link[1]).unwrap());
    found.filter(|link| link.origin() == site.origin()).collect()
}

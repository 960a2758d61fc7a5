//! `cargo book read`: builds the book, serves it, and builds it again whenever it is saved.

pub mod build;
mod ends;
mod folder;
mod mine;
mod post;
mod request;
mod room;
mod serve;
mod weaver;

use std::collections::BTreeSet;
use std::io::{self, ErrorKind, stderr, stdout};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use crate::say;
use crate::watch::Files;
use mine::Mine;
use serve::Site;
use weaver::{Building, Weaver};

/// How long the end waits for a build, which takes a second at most.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the thread that reads is told.
enum Told {
    /// The book was built for the first time, or could not be.
    Woven,
    /// Reading ends.
    End,
}

/// Serves the book under `root` at `address` until Ctrl-C; `open` opens a browser.
pub fn run(root: &Path, address: SocketAddr, open: bool) -> Result<()> {
    let mut signals = ends::listen().context("signals can't be listened for")?;
    let listener = TcpListener::bind(address).map_err(|error| no_listener(address, error))?;
    let address = listener.local_addr()?;
    let started = Instant::now();
    let site = Arc::new(Site::new(address.port(), Mine::new(root)?));
    let building = Arc::new(Building::default());
    let (end, told) = mpsc::channel();
    let woven = end.clone();
    thread::spawn(move || signals.forever().try_for_each(|_| end.send(Told::End)));
    let (from, of, weaving) = (root.to_owned(), Arc::clone(&site), Arc::clone(&building));
    thread::spawn(move || weave(&from, &of, &weaving, &woven));
    if let Ok(Told::Woven) = told.recv() {
        thread::spawn(move || serve::serve(&listener, &site));
        announce(address, started.elapsed(), open);
        // Nothing else is told but the end.
        let _ = told.recv();
    }
    // A build removes its folder when it ends.
    within(PATIENCE, || building.end().then_some(()));
    Ok(())
}

fn announce(address: SocketAddr, took: Duration, open: bool) {
    let url = format!("http://{address}");
    let took = took.as_millis();
    say::line(&mut stdout(), format_args!("the book is at {url} ({took} ms); Ctrl-C ends it"));
    if open && let Err(error) = open::that_detached(&url) {
        let help = format_args!("no browser could be opened ({error}); go to {url} yourself");
        say::line(&mut stderr(), help);
    }
}

/// What `get` returns as soon as it returns something, if it does in time.
fn within<T>(time: Duration, get: impl Fn() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        match get() {
            None if started.elapsed() < time => thread::sleep(Duration::from_millis(5)),
            got => return got,
        }
    }
}

/// Builds the book, and again after each change, for ever; tells when it has done so first.
fn weave(root: &Path, site: &Arc<Site>, building: &Arc<Building>, told: &mpsc::Sender<Told>) {
    let mut weaver = Weaver::new(root, site, building);
    let mut files = Files::look(root);
    weaver.weave(&BTreeSet::new());
    // Nobody listens where reading has ended already.
    if told.send(Told::Woven).is_err() {
        return;
    }
    loop {
        let now = files.changed(root);
        weaver.weave(&files.differing(&now));
        files = now;
    }
}

/// Why nothing can listen at `address`, and what to type instead where that helps.
fn no_listener(address: SocketAddr, error: io::Error) -> anyhow::Error {
    let why = match error.kind() {
        ErrorKind::AddrInUse => "another program listens there".to_owned(),
        ErrorKind::PermissionDenied => format!("{error}; low ports may be for root alone"),
        _ => return anyhow!("can't listen on {address}: {error}"),
    };
    let other = free_port(address.ip(), address.port());
    anyhow!(
        "can't listen on {address}: {why}\n    try another port: cargo run -- read --port {other}"
    )
}

/// A port that is free now: one of the next, or else 0, which takes any.
fn free_port(ip: IpAddr, taken: u16) -> u16 {
    let next = taken.max(2999).saturating_add(1)..=taken.max(2999).saturating_add(100);
    let is_free = |port: &u16| TcpListener::bind((ip, *port)).is_ok();
    next.filter(|port| *port != taken).find(is_free).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(port: u16, error: ErrorKind) -> String {
        no_listener(SocketAddr::from(([127, 0, 0, 1], port)), error.into()).to_string()
    }

    #[test]
    fn what_is_advised_helps() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let denied = said(80, ErrorKind::PermissionDenied);
        assert!(denied.contains("low ports may be for root alone"), "{denied}");
        for said in [denied, said(port, ErrorKind::AddrInUse), said(65535, ErrorKind::AddrInUse)] {
            let advised: u16 = said.rsplit("--port ").next().unwrap().parse().expect(&said);
            assert!(advised == 0 || advised >= 3000 && advised != port, "{said}");
            TcpListener::bind(("127.0.0.1", advised)).expect(&said);
        }
        assert_eq!(free_port(IpAddr::from([127, 0, 0, 1]), 65535), 0, "there is no higher one");
        // No port helps on a machine without that address.
        assert!(!said(3000, ErrorKind::AddrNotAvailable).contains("--port"));
    }
}

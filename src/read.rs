//! `cargo book read`: builds the book, serves it, and builds it again whenever it is saved.

pub mod build;
mod serve;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use notify_debouncer_full::notify::{EventKind, RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, DebouncedEvent, Debouncer, RecommendedCache};
use tokio::net::TcpListener;

use build::Shelf;
use serve::Site;

/// How long the files must be quiet before the book is built again.
const QUIET: Duration = Duration::from_millis(50);

/// What is watched, relative to the root.
const WATCHED: [&str; 5] = ["book", "chapters-code", "src", "tests", "book.toml"];

/// Serves the book under `root` at `address` until Ctrl-C; `open` opens a browser.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
pub async fn run(root: &Path, address: SocketAddr, open: bool) -> Result<()> {
    let listener = match TcpListener::bind(address).await {
        Ok(listener) => listener,
        Err(error) => bail!(no_listener(address, &error)),
    };
    let url = format!("http://{}", listener.local_addr()?);
    let started = Instant::now();
    let shelf = Arc::new(Shelf::new(root)?);
    let site = Arc::new(Site::new(shelf.current()));
    rebuild(&shelf, &site);
    // Held until the end: when it is dropped, the watching ends.
    let _watcher = watch(root, Arc::clone(&shelf), Arc::clone(&site))?;
    let serving = async {
        println!("the book is at {url} ({} ms); Ctrl-C ends it", started.elapsed().as_millis());
        if open && let Err(error) = webbrowser::open(&url) {
            eprintln!("no browser could be opened ({error}); go to {url} yourself");
        }
        serve::serve(listener, site).await
    };
    let ended = tokio::select! {
        // In this order Ctrl-C is listened for before the address is printed.
        biased;
        signal = tokio::signal::ctrl_c() => signal.context("Ctrl-C can't be listened for"),
        ended = serving => ended.context("the server ended"),
    };
    shelf.clear();
    ended
}

fn no_listener(address: SocketAddr, error: &std::io::Error) -> String {
    let other = if address.port() < 1024 { 3000 } else { address.port().saturating_add(1) };
    format!(
        "can't listen on {address}: {error}\n    try another port: cargo run -- read --port {other}"
    )
}

/// Builds, and says in the terminal and on the open pages how it went.
fn rebuild(shelf: &Shelf, site: &Site) {
    let started = Instant::now();
    let built = shelf.build();
    let took = started.elapsed().as_millis();
    match &built {
        Ok(()) => eprintln!("woven in {took} ms"),
        Err(error) => eprintln!("not woven; the last good book stays:\n{error}"),
    }
    site.tell(built.err());
}

/// Builds the book anew after each change of what it is made of.
fn watch(
    root: &Path,
    shelf: Arc<Shelf>,
    site: Arc<Site>,
) -> Result<Debouncer<RecommendedWatcher, RecommendedCache>> {
    let (changed, changes) = mpsc::channel();
    let tell = move |events: DebounceEventResult| {
        // The receiver is gone only when the program ends.
        let _ = changed.send(events);
    };
    let mut watcher = notify_debouncer_full::new_debouncer(QUIET, None, tell)?;
    for path in WATCHED {
        watcher.watch(root.join(path), RecursiveMode::Recursive)?;
    }
    std::thread::spawn(move || {
        for events in changes {
            if events.is_ok_and(|events| events.iter().any(is_a_change)) {
                rebuild(&shelf, &site);
            }
        }
    });
    Ok(watcher)
}

/// Reading is reported too, and a build reads everything: it would build for ever.
fn is_a_change(event: &DebouncedEvent) -> bool {
    !matches!(event.kind, EventKind::Access(_))
}

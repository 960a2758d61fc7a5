//! The server: files of the last good build, and the events that make open pages reload.

use std::convert::Infallible;
use std::path::PathBuf;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt};
use tower_http::services::ServeDir;

/// What the pages run to reload themselves and to show what is wrong.
const RELOAD: &str = include_str!("reload.js");

/// How the last build went: its number among the good ones, and what is wrong since.
#[derive(Clone, Default)]
struct Build {
    number: u64,
    error: Option<String>,
}

/// What is served.
pub struct Site {
    dir: PathBuf,
    build: watch::Sender<Build>,
}

impl Site {
    /// Serves the folder `dir`, which may be replaced at any time.
    pub fn new(dir: PathBuf) -> Site {
        Site { dir, build: watch::Sender::default() }
    }

    /// Tells all open pages how a build went.
    pub fn tell(&self, error: Option<String>) {
        self.build.send_modify(|build| {
            build.number += u64::from(error.is_none());
            build.error = error;
        });
    }
}

/// Serves until the future is dropped; open event streams do not hold that up.
pub async fn serve(listener: TcpListener, site: Arc<Site>) -> std::io::Result<()> {
    let files = ServeDir::new(&site.dir).not_found_service(get(missing).with_state(site.clone()));
    let app = Router::new()
        .route("/.book/events", get(events))
        .with_state(Arc::clone(&site))
        .fallback_service(files)
        .layer(axum::middleware::from_fn(with_reload));
    axum::serve(listener, app).await
}

async fn events(
    State(site): State<Arc<Site>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let states = WatchStream::new(site.build.subscribe()).map(|build| {
        let state = json!({ "build": build.number, "error": build.error });
        Ok(Event::default().event("state").data(state.to_string()))
    });
    Sse::new(states).keep_alive(KeepAlive::default())
}

/// The book's own page for what is missing; before the first good build, a page that waits for it.
async fn missing(State(site): State<Arc<Site>>) -> impl IntoResponse {
    let page = tokio::fs::read_to_string(site.dir.join("404.html")).await;
    Html(page.unwrap_or_else(|_| "<!doctype html><title>Not woven yet</title><body>".to_owned()))
}

/// Adds the reloading script to every page.
async fn with_reload(request: Request, next: axum::middleware::Next) -> Response {
    let response = next.run(request).await;
    let html = |value: &header::HeaderValue| value.as_bytes().starts_with(b"text/html");
    if !response.headers().get(header::CONTENT_TYPE).is_some_and(html) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(page) = axum::body::to_bytes(body, usize::MAX).await else {
        return parts.into_response();
    };
    let page = [&page[..], b"<script>", RELOAD.as_bytes(), b"</script>"].concat();
    parts.headers.remove(header::CONTENT_LENGTH);
    // A page is built anew under the same name: it is asked for again each time.
    parts.headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    Response::from_parts(parts, page.into())
}

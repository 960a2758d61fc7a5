//! An HTTP server whose only skill is to be late.
//!
//! `GET /<milliseconds>/<message>` is answered with the message, after the delay. Any number of
//! requests wait at once, on two threads: a request that waits is a timer, not a thread.
//!
//! A test starts the server on a free port and needs no async of its own:
//!
//! ```
//! use delayserver::Delayserver;
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//!
//! fn main() -> std::io::Result<()> {
//!     let server = Delayserver::start()?;
//!
//!     let mut stream = TcpStream::connect(server.addr())?;
//!     stream.write_all(b"GET /20/hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
//!     let mut reply = String::new();
//!     stream.read_to_string(&mut reply)?;
//!
//!     assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"));
//!     assert!(reply.ends_with("\r\n\r\nhello"));
//!     Ok(())
//! } // dropped here, the server is gone, with its port and its threads
//! ```
//!
//! # What it answers
//!
//! | request | reply |
//! |---|---|
//! | `GET /250/hello` | 200 after 250 ms: `hello` |
//! | `GET /250/one%2Ftwo%20three` | 200 after 250 ms: `one/two three` |
//! | a delay that is no whole number or is too long; a message that is not UTF-8 | 400 |
//! | another path | 404 |
//! | another method (`HEAD` is answered like `GET`, without the message) | 405 |
//! | a request head that is too large | 414 or 431 |
//!
//! Each reply but the last is a sentence that says what is allowed. A query (`?` and what follows)
//! is ignored. Requests that are pipelined on one connection wait one after the other.
//!
//! A client that closes only its sending half, as some `nc` do at the end of their input, still gets
//! its reply, and then the close. One that closes its whole connection looks the same from here until
//! something is sent to it. So a request waits until its delay is over, whoever has left meanwhile, and
//! only its reply finds nobody.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::serve::{Listener, ListenerExt};
use axum::{Router, routing};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::runtime::{self, Runtime};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::{debug, info};

/// The longest delay that may be asked for, unless [`serve`] is told another.
pub const MAX_DELAY: Duration = Duration::from_secs(60);

/// How long a stopping server in which nothing waits puts up with connections that stay open.
const LINGER: Duration = Duration::from_secs(1);

/// A server on a free port of the loopback interface, for code that is not async.
///
/// Dropping it ends it at once: requests that wait are dropped, connections closed, threads joined.
/// It owns a tokio runtime, and tokio lets nobody start or drop one inside async code: there, use
/// [`serve`].
#[must_use = "dropping the server ends it"]
#[derive(Debug)]
pub struct Delayserver {
    addr: SocketAddr,
    waiting: watch::Receiver<usize>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    runtime: Runtime,
}

impl Delayserver {
    /// Starts a server that accepts delays of up to [`MAX_DELAY`].
    pub fn start() -> io::Result<Self> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("delayserver")
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let addr = listener.local_addr()?;
        let delays = Delays::up_to(MAX_DELAY);
        let waiting = delays.waiting.subscribe();
        let (stop, stopped) = oneshot::channel();
        let serving = runtime.spawn(delays.serve(listener, async { _ = stopped.await }));
        Ok(Self { addr, waiting, stop, serving, runtime })
    }

    /// The address on which the server listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The number of requests whose delay is running now.
    pub fn waiting(&self) -> usize {
        *self.waiting.borrow()
    }

    /// Stops accepting, lets the requests that wait be answered, and then ends the server.
    ///
    /// See [`serve`] for how long that takes.
    pub fn stop(self) {
        drop(self.stop);
        // An error would be a panic in the server, which has been reported on its own thread.
        _ = self.runtime.block_on(self.serving);
    }
}

/// Serves on `listener` until `stop` completes, and then until the requests that wait are answered.
///
/// Waiting requests are owed an answer, open connections are not: a client that merely holds one,
/// idle or with half a request sent, is cut off when no request has been waiting for a second. The
/// whole farewell takes at most `max_delay` and that second. Connections that are left then end
/// with the runtime.
pub async fn serve(listener: TcpListener, max_delay: Duration, stop: impl Future<Output = ()>) {
    Delays::up_to(max_delay).serve(listener, stop).await;
}

/// What the requests share.
#[derive(Clone)]
struct Delays {
    max: Duration,
    waiting: watch::Sender<usize>,
}

impl Delays {
    fn up_to(max: Duration) -> Self {
        Self { max, waiting: watch::Sender::new(0) }
    }

    async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        // A reply must leave when its delay is over, not when the one before it is acknowledged.
        let mut listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                debug!("replies may be late, TCP_NODELAY is refused: {error}");
            }
        });
        let router = TowerToHyperService::new(self.clone().router());
        let mut http = http1::Builder::new();
        // Not what axum::serve does: to hyper a client that sends no more is gone.
        http.half_close(true);
        let open = GracefulShutdown::new();
        let accept = async {
            loop {
                let (stream, _) = listener.accept().await;
                let connection = http.serve_connection(TokioIo::new(stream), router.clone());
                let connection = open.watch(connection);
                tokio::spawn(async {
                    if let Err(error) = connection.await {
                        debug!("a connection ends: {error}");
                    }
                });
            }
        };
        tokio::select! {
            () = accept => {}
            () = stop => {}
        }
        drop(listener);
        info!("stopping, {} requests still wait", *self.waiting.borrow());
        tokio::select! {
            () = open.shutdown() => {}
            _ = timeout(self.max.saturating_add(LINGER), self.quiet()) => {}
        }
    }

    /// Completes when no request has been waiting for the time of [`LINGER`].
    async fn quiet(&self) {
        let mut waiting = self.waiting.subscribe();
        while timeout(LINGER, waiting.wait_for(|&n| n > 0)).await.is_ok() {
            // No error: the sender is in `self`.
            _ = waiting.wait_for(|&n| n == 0).await;
        }
    }

    fn router(self) -> Router {
        Router::new()
            .route("/{delay}/{message}", routing::get(answer))
            .method_not_allowed_fallback(other_method)
            .fallback(other_path)
            .layer(middleware::from_fn(log))
            .with_state(self)
    }

    fn parse(&self, delay: &str) -> Result<Duration, Refusal> {
        let delay = delay.parse().ok().map(Duration::from_millis);
        delay.filter(|&delay| delay <= self.max).ok_or_else(|| {
            let max = self.max.as_millis();
            let allowed = "The delay must be a whole number of milliseconds";
            (StatusCode::BAD_REQUEST, format!("{allowed} from 0 to {max}.\n"))
        })
    }
}

type Refusal = (StatusCode, String);

async fn answer(
    State(delays): State<Delays>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<String, Refusal> {
    let Ok(Path((delay, message))) = path else {
        let allowed = "The path must be UTF-8 after percent-decoding.\n";
        return Err((StatusCode::BAD_REQUEST, allowed.to_owned()));
    };
    let delay = delays.parse(&delay)?;
    let _waiting = Waiting::new(&delays.waiting);
    sleep(delay).await;
    Ok(message)
}

async fn other_path() -> (StatusCode, &'static str) {
    let form = "Ask for /<milliseconds>/<message>, with a / in the message as %2F.\n";
    (StatusCode::NOT_FOUND, form)
}

async fn other_method() -> (StatusCode, &'static str) {
    (StatusCode::METHOD_NOT_ALLOWED, "Only GET is answered here.\n")
}

/// One request that waits. A server that ends drops its requests wherever they stand, so the count is
/// taken back by `drop` and not by the line after the delay.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl<'a> Waiting<'a> {
    fn new(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|n| *n += 1);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n -= 1);
    }
}

async fn log(request: Request, next: Next) -> Response {
    // The path as it was sent: still percent-encoded, it can't forge a second line.
    let asked = format!("{} {}", request.method(), request.uri());
    debug!("{asked}");
    let start = Instant::now();
    let reply = next.run(request).await;
    info!("{asked}: {} after {} ms", reply.status().as_u16(), start.elapsed().as_millis());
    reply
}

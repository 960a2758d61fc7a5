//! `delayserver`: its flags, its log and its signals. The server itself is the library.

use clap::Parser;
use delayserver::MAX_DELAY;
use std::env;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// An HTTP server that answers GET /<milliseconds>/<message> with the message, after the delay.
///
/// Ctrl-C stops it when the requests that wait are answered, a second Ctrl-C at once. RUST_LOG says
/// what it logs.
#[derive(Parser)]
#[command(version)]
struct Flags {
    /// Where to listen; port 0 takes any free port
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8080")]
    addr: SocketAddr,

    /// The longest delay that may be asked for
    #[arg(long, value_name = "MILLISECONDS", default_value_t = MAX_DELAY.as_millis() as u64)]
    max_delay: u64,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    log_to_stderr();
    match run(&flags).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("delayserver: {}", advice(flags.addr, &error));
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: &Flags) -> io::Result<ExitCode> {
    let listener = TcpListener::bind(flags.addr).await?;
    // Before the address is told: whoever knows it may send a signal.
    let mut stop_signal = stop_signals()?;
    // Nobody reading along is no reason not to serve.
    _ = writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?);

    let (stop, stopped) = oneshot::channel::<()>();
    let max_delay = Duration::from_millis(flags.max_delay);
    let second_signal = async {
        stop_signal().await;
        drop(stop);
        stop_signal().await;
    };
    tokio::select! {
        () = delayserver::serve(listener, max_delay, async { _ = stopped.await }) => {
            Ok(ExitCode::SUCCESS)
        }
        () = second_signal => Ok(ExitCode::FAILURE),
    }
}

/// Gives a function that waits until somebody asks this process to stop. From here on no such
/// request is lost, nor ends the process by itself.
#[cfg(unix)]
fn stop_signals() -> io::Result<impl AsyncFnMut()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(windows)]
fn stop_signals() -> io::Result<impl AsyncFnMut()> {
    let mut ctrl_c = tokio::signal::windows::ctrl_c()?;
    Ok(async move || _ = ctrl_c.recv().await)
}

fn log_to_stderr() {
    let asked = env::var("RUST_LOG").unwrap_or_default();
    let usual = || Targets::new().with_default(LevelFilter::INFO);
    let filter = match asked.parse() {
        _ if asked.is_empty() => usual(),
        Ok(filter) => filter,
        Err(error) => {
            eprintln!("RUST_LOG=`{asked}` is ignored: {error}");
            usual()
        }
    };
    let to_stderr = fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        // A log that nobody reads any more must not take a request down with it.
        .log_internal_errors(false);
    tracing_subscriber::registry().with(filter).with(to_stderr).init();
}

/// Says why nothing listens on `addr`, and what to type instead.
fn advice(addr: SocketAddr, error: &io::Error) -> String {
    let hint = match error.kind() {
        ErrorKind::AddrInUse => "Something listens there already. Stop it, or take a free port:",
        ErrorKind::PermissionDenied => "Ports below 1024 need privileges. Take a free port:",
        ErrorKind::AddrNotAvailable => "This machine has no such address. Take one that it has:",
        _ => "Take another address:",
    };
    let ip = match error.kind() {
        ErrorKind::AddrInUse | ErrorKind::PermissionDenied => addr.ip(),
        _ => Ipv4Addr::LOCALHOST.into(),
    };
    format!("can't listen on {addr}: {error}.\n{hint} --addr {}", SocketAddr::new(ip, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Here and not as a test of the program: for a privileged user, no port is forbidden.
    #[test]
    fn a_forbidden_port_is_an_error_that_says_what_to_type() {
        let addr = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 80));
        let advice = advice(addr, &ErrorKind::PermissionDenied.into());
        assert!(advice.starts_with("can't listen on 0.0.0.0:80: permission denied.\n"), "{advice}");
        assert!(advice.ends_with("Take a free port: --addr 0.0.0.0:0"), "{advice}");
    }
}

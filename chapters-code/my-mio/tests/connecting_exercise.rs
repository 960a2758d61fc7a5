//! What a socket that connects, or was accepted, has to be like. Each message says what was done and what
//! had to come.

use std::fs;
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

use lab::doomed::{self, Ending};
use my_mio::net::{TcpListener, TcpStream, UnixStream};

#[path = "../examples/connect_ends/connect.rs"]
#[allow(dead_code)]
mod connect;
#[path = "../examples/connect_ends/peers.rs"]
#[allow(dead_code)]
mod peers;

/// A way out of a wait for what has to come.
const DEADLINE: Duration = Duration::from_secs(3);

#[track_caller]
fn must(what: &str, right: &str, told: &str) {
    assert!(told == right, "{what}: expected {right}; got {told}");
}

/// Whether its calls wait, and whether children inherit it.
fn kind(fd: RawFd) -> String {
    // SAFETY: fcntl with these commands takes no pointer.
    let (status, flags) =
        unsafe { (libc::fcntl(fd, libc::F_GETFL), libc::fcntl(fd, libc::F_GETFD)) };
    let waits = if status & libc::O_NONBLOCK == 0 { "waits" } else { "does not wait" };
    let kept = if flags & libc::FD_CLOEXEC == 0 { "inherited" } else { "not inherited" };
    format!("{waits}, {kept}")
}

#[test]
fn a_socket_that_connects_does_not_wait_and_is_not_inherited() {
    let listener = TcpListener::bind(peers::any()).unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    must("a stream that connects", "does not wait, not inherited", &kind(stream.as_raw_fd()));
}

#[test]
fn a_socket_that_is_accepted_does_not_wait_and_is_not_inherited() {
    let listener = TcpListener::bind(peers::any()).unwrap();
    let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, address) = match listener.accept() {
        Ok(accepted) => accepted,
        Err(error) => panic!(
            "a client has come: expected a stream and the address at its other end; got the error {:?}",
            error.kind()
        ),
    };
    must("a stream that was accepted", "does not wait, not inherited", &kind(stream.as_raw_fd()));
    let right = client.local_addr().unwrap();
    must("who is at the other end", &right.to_string(), &address.to_string());
}

/// What is known of a connect when it is known, or that it is not yet.
fn end(stream: &TcpStream, is_known: bool) -> String {
    let started = Instant::now();
    loop {
        match connect::is_made(stream) {
            Ok(true) => return "made".into(),
            Ok(false) if is_known && started.elapsed() < DEADLINE => {
                std::thread::yield_now();
            }
            Ok(false) => return "not yet".into(),
            Err(error) => return format!("the error {:?}", error.kind()),
        }
    }
}

#[test]
fn of_a_connect_there_are_three_answers() {
    let listener = TcpListener::bind(peers::any()).unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    must("somebody listens", "made", &end(&stream, true));

    // Another test's listener may get the port meanwhile: not five times in a row.
    let refused = (0..5).map(|_| {
        let (refusing, _keep) = peers::refusing().unwrap();
        end(&TcpStream::connect(refusing).unwrap(), true)
    });
    let told: Vec<String> = refused.collect();
    let right = "the error ConnectionRefused";
    must("nobody listens", right, told.iter().find(|told| *told == right).unwrap_or(&told[0]));

    let (full, _first) = peers::full().unwrap();
    let stream = TcpStream::connect(full.local_addr().unwrap()).unwrap();
    must("somebody listens and has no room", "not yet", &end(&stream, false));

    must("a socket that has not begun to connect", "not yet", &end(&peers::idle().unwrap(), false));
}

#[test]
fn a_connect_that_can_not_begin_leaves_nothing_open() {
    let name = "a_connect_that_can_not_begin_leaves_nothing_open";
    // In a process of its own, as other tests open and close descriptors too.
    let ended = doomed::child(name, || {
        let open = || fs::read_dir("/proc/self/fd").unwrap().count();
        let before = open();
        for _ in 0..10 {
            let refused = UnixStream::connect("/nobody/listens/here").map(drop);
            let refused = refused.map_err(|error| error.kind());
            assert!(
                refused == Err(std::io::ErrorKind::NotFound),
                "a path that is not there: expected the error NotFound; got {refused:?}"
            );
        }
        let more = open() - before;
        assert!(more == 0, "10 connects that could not begin: {more} descriptors are open");
    });
    // Of the child's panic it is the words that matter.
    let said = ended.stderr.split_once("panicked at ").and_then(|(_, said)| said.lines().nth(1));
    let said = said.map_or_else(|| format!("it {}: {}", ended.how, ended.stderr), str::to_owned);
    assert!(ended.how == Ending::Passed, "10 connects to a path that is not there: {said}");
}

//! What `advance` and `replies` owe their callers, where no peer of the gauntlet asks for it. Each message
//! says what happened and what had to come.

use std::net::{Shutdown, TcpListener};
use std::os::fd::AsRawFd;
use std::sync::mpsc;
use std::thread;

use super::*;

const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

/// More than fits into the buffers of a connection.
const LONG: usize = 32 << 20;

fn task(peer: &TcpListener, streams: usize) -> Task {
    Task { peer: peer.local_addr().unwrap(), streams, patience: Duration::from_secs(5) }
}

/// A connection with a request that does not fit, and its peer, who does not block.
fn long_request() -> (Connection, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut connection = Connection::open(&task(&listener, 1), 0).unwrap();
    connection.unsent = vec![b'x'; LONG];
    let (peer, _) = listener.accept().unwrap();
    peer.set_nonblocking(true).unwrap();
    (connection, peer)
}

/// What an advance came to, in words.
fn told(advanced: io::Result<Option<Vec<u8>>>) -> String {
    match advanced {
        Ok(Some(body)) => format!("`{}`", body.escape_ascii()),
        Ok(None) => "nothing yet".to_owned(),
        Err(error) => format!("the error {:?}", error.kind()),
    }
}

#[track_caller]
fn must(what: &str, right: &str, told: &str) {
    assert!(told == right, "{what}: expected {right}; got {told}");
}

#[test]
fn a_request_that_does_not_fit_is_sent_on_when_there_is_room() {
    let (mut connection, mut peer) = long_request();
    let mut come = Vec::new();
    // As long as the kernel may need for the next piece, and no longer if there is none.
    let mut in_vain = 0;
    while come.len() < LONG && in_vain < 1_000 {
        let told = told(connection.advance());
        must("a request of 32 MiB, and not all of it fits", "nothing yet", &told);
        let before = come.len();
        let _would_block = peer.read_to_end(&mut come);
        if come.len() == before {
            in_vain += 1;
            thread::sleep(Duration::from_millis(1));
        }
    }
    let right = come.len() == LONG;
    assert!(right, "a request of {LONG} bytes: expected all of them to come; {} came", come.len());
    peer.write_all(WHOLE).unwrap();
    must("then its reply comes", "`hi`", &told(connection.advance()));
    let _would_block = peer.read_to_end(&mut come);
    let more = come.len() - LONG;
    assert!(more == 0, "a request of {LONG} bytes: expected no more; {more} came after it");
}

#[test]
fn a_reply_counts_though_the_request_does_not_fit() {
    let (mut connection, mut peer) = long_request();
    peer.write_all(WHOLE).unwrap();
    let what = "a request of 32 MiB that nobody reads, and its reply is there";
    must(what, "`hi`", &told(connection.advance()));
}

#[test]
fn a_reply_counts_though_the_request_can_not_be_sent() {
    let (mut connection, mut peer) = long_request();
    peer.write_all(WHOLE).unwrap();
    connection.socket.shutdown(Shutdown::Write).unwrap();
    must("a whole reply is there, and a write fails", "`hi`", &told(connection.advance()));
}

#[test]
fn an_error_of_the_write_is_told_where_there_is_no_reply() {
    let (mut connection, _peer) = long_request();
    connection.socket.shutdown(Shutdown::Write).unwrap();
    let told = told(connection.advance());
    must("no reply is there, and a write fails", "the error BrokenPipe", &told);
}

/// What `replies` told of these streams while another thread played their peers.
fn played(streams: usize, peers: impl FnOnce(Vec<TcpStream>) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let task = task(&listener, streams);
    let peers = thread::spawn(move || {
        let accept = |_| {
            let (mut peer, _) = listener.accept().unwrap();
            let read = peer.read(&mut [0; 4096]).unwrap();
            assert!(read > 0, "a request has come");
            peer
        };
        peers((0..streams).map(accept).collect());
    });
    let mut all = String::new();
    let ended = replies(&task, |n, body| {
        all += &format!("{n}: `{}`, ", body.escape_ascii());
        Ok(())
    });
    // Of those that were never made somebody may still wait.
    (0..streams).for_each(|_| drop(TcpStream::connect(task.peer)));
    let _ = peers.join();
    all + &ended.map_or_else(|error| format!("{:?}", error.kind()), |()| "and Ok".to_owned())
}

#[test]
fn a_connection_is_closed_when_its_reply_is_told() {
    let peers = |mut peers: Vec<TcpStream>| {
        peers[0].write_all(WHOLE).unwrap();
        peers[0].set_read_timeout(Some(Duration::from_secs(6))).unwrap();
        if peers[0].read(&mut [0]).is_ok_and(|read| read == 0) {
            peers[1].write_all(WHOLE).unwrap();
        }
    };
    let told = played(2, peers);
    must("0 is answered, and 1 when 0 is closed", "0: `hi`, 1: `hi`, and Ok", &told);
}

#[test]
fn an_error_of_tell_is_returned() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let task = task(&listener, 1);
    let peer = thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        peer.write_all(WHOLE).unwrap();
        peer
    });
    let told = replies(&task, |_, _| Err(ErrorKind::StorageFull.into()));
    let told = told.map_err(|error| error.kind());
    drop(peer.join());
    assert!(
        told == Err(ErrorKind::StorageFull),
        "a reply comes, and it can't be told: expected Err(StorageFull); got {told:?}"
    );
}

#[test]
fn a_signal_is_no_end_of_the_patience() {
    extern "C" fn nothing(_: i32) {}
    let handler: extern "C" fn(i32) = nothing;
    // SAFETY: the handler does nothing. Without SA_RESTART, but poll(2) is never restarted: signal(7).
    unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
    // SAFETY: it takes nothing.
    let client = unsafe { libc::pthread_self() };
    let peers = move |mut peers: Vec<TcpStream>| {
        for _ in 0..50 {
            // SAFETY: the client's thread waits for this one, and so is there.
            unsafe { libc::pthread_kill(client, libc::SIGUSR1) };
            thread::sleep(Duration::from_millis(1));
        }
        let _ = peers[0].write_all(WHOLE);
    };
    let told = played(1, peers);
    must("50 signals, and then the reply", "0: `hi`, and Ok", &told);
}

#[test]
fn a_reply_is_told_before_the_next_one_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let task = task(&listener, 2);
    let (told, tell) = mpsc::channel();
    let peer = thread::spawn(move || {
        let mut peers = [listener.accept().unwrap().0, listener.accept().unwrap().0];
        peers[0].write_all(WHOLE).unwrap();
        if tell.recv_timeout(Duration::from_secs(6)).is_ok() {
            let _ = peers[1].write_all(WHOLE);
        }
        peers
    });
    let ended = replies(&task, |n, _| {
        // After the first one nobody listens any more.
        let _ = told.send(n);
        Ok(())
    });
    drop(peer.join());
    let ended = ended.map_or_else(|error| format!("{:?}", error.kind()), |()| "Ok".to_owned());
    must("0 is answered, and 1 when 0 is told", "Ok", &ended);
}

#[test]
fn the_patience_begins_before_the_first_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut task = task(&listener, 1);
    task.patience = Duration::from_millis(1_500);
    // SAFETY: the listener is open. One may wait behind it, and a second one knocks again after a second.
    assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
    let _first = TcpStream::connect(task.peer).unwrap();
    let peer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        [listener.accept().unwrap().0, listener.accept().unwrap().0]
    });
    let started = Instant::now();
    let told = replies(&task, |_, _| Ok(())).map_err(|error| error.kind());
    let took = started.elapsed();
    drop(peer.join());
    let what = "a patience of 1.5 s, 1 s of it to connect, and no reply";
    assert!(told == Err(ErrorKind::TimedOut), "{what}: expected Err(TimedOut); got {told:?}");
    let in_time = took < Duration::from_millis(2_200);
    assert!(in_time, "{what}: expected the end after 1.5 s; it came after {took:.1?}");
}

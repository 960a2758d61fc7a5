//! What `be_told` and `collect` owe their callers. Each message says what the peers did and what had to
//! come.

mod kernel;

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use lab::timeline::cpu_time;
use readiness::{be_told, collect, streams};

/// How long a peer lets wait for what it will send.
const A_WHILE: Duration = Duration::from_millis(300);

/// Our end, which does not block, and the peer's.
fn pair() -> (UnixStream, UnixStream) {
    let (ours, peer) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    (ours, peer)
}

fn told(result: io::Result<usize>) -> String {
    match result {
        Ok(reads) => format!("{reads} reads"),
        Err(error) => format!("the error {:?}", error.kind()),
    }
}

/// What there is to read in a socket that must not block.
fn left(mut socket: &UnixStream) -> String {
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    match socket.read(&mut [0; 64]) {
        Ok(n) => format!("{n} bytes"),
        Err(error) => format!("{:?}", error.kind()),
    }
}

#[test]
fn a_byte_that_is_there_takes_one_read() {
    let (ours, mut peer) = pair();
    peer.write_all(b"!").unwrap();
    let got = told(be_told(&ours));
    assert!(got == "1 reads", "a byte was there: expected 1 read; got {got}");
}

#[test]
fn a_byte_that_comes_later_takes_two_reads_and_is_taken() {
    let (ours, mut peer) = pair();
    // SAFETY: gettid takes nothing.
    let reader = unsafe { libc::gettid() };
    let peer = thread::spawn(move || {
        sleeps_soon(reader);
        thread::sleep(A_WHILE);
        peer.write_all(b"!").unwrap();
        peer
    });
    let got = be_told(&ours);
    let _peer = peer.join().unwrap();
    let got = match got {
        Ok(1) => "1 read, and sleep before it".into(),
        Ok(3..) => "more".into(),
        other => told(other),
    };
    assert!(
        got == "2 reads",
        "a byte came after {A_WHILE:?}: expected 2 reads, and sleep between; got {got}"
    );
    let left = left(&ours);
    assert!(left == "WouldBlock", "a byte came: expected that it is taken; left were {left}");
}

/// Whether a thread of this process sleeps, now or before long.
fn sleeps_soon(thread: i32) -> bool {
    let start = Instant::now();
    while start.elapsed() < A_WHILE {
        let stat = fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap();
        if stat.rsplit(')').next().is_some_and(|state| state.starts_with(" S")) {
            return true;
        }
        thread::yield_now();
    }
    false
}

#[test]
fn who_is_woken_for_nothing_sleeps_again() {
    let (ours, mut peer) = pair();
    let peer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        peer.write_all(b"!").unwrap();
        peer
    });
    kernel::wakes_for_nothing(3);
    let got = be_told(&ours);
    kernel::wakes_for_nothing(0);
    let _peer = peer.join().unwrap();
    let got = got.map_or_else(|error| format!("the error {:?}", error.kind()), |_| "it".into());
    assert!(
        got == "it",
        "woken 3 times, another thread had taken the byte; then one came: expected it; got {got}"
    );
}

#[test]
fn the_socket_blocks_as_little_as_before() {
    let (ours, mut peer) = pair();
    let peer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        peer.write_all(b"!").unwrap();
        peer
    });
    be_told(&ours).ok();
    let _peer = peer.join().unwrap();
    // SAFETY: fcntl takes a descriptor, which is open, and says its flags.
    let flags = unsafe { libc::fcntl(std::os::fd::AsRawFd::as_raw_fd(&ours), libc::F_GETFL) };
    assert!(
        flags & libc::O_NONBLOCK != 0,
        "the socket did not block before the wait: expected the same after it; now it does"
    );
}

#[test]
fn a_close_is_something_to_read() {
    let (ours, peer) = pair();
    drop(peer);
    let got = told(be_told(&ours));
    assert!(got == "1 reads", "the peer has closed: expected 1 read, which says so; got {got}");
}

#[test]
fn a_broken_connection_is_an_error() {
    let (mut ours, peer) = pair();
    // Who closes with bytes unread breaks the connection.
    ours.write_all(b"unread").unwrap();
    drop(peer);
    let got = told(be_told(&ours));
    assert!(
        got == "the error ConnectionReset",
        "the peer broke the connection: expected the error ConnectionReset; got {got}"
    );
}

/// The replies, each as its first byte and its length, or the error.
fn collected(streams: &[UnixStream], bytes: usize) -> String {
    match collect(streams, bytes) {
        Ok(replies) => {
            let one = |reply: &Vec<u8>| match reply.first() {
                Some(&first) => format!("{} {}", reply.len(), first as char),
                None => "0".into(),
            };
            replies.iter().map(one).collect::<Vec<_>>().join(", ")
        }
        Err(error) => format!("the error {:?}", error.kind()),
    }
}

/// More than two sockets have room for.
const MUCH: usize = 4 << 20;

#[test]
fn a_stream_may_wait_until_another_one_is_taken() {
    for order in [[0, 1], [1, 0]] {
        let (ours, mut peers) = streams(2).unwrap();
        let server = thread::spawn(move || {
            for number in order {
                peers[number].write_all(&vec![b'a' + number as u8; MUCH]).unwrap();
            }
            peers
        });
        let got = collected(&ours, MUCH);
        assert!(
            got == "4194304 a, 4194304 b",
            "4 MiB on each of two streams, the second when the first are taken: expected both; got {got}"
        );
        drop(server.join());
    }
}

#[test]
fn replies_stand_in_the_order_of_the_streams() {
    let (ours, mut peers) = streams(3).unwrap();
    let server = thread::spawn(move || {
        for number in [2, 0, 1] {
            peers[number].write_all(&[b'a' + number as u8; 5]).unwrap();
            thread::sleep(Duration::from_millis(30));
        }
        peers
    });
    let got = collected(&ours, 5);
    assert!(
        got == "5 a, 5 b, 5 c",
        "replies came on the third, first and second stream: expected 5 a, 5 b, 5 c; got {got}"
    );
    drop(server.join());
}

#[test]
fn a_reply_may_come_in_parts() {
    let (ours, mut peers) = streams(2).unwrap();
    let server = thread::spawn(move || {
        for part in [2, 3] {
            for (peer, letter) in peers.iter_mut().zip([b'a', b'b']) {
                peer.write_all(&[letter; 5][..part]).unwrap();
                thread::sleep(Duration::from_millis(30));
            }
        }
        peers
    });
    let before = kernel::lists();
    let got = collected(&ours, 5);
    let lists = kernel::lists() - before;
    assert!(
        got == "5 a, 5 b",
        "2 bytes on each of two streams, and later 3: expected 5 a, 5 b; got {got}"
    );
    assert!(
        lists == 1,
        "2 bytes on each of two streams, and later 3: expected one list in the kernel; got {lists}"
    );
    drop(server.join());
}

/// The part of a wait for `A_WHILE` that this thread computed: whether it was next to none.
fn slept(body: impl FnOnce()) -> bool {
    let before = cpu_time();
    body();
    cpu_time() - before < A_WHILE / 30
}

#[test]
fn who_waits_for_the_last_reply_sleeps() {
    let (ours, mut peers) = streams(2).unwrap();
    peers[0].write_all(b"aaaaa").unwrap();
    let server = thread::spawn(move || {
        thread::sleep(A_WHILE);
        peers[1].write_all(b"bbbbb").unwrap();
        peers
    });
    let mut got = String::new();
    let slept = slept(|| got = collected(&ours, 5));
    assert!(got == "5 a, 5 b", "the second reply came later: expected 5 a, 5 b; got {got}");
    assert!(
        slept,
        "the second reply came after {A_WHILE:?}: expected sleep until then; it computed"
    );
    drop(server.join());
}

#[test]
fn who_waits_beside_a_stream_that_has_ended_sleeps() {
    let (ours, mut peers) = streams(2).unwrap();
    let mut last = peers.pop().unwrap();
    peers[0].write_all(b"aaaaa").unwrap();
    drop(peers);
    let server = thread::spawn(move || {
        thread::sleep(A_WHILE);
        last.write_all(b"bbbbb").unwrap();
        last
    });
    let mut got = String::new();
    let slept = slept(|| got = collected(&ours, 5));
    assert!(
        got == "5 a, 5 b",
        "one stream ended with its reply whole, the other reply came later: expected 5 a, 5 b; got {got}"
    );
    assert!(
        slept,
        "one stream had ended, the other waited {A_WHILE:?}: expected sleep; it computed"
    );
    drop(server.join());
}

#[test]
fn a_stream_that_ends_too_early_is_an_error() {
    let (ours, mut peers) = streams(2).unwrap();
    peers[0].write_all(b"aaaaa").unwrap();
    let mut last = peers.pop().unwrap();
    last.write_all(b"bbb").unwrap();
    drop(last);
    let got = collected(&ours, 5);
    assert!(
        got == "the error UnexpectedEof",
        "3 bytes of 5 and the end: expected the error UnexpectedEof; got {got}"
    );
}

#[test]
fn what_comes_beyond_a_reply_is_kept() {
    let (ours, mut peers) = streams(2).unwrap();
    for (peer, letter) in peers.iter_mut().zip([b'a', b'b']) {
        peer.write_all(&[letter; 8]).unwrap();
    }
    let got = collected(&ours, 5);
    assert!(got == "8 a, 8 b", "8 bytes on each stream, asked for 5: expected all 8; got {got}");
}

#[test]
fn an_end_is_no_reply() {
    let (ours, mut peers) = streams(3).unwrap();
    let server = thread::spawn(move || {
        let mut late = peers.split_off(1);
        peers[0].write_all(b"aaaaa").unwrap();
        thread::sleep(Duration::from_millis(50));
        // An event of its own, for a stream whose reply is whole.
        drop(peers);
        for (peer, letter) in late.iter_mut().zip([b'b', b'c']) {
            thread::sleep(Duration::from_millis(50));
            peer.write_all(&[letter; 5]).unwrap();
        }
        late
    });
    let got = collected(&ours, 5);
    assert!(
        got == "5 a, 5 b, 5 c",
        "stream 1 ended after its reply, then came those of 2 and 3: expected 5 a, 5 b, 5 c; got {got}"
    );
    drop(server.join());
}

#[test]
fn where_nothing_is_missing_nothing_is_waited_for() {
    let (ours, _peers) = streams(2).unwrap();
    let got = collected(&ours, 0);
    assert!(got == "0, 0", "two replies of no bytes: expected two that are empty; got {got}");
}

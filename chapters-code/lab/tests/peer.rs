//! What each mode promises, seen from the client's sockets.
#![cfg(target_os = "linux")]

use lab::doomed::child;
use lab::peer::{Mode, Peer, Seen};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

/// Far beyond anything here: reached only by a test that fails.
const LONG: Duration = Duration::from_secs(20);

fn connect(peer: &Peer) -> TcpStream {
    let stream = TcpStream::connect(peer.addr()).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.set_write_timeout(Some(LONG)).unwrap();
    stream
}

fn ask(peer: &Peer, message: &str) -> TcpStream {
    let mut stream = connect(peer);
    write!(stream, "GET /1000/{message} HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
    stream
}

/// Starts a peer and asks it on as many connections, with the messages "m0", "m1" and so on.
fn asked(mode: Mode, connections: usize) -> (Peer, Vec<TcpStream>) {
    let peer = Peer::start(mode, connections).unwrap();
    let streams = (0..connections).map(|i| ask(&peer, &format!("m{i}"))).collect();
    (peer, streams)
}

/// A client as it should be: reads one reply, by its length or else to the end, and returns the
/// body.
fn reply(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    let mut body = Vec::new();
    match head.lines().find_map(|line| line.strip_prefix("Content-Length: ")) {
        Some(length) => {
            body.resize(length.parse().unwrap(), 0);
            stream.read_exact(&mut body).unwrap();
        }
        None => {
            assert!(head.contains("Connection: close"), "{head}");
            stream.read_to_end(&mut body).unwrap();
        }
    }
    body
}

/// What a read that does not wait returns: bytes, the end, or nothing yet.
#[derive(Debug, PartialEq)]
enum Now {
    Bytes(usize),
    End,
    Nothing,
}

fn read_now(stream: &mut TcpStream) -> Now {
    stream.set_nonblocking(true).unwrap();
    let read = stream.read(&mut [0; 1 << 16]);
    stream.set_nonblocking(false).unwrap();
    match read {
        Ok(0) => Now::End,
        Ok(n) => Now::Bytes(n),
        Err(e) if e.kind() == ErrorKind::WouldBlock => Now::Nothing,
        Err(e) => panic!("{e}"),
    }
}

/// How many segments with data the socket has received: `tcpi_data_segs_in` of `TCP_INFO`, which
/// stands 152 bytes after the start of `struct tcp_info` in `linux/tcp.h`. On a busy machine one may
/// come twice, because it was not acknowledged in time.
fn data_segments(stream: &TcpStream) -> u32 {
    let mut info = [0_u32; 64];
    let mut len = size_of_val(&info) as libc::socklen_t;
    let (fd, value) = (stream.as_raw_fd(), info.as_mut_ptr().cast());
    // SAFETY: the socket is open, and the kernel writes at most `len` bytes, the size of `info`.
    let done = unsafe { libc::getsockopt(fd, libc::IPPROTO_TCP, libc::TCP_INFO, value, &mut len) };
    assert!(done == 0 && len >= 156, "Linux 4.6 or later");
    info[152 / 4]
}

/// An edge-triggered epoll with one stream.
struct Edges(OwnedFd);

impl Edges {
    fn of(stream: &TcpStream) -> Edges {
        // SAFETY: epoll_create1 takes an integer and returns a descriptor that nobody else owns.
        let epoll = unsafe { OwnedFd::from_raw_fd(libc::epoll_create1(libc::EPOLL_CLOEXEC)) };
        let interest = libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLET;
        let mut event = libc::epoll_event { events: interest as u32, u64: 0 };
        let (add, fd) = (libc::EPOLL_CTL_ADD, stream.as_raw_fd());
        // SAFETY: both descriptors are open, and the kernel reads one event.
        let done = unsafe { libc::epoll_ctl(epoll.as_raw_fd(), add, fd, &mut event) };
        assert_eq!(done, 0);
        Edges(epoll)
    }

    /// The next edge within this time, or 0.
    fn next(&self, timeout: Duration) -> i32 {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        let (epoll, timeout) = (self.0.as_raw_fd(), timeout.as_millis() as i32);
        // SAFETY: there is room for the one event that the call may write.
        let n = unsafe { libc::epoll_wait(epoll, &mut event, 1, timeout) };
        assert!(n >= 0, "{}", io::Error::last_os_error());
        if n == 1 { event.events as i32 } else { 0 }
    }
}

const SOON: Duration = Duration::from_millis(50);

#[test]
fn every_mode_that_answers_gives_a_correct_client_its_body() {
    for &mode in Mode::ALL {
        if !mode.answers() {
            continue;
        }
        let (_peer, streams) = asked(mode, 3);
        for (i, mut stream) in streams.into_iter().enumerate() {
            assert_eq!(reply(&mut stream), mode.body_for(&format!("m{i}")), "{mode}");
        }
    }
}

#[test]
fn polite_stays_open_until_the_client_closes() {
    let (peer, mut streams) = asked(Mode::Polite, 1);
    assert_eq!(reply(&mut streams[0]), b"m0");
    peer.finished();
    assert_eq!(read_now(&mut streams[0]), Now::Nothing);
    streams[0].shutdown(Shutdown::Write).unwrap();
    assert_eq!(streams[0].read(&mut [0]).unwrap(), 0);
}

#[test]
fn slow_to_close_sends_the_close_well_after_the_bytes() {
    let peer = Peer::start(Mode::SlowToClose, 1).unwrap();
    let from = Instant::now();
    let mut stream = ask(&peer, "slow");
    assert_eq!(reply(&mut stream), b"slow");
    assert!(from.elapsed() >= Duration::from_millis(100));
}

#[test]
fn byte_at_a_time_puts_each_byte_into_its_own_segment() {
    // Also for a client that reads late: then the kernel is slow to acknowledge.
    for read_late in [false, true] {
        let (peer, mut streams) = asked(Mode::ByteAtATime, 1);
        if read_late {
            peer.finished();
        }
        assert_eq!(reply(&mut streams[0]), b"m0");
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nm0".len();
        assert!(data_segments(&streams[0]) as usize >= bytes);
    }
}

#[test]
fn trickle_sends_three_pieces() {
    let (peer, mut streams) = asked(Mode::Trickle, 1);
    assert_eq!(reply(&mut streams[0]), "m0\u{1f980}".as_bytes());
    peer.finished();
    assert!(data_segments(&streams[0]) >= 3);
    assert_eq!(read_now(&mut streams[0]), Now::Nothing);
}

/// One read empties the socket, and the close is there at once.
#[track_caller]
fn assert_whole_and_closed(stream: &mut TcpStream) {
    let peeked = stream.peek(&mut [0; 512]).unwrap();
    assert_eq!(read_now(stream), Now::Bytes(peeked));
    assert_eq!(read_now(stream), Now::End);
}

#[test]
fn data_and_close_come_in_one_segment_and_make_one_edge() {
    for _ in 0..20 {
        let (peer, mut streams) = asked(Mode::DataAndClose, 1);
        let edges = Edges::of(&streams[0]);
        peer.finished();
        assert_eq!(edges.next(Duration::ZERO), libc::EPOLLIN | libc::EPOLLRDHUP);
        assert_eq!(edges.next(Duration::ZERO), 0);
        assert_whole_and_closed(&mut streams[0]);
    }
}

#[test]
fn the_first_edge_of_data_and_close_has_both() {
    for _ in 0..20 {
        let peer = Peer::start(Mode::DataAndClose, 1).unwrap();
        let mut stream = connect(&peer);
        let edges = Edges::of(&stream);
        stream.write_all(b"GET /0/both HTTP/1.1\r\n\r\n").unwrap();
        assert_eq!(edges.next(LONG), libc::EPOLLIN | libc::EPOLLRDHUP);
        peer.finished();
        assert_whole_and_closed(&mut stream);
    }
}

#[test]
fn all_at_once_answers_nobody_until_everybody_has_asked() {
    for mode in [Mode::AllAtOnce, Mode::AllAtOnceAndClose] {
        let peer = Peer::start(mode, 3).unwrap();
        let mut streams = vec![ask(&peer, "m0"), ask(&peer, "m1")];
        thread::sleep(SOON);
        for stream in &mut streams {
            assert_eq!(read_now(stream), Now::Nothing, "{mode}");
        }
        streams.push(ask(&peer, "m2"));
        peer.finished();
        for (i, stream) in streams.iter_mut().enumerate() {
            if mode == Mode::AllAtOnceAndClose {
                assert_whole_and_closed(stream);
            } else {
                assert_eq!(reply(stream), format!("m{i}").into_bytes());
                assert_eq!(read_now(stream), Now::Nothing);
            }
        }
    }
}

#[test]
fn data_and_reset_has_all_bytes_before_the_reset() {
    for _ in 0..5 {
        let (peer, mut streams) = asked(Mode::DataAndReset, 3);
        peer.finished();
        for (i, stream) in streams.iter_mut().enumerate() {
            assert_eq!(reply(stream), format!("m{i}").as_bytes());
            assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
        }
    }
}

#[test]
fn a_client_that_sends_no_more_gets_what_others_get() {
    for &mode in Mode::ALL {
        let (_peer, streams) = asked(mode, 3);
        streams.iter().for_each(|stream| drop(stream.shutdown(Shutdown::Write)));
        thread::sleep(SOON);
        for (i, mut stream) in streams.into_iter().enumerate() {
            match mode.answers() {
                true => assert_eq!(reply(&mut stream), mode.body_for(&format!("m{i}")), "{mode}"),
                false => assert_eq!(read_now(&mut stream), Now::Nothing, "{mode}"),
            }
        }
    }
}

#[test]
fn half_close_then_reset_waits_for_a_client_that_only_sends_no_more() {
    let (peer, mut streams) = asked(Mode::HalfCloseThenReset, 1);
    streams[0].shutdown(Shutdown::Write).unwrap();
    let edges = Edges::of(&streams[0]);
    thread::sleep(SOON);
    assert_eq!(edges.next(Duration::ZERO) & libc::EPOLLERR, 0, "it was reset unread");
    assert_eq!(reply(&mut streams[0]), b"m0");
    assert_eq!(streams[0].read(&mut [0]).unwrap(), 0);
    peer.finished();
}

#[test]
fn one_connection_too_many_is_reset_in_every_mode() {
    for &mode in Mode::ALL {
        let peer = Peer::start(mode, 2).unwrap();
        let _served = [connect(&peer), connect(&peer)];
        let mut third = connect(&peer);
        assert_eq!(third.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset, "{mode}");
        let mut seen = Seen::default();
        while seen.too_many == 0 {
            seen = peer.seen_other_than(seen).unwrap();
        }
        assert_eq!(seen, Seen { connected: 2, asked: 0, too_many: 1 }, "{mode}");
    }
}

#[test]
fn a_request_counts_when_it_is_whole_and_once_for_each_connection() {
    let peer = Peer::start(Mode::KeepsAlive, 2).unwrap();
    assert_eq!(peer.seen(), Seen::default());
    let mut streams = [connect(&peer), connect(&peer)];
    streams[0].write_all(b"GET /0/half HTTP/1.1\r\n").unwrap();
    for message in ["one", "two"] {
        write!(streams[1], "GET /0/{message} HTTP/1.1\r\n\r\n").unwrap();
        reply(&mut streams[1]);
    }
    assert_eq!(peer.seen(), Seen { connected: 2, asked: 1, too_many: 0 });
    streams[0].write_all(b"\r\n").unwrap();
    reply(&mut streams[0]);
    assert_eq!(peer.seen(), Seen { connected: 2, asked: 2, too_many: 0 });
}

#[test]
fn half_close_then_reset_gives_the_end_twice() {
    let (peer, mut streams) = asked(Mode::HalfCloseThenReset, 2);
    let [first, second] = &mut streams[..] else { unreachable!() };
    let edges = Edges::of(first);
    assert_eq!(reply(first), b"m0");
    // Its end comes once it has read everything. It has not read the end: no reset, and nothing
    // for the second.
    thread::sleep(SOON);
    assert_eq!(read_now(second), Now::Nothing);
    assert_eq!(first.peek(&mut [0]).unwrap(), 0);
    while edges.next(Duration::ZERO) != 0 {}

    assert_eq!(read_now(first), Now::End);
    let reset = libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLERR | libc::EPOLLHUP;
    assert_eq!(edges.next(LONG), reset);
    assert_eq!(read_now(first), Now::End, "not an error: a client may count it again");

    assert_eq!(reply(second), b"m1");
    assert_eq!(second.read(&mut [0]).unwrap(), 0);
    peer.finished();
}

#[test]
fn half_close_then_reset_does_not_wait_for_a_client_that_closes_or_does_not_read() {
    let (peer, mut streams) = asked(Mode::HalfCloseThenReset, 2);
    drop(streams.remove(0));
    let edges = Edges::of(&streams[0]);
    peer.finished();
    assert_ne!(edges.next(Duration::ZERO) & libc::EPOLLERR, 0);
    assert_eq!(reply(&mut streams[0]), b"m1", "the reset took nothing away");
}

#[test]
fn half_close_then_reset_goes_on_when_a_client_closes_after_its_reply() {
    let (peer, streams) = asked(Mode::HalfCloseThenReset, 4);
    let from = Instant::now();
    for mut stream in streams {
        reply(&mut stream);
    }
    peer.finished();
    // It waits a second for what does not come.
    assert!(from.elapsed() < Duration::from_secs(2), "{:?}", from.elapsed());
}

#[test]
fn keeps_alive_answers_as_often_as_it_is_asked() {
    let (peer, mut streams) = asked(Mode::KeepsAlive, 1);
    let stream = &mut streams[0];
    // Two more in one write: the second ends in the middle and goes on later.
    stream.write_all(b"GET /0/one HTTP/1.1\r\n\r\nGET /0/t").unwrap();
    assert_eq!(reply(stream), b"m0");
    assert_eq!(reply(stream), b"one");
    assert_eq!(read_now(stream), Now::Nothing);
    stream.write_all(b"wo HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(reply(stream), b"two");
    stream.shutdown(Shutdown::Write).unwrap();
    peer.finished();
    assert_eq!(read_now(stream), Now::End);
}

#[test]
fn huge_body_is_a_mebibyte() {
    let (peer, mut streams) = asked(Mode::HugeBody, 1);
    let body = reply(&mut streams[0]);
    assert!(body.len() == 1 << 20 && body.starts_with(b"m0m0m0"));
    peer.finished();
    assert_eq!(read_now(&mut streams[0]), Now::Nothing);
}

#[test]
fn never_answers_takes_requests_and_says_nothing() {
    let (peer, mut streams) = asked(Mode::NeverAnswers, 2);
    peer.finished();
    thread::sleep(SOON);
    for stream in &mut streams {
        assert_eq!(read_now(stream), Now::Nothing);
        stream.write_all(&vec![b'x'; 16 << 20]).expect("it goes on reading");
    }
}

#[test]
fn silent_stops_a_writer_in_the_middle() {
    let peer = Peer::start(Mode::Silent, 1).unwrap();
    let mut stream = connect(&peer);
    peer.finished();
    stream.set_nonblocking(true).unwrap();
    let error = stream.write_all(&vec![b'x'; 16 << 20]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    assert_eq!(read_now(&mut stream), Now::Nothing);
}

#[test]
fn a_peer_stops_at_once_whatever_it_waits_for() {
    let stops = |mode, requests| {
        let peer = Peer::start(mode, 3).unwrap();
        let _idle = (requests < 2).then(|| connect(&peer));
        let _asked: Vec<_> = (0..requests).map(|_| ask(&peer, "m")).collect();
        thread::sleep(Duration::from_millis(5));
        let from = Instant::now();
        drop(peer);
        assert!(from.elapsed() < LONG / 2, "{mode}, {requests} requests");
    };
    thread::scope(|scope| {
        for &mode in Mode::ALL {
            scope.spawn(move || (0..=2).for_each(|requests| stops(mode, requests)));
        }
    });
}

/// A client that takes the close for the end of the reply.
fn read_to_close(mode: Mode) {
    let (_peer, mut streams) = asked(mode, 1);
    streams[0].set_read_timeout(None).unwrap();
    let mut all = Vec::new();
    streams[0].read_to_end(&mut all).unwrap();
    assert!(all.ends_with(b"m0"));
}

#[test]
fn a_client_that_hangs_is_seen_to_hang_though_the_peer_waits_for_it() {
    let test = "a_client_that_hangs_is_seen_to_hang_though_the_peer_waits_for_it";
    let ended = child(test, || read_to_close(Mode::Polite));
    assert!(ended.how.hung_in("recvfrom"), "{ended}");
    read_to_close(Mode::DataAndClose);
}

#[test]
fn a_mode_has_a_name() {
    for &mode in Mode::ALL {
        assert_eq!(mode.to_string().parse(), Ok(mode));
    }
    assert_eq!(format!("{:>7}", Mode::Polite), " polite");
    assert!(Mode::Silent.about().starts_with("Accepts, and neither reads nor writes, "));
    let error = "rude".parse::<Mode>().unwrap_err().to_string();
    assert!(error.starts_with("no mode is called `rude`; there are polite, slow-to-close,"));
}

//! What the note *The write side* claims.

mod common;

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use common::{BUFFER, WAITS, message, wakes};
use edges::{
    Epoll, FOREVER, LEVEL, NOTHING, Outgoing, WRITE, limit_unsent, narrow_pair, pair_with_buffers,
    send_queue,
};

/// Milliseconds to wait for an event which will not come: everything that could cause one has
/// already happened, so 0 would do.
const A_WHILE: i32 = 50;

/// Interest in room, reported when there was none and now there is.
const EDGE_WRITE: u32 = WRITE | libc::EPOLLET as u32;

/// Writes until the socket is full and stays full: first the peer's kernel takes what it has room for.
fn fill(epoll: &Epoll, mut socket: &TcpStream) {
    while epoll.wait(A_WHILE).unwrap() != NOTHING {
        while socket.write(&[7; 4096]).is_ok() {}
    }
}

/// Reads all that is there, and all that then comes in.
fn empty(server: &mut TcpStream) {
    server.set_nonblocking(true).unwrap();
    while server.read(&mut [0; 65536]).is_ok() {}
}

/// What a connection is called, a writer that does not block, and a reader of what it has sent.
type Kind = (&'static str, Box<dyn Write>, Box<dyn Read>);

fn kinds() -> [Kind; 3] {
    let (tcp, tcp_peer) = narrow_pair(BUFFER).unwrap();
    let (unix, unix_peer) = UnixStream::pair().unwrap();
    unix.set_nonblocking(true).unwrap();
    let (pipe_peer, pipe) = io::pipe().unwrap();
    // SAFETY: fcntl with this command takes no pointer, and the descriptor is open.
    let set = unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
    assert_eq!(set, 0, "{}", io::Error::last_os_error());
    [
        ("TCP", Box::new(tcp), Box::new(tcp_peer)),
        ("Unix", Box::new(unix), Box::new(unix_peer)),
        ("pipe", Box::new(pipe), Box::new(pipe_peer)),
    ]
}

#[test]
fn write_all_stops_in_the_middle_and_does_not_say_where() {
    let message = message();
    for (kind, mut client, mut server) in kinds() {
        let error = client.write_all(&message).unwrap_err();
        drop(client);

        assert_eq!(error.kind(), ErrorKind::WouldBlock, "{kind}");
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        let some = !received.is_empty() && received.len() < message.len();
        assert!(some && message.starts_with(&received), "{kind}: {}", received.len());
    }
}

#[test]
fn a_write_takes_a_part_and_the_next_one_is_refused() {
    for (kind, mut client, _server) in kinds() {
        let message = message();
        let (mut taken, mut writes) = (0, 0);
        let error = loop {
            match client.write(&message[taken..]) {
                Ok(n) => (taken, writes) = (taken + n, writes + 1),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::WouldBlock, "{kind}");
        assert!(writes >= 1 && 0 < taken && taken < message.len(), "{kind}: {taken} in {writes}");
    }
}

/// The peer's buffer could take ten times as much. What is full is the sender's.
#[test]
fn a_write_is_refused_although_the_peer_has_room_and_goes_on_although_nobody_reads() {
    let (mut client, _server) = pair_with_buffers(32 * 1024, 4 << 20).unwrap();
    let epoll = Epoll::watching(&client, WRITE).unwrap();
    let mut rounds = 0;
    // What was acknowledged leaves the sender's buffer.
    while rounds < 3 {
        assert_eq!(epoll.wait(FOREVER).unwrap(), WRITE);
        while client.write(&[7; 4096]).is_ok() {}
        rounds += 1;
    }
}

/// A writer that knows how many bytes were taken.
struct Counting {
    socket: TcpStream,
    taken: usize,
}

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.socket.write(bytes)?;
        self.taken += n;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

#[test]
fn a_writer_that_counts_knows_where_write_all_stopped() {
    let (socket, mut server) = narrow_pair(BUFFER).unwrap();
    let mut client = Counting { socket, taken: 0 };

    let error = client.write_all(&message()).unwrap_err();
    drop(client.socket);

    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    let mut received = Vec::new();
    server.read_to_end(&mut received).unwrap();
    assert_eq!(client.taken, received.len());
}

#[test]
fn a_writer_stops_in_the_middle_and_idle_interest_in_writing_wakes_without_end() {
    let (client, _server) = narrow_pair(BUFFER).unwrap();
    let mut out = Outgoing::new(message());
    let said = out.flush(&mut &client).map_err(|error| error.kind());
    let (unsent, all) = (out.unsent().len(), message().len());
    assert!(
        said.is_ok() && 0 < unsent && unsent < all,
        "flushed {all} bytes, more than there is room for: expected fine, and a part unsent; got {said:?}, and {unsent} unsent"
    );

    let (client, _server) = narrow_pair(BUFFER).unwrap();
    let epoll = Epoll::watching(&client, LEVEL | WRITE).unwrap();
    assert_eq!(wakes(&epoll), WAITS);
}

#[test]
fn interest_in_reading_kept_after_the_end_wakes_without_end() {
    let (client, server) = narrow_pair(BUFFER).unwrap();
    let epoll = Epoll::watching(&client, LEVEL).unwrap();
    drop(server);
    epoll.wait(FOREVER).unwrap();
    assert_eq!((&client).read(&mut [0; 1]).unwrap(), 0, "the end has been read");
    assert_eq!(wakes(&epoll), WAITS);
}

#[test]
fn edge_triggered_idle_interest_in_writing_wakes_once() {
    let (client, _server) = narrow_pair(BUFFER).unwrap();
    let epoll = Epoll::watching(&client, EDGE_WRITE).unwrap();
    assert_eq!(wakes(&epoll), 1);
}

#[test]
fn after_would_block_room_makes_an_edge() {
    let (client, mut server) = narrow_pair(BUFFER).unwrap();
    let epoll = Epoll::watching(&client, EDGE_WRITE).unwrap();
    fill(&epoll, &client);

    empty(&mut server);

    assert_eq!(epoll.wait(FOREVER).unwrap(), WRITE);
}

#[test]
fn after_a_short_write_room_makes_an_edge_too() {
    let (client, mut server) = narrow_pair(BUFFER).unwrap();
    let epoll = Epoll::watching(&client, EDGE_WRITE).unwrap();
    assert_ne!(epoll.wait(0).unwrap(), NOTHING);
    let message = message();
    assert!((&client).write(&message).unwrap() < message.len());

    empty(&mut server);

    assert_eq!(epoll.wait(FOREVER).unwrap(), WRITE);
}

#[test]
fn a_writer_that_never_met_a_full_socket_gets_no_edge() {
    let (client, mut server) = narrow_pair(BUFFER).unwrap();
    let epoll = Epoll::watching(&client, EDGE_WRITE).unwrap();
    assert_ne!(epoll.wait(0).unwrap(), NOTHING);
    (&client).write_all(b"hello").unwrap();

    server.read_exact(&mut [0; 5]).unwrap();

    assert_eq!(epoll.wait(A_WHILE).unwrap(), NOTHING, "there has been room all the time");
}

/// A Unix stream keeps each write in a buffer of its own. What makes the edge is that one is freed.
#[test]
fn on_a_unix_stream_each_buffer_that_the_peer_has_emptied_makes_an_edge() {
    let (mut client, mut server) = UnixStream::pair().unwrap();
    let epoll = Epoll::watching(&client, EDGE_WRITE).unwrap();
    assert_ne!(epoll.wait(0).unwrap(), NOTHING);
    for _ in 0..3 {
        client.write_all(b"hello").unwrap();
        assert_eq!(epoll.wait(0).unwrap(), NOTHING, "nothing has been read");
        for _ in 0..4 {
            server.read_exact(&mut [0; 1]).unwrap();
            assert_eq!(epoll.wait(A_WHILE).unwrap(), NOTHING, "a part of a buffer frees none");
        }
        server.read_exact(&mut [0; 1]).unwrap();
        assert_eq!(epoll.wait(FOREVER).unwrap(), WRITE);
    }
    client.write_all(b"hello").unwrap();
    client.write_all(b"hello").unwrap();
    server.read_exact(&mut [0; 10]).unwrap();
    assert_eq!(epoll.wait(FOREVER).unwrap(), WRITE, "two buffers in one read");
    assert_eq!(epoll.wait(A_WHILE).unwrap(), NOTHING, "and one edge");
}

/// A short write says that the kernel would take no more at that moment. The buffer need not be full.
#[test]
fn after_a_write_cut_short_by_a_limit_room_makes_an_edge_though_the_buffer_is_not_full() {
    let (mut client, mut server) = pair_with_buffers(8 << 20, 128 * 1024).unwrap();
    limit_unsent(&client, 64 << 10).unwrap();
    let epoll = Epoll::watching(&client, EDGE_WRITE).unwrap();
    assert_ne!(epoll.wait(0).unwrap(), NOTHING);
    let message = vec![7; 16 << 20];
    assert!(client.write(&message).unwrap() < message.len());
    let queue = send_queue(&client).unwrap();
    assert!(queue.queued < queue.size / 2, "{queue:?}");

    empty(&mut server);

    assert_eq!(epoll.wait(FOREVER).unwrap(), WRITE);
}

#[test]
fn writable_means_that_a_third_is_free_and_a_write_may_succeed_without_it() {
    let filled = fill_and_compare(-1);
    assert!(filled.unreported > 10_000, "{} bytes written when not reported", filled.unreported);
}

#[test]
fn writable_means_that_less_than_half_of_the_limit_is_unsent() {
    let filled = fill_and_compare(64 << 10);
    assert!(filled.a_third_was_free, "the limit of unsent bytes was never what decided");
}

/// What was seen while a socket was filled.
#[derive(Default)]
struct Filled {
    /// How many bytes it took when epoll did not report it as writable.
    unreported: usize,
    /// Whether epoll ever did not report it although a third was free.
    a_third_was_free: bool,
}

/// Fills a socket that is allowed so many unsent bytes, and compares the formula with epoll.
fn fill_and_compare(unsent_limit: i32) -> Filled {
    let (client, _server) = narrow_pair(BUFFER).unwrap();
    limit_unsent(&client, unsent_limit).unwrap();
    let epoll = Epoll::watching(&client, WRITE).unwrap();
    let (mut looked, mut filled) = (0, Filled::default());
    loop {
        let before = send_queue(&client).unwrap();
        let writable = epoll.wait(0).unwrap() != NOTHING;
        // While segments still leave for the peer the numbers belong to different moments.
        if before == send_queue(&client).unwrap() {
            assert_eq!(writable, before.writable(), "{before:?}");
            filled.a_third_was_free |= !writable && 3 * before.queued < 2 * before.size;
            looked += 1;
        }
        match (&client).write(&[7; 4096]) {
            Ok(n) => filled.unreported += if writable { 0 } else { n },
            Err(_full) => break,
        }
    }
    assert!(looked > 10, "the queue stood still {looked} times");
    filled
}

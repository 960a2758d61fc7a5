//! What the note *The write side* claims.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;

use edges::{
    Epoll, FOREVER, LEVEL, NOTHING, Outgoing, WRITE, limit_unsent, narrow_pair, send_all,
    send_queue,
};

/// Milliseconds to wait for an event which will not come: everything that could cause one has
/// already happened, so 0 would do.
const A_WHILE: i32 = 50;

/// How often an idle loop is looked at.
const WAITS: usize = 1_000;

/// Interest in room, reported when there was none and now there is.
const EDGE_WRITE: u32 = WRITE | libc::EPOLLET as u32;

const BUFFER: i32 = 256 * 1024;

/// More than both buffers hold, and each position can be told from its neighbours.
fn message() -> Vec<u8> {
    (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect()
}

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

#[test]
fn write_all_stops_in_the_middle_and_does_not_say_where() {
    let message = message();
    let (mut client, mut server) = narrow_pair(BUFFER).unwrap();

    let error = client.write_all(&message).unwrap_err();
    drop(client);

    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    let mut received = Vec::new();
    server.read_to_end(&mut received).unwrap();
    assert!(!received.is_empty() && received.len() < message.len(), "{}", received.len());
    assert!(message.starts_with(&received));
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
fn with_an_offset_every_byte_arrives_once_and_in_order() {
    let (client, mut server) = narrow_pair(BUFFER).unwrap();
    let epoll = Epoll::watching(&client, LEVEL).unwrap();
    let writer = std::fs::read_link("/proc/thread-self").unwrap();
    let peer = thread::spawn(move || {
        // A reader that keeps pace would leave the writer nothing to wait for.
        while !sleeps(&writer) {
            thread::yield_now();
        }
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        received
    });

    send_all(&epoll, &client, &mut Outgoing::new(message())).unwrap();
    drop(client);

    let (received, message) = (peer.join().unwrap(), message());
    assert!(received.len() >= message.len(), "the tail is missing");
    assert!(received == message, "the bytes are not those of the message");
}

/// Whether a thread, named by its folder below `/proc`, waits for something.
fn sleeps(thread: &Path) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(thread).join("stat")).unwrap();
    let (_, after_name) = stat.rsplit_once(") ").unwrap();
    after_name.starts_with('S')
}

#[test]
fn a_writer_stops_in_the_middle_and_idle_interest_in_writing_wakes_without_end() {
    let (client, _server) = narrow_pair(BUFFER).unwrap();
    let mut out = Outgoing::new(message());
    out.flush(&mut &client).unwrap();
    let unsent = out.unsent().len();
    assert!(0 < unsent && unsent < message().len(), "{unsent} bytes unsent");

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

/// How many of so many waits report something. None of them waits: the timeout is 0.
fn wakes(epoll: &Epoll) -> usize {
    (0..WAITS).filter(|_| epoll.wait(0).unwrap() != NOTHING).count()
}

#[test]
fn a_writer_with_nothing_unsent_lets_the_loop_sleep() {
    let (client, _server) = narrow_pair(BUFFER).unwrap();
    let epoll = Epoll::watching(&client, LEVEL).unwrap();
    let mut out = Outgoing::new(b"hello".to_vec());
    send_all(&epoll, &client, &mut out).unwrap();

    let wakes = wakes(&epoll);

    assert_eq!(wakes, 0, "an idle connection woke the loop at {wakes} of {WAITS} waits");
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

#[test]
fn on_a_unix_stream_each_read_of_the_peer_makes_an_edge() {
    let (mut client, mut server) = UnixStream::pair().unwrap();
    let epoll = Epoll::watching(&client, EDGE_WRITE).unwrap();
    assert_ne!(epoll.wait(0).unwrap(), NOTHING);
    for _ in 0..3 {
        client.write_all(b"hello").unwrap();
        assert_eq!(epoll.wait(0).unwrap(), NOTHING, "nothing has been read");

        server.read_exact(&mut [0; 5]).unwrap();

        assert_eq!(epoll.wait(FOREVER).unwrap(), WRITE);
    }
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

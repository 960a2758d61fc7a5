//! What the note *The short read* claims.

use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::ptr;
use std::thread;
use std::time::{Duration, Instant};

use edges::{
    CLOSE, Counted, EDGE, EDGE_AND_CLOSE, Ended, Epoll, FOREVER, LEVEL, NOTHING, drain_per_event,
    hello_and_close, pair, stop_at_short_read, stop_at_short_read_if_open, unread,
};
use tokio::io::{AsyncRead, ReadBuf};

/// Milliseconds that a reader waits for an event which will not come. Everything that could cause
/// one has already happened, so 0 would do.
const A_WHILE: i32 = 50;

/// How a reader ended, and how it had to end.
#[track_caller]
fn must_end(sent: &str, ended: &io::Result<Ended>, right: Ended) {
    let got = match ended {
        Ok(ended) => format!("{ended:?}"),
        Err(error) => format!("the error {:?}", error.kind()),
    };
    assert!(got == format!("{right:?}"), "{sent}: expected {right:?}; got {got}");
}

#[test]
fn a_short_read_proves_that_the_bytes_are_drained_and_not_that_no_close_follows() {
    let mut buffer = [0; 64];
    for len in 1..64 {
        let (mut client, mut server) = pair().unwrap();
        // Two segments. Of more, the last might have to wait until the peer acknowledges the first.
        server.set_nodelay(true).unwrap();
        let (first, second) = [7; 64][..len].split_at(len / 2);
        server.write_all(first).unwrap();
        server.write_all(second).unwrap();
        assert_eq!(client.read(&mut buffer).unwrap(), len);
        assert_eq!(client.read(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
    }

    // A large buffer and many segments: the read waits for none, so all of them have to be there.
    let mut large = vec![0; 1 << 16];
    for len in [65, 1_000, 10_000, 30_000] {
        let (mut client, mut server) = pair().unwrap();
        server.set_nodelay(true).unwrap();
        vec![7; len].chunks(997).for_each(|chunk| server.write_all(chunk).unwrap());
        assert!(until_unread(&client, len), "{len} bytes have not arrived");
        assert_eq!(client.read(&mut large).unwrap(), len);
        assert_eq!(client.read(&mut large).unwrap_err().kind(), ErrorKind::WouldBlock);
    }

    let (mut client, server) = pair().unwrap();
    let epoll = Epoll::watching(&client, EDGE).unwrap();
    hello_and_close(server).unwrap();
    let ended = stop_at_short_read(&epoll, &mut client, A_WHILE);
    must_end("sent 5 bytes and closed", &ended, Ended::StillWaiting { bytes: 5 });
    assert_eq!(client.read(&mut buffer).unwrap(), 0, "the close has been in the socket");
}

/// Whether so many bytes are there to be read, within ten seconds.
fn until_unread(client: &TcpStream, len: usize) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    while (unread(client).unwrap() as usize) < len {
        if Instant::now() > deadline {
            return false;
        }
        thread::yield_now();
    }
    true
}

#[test]
fn who_looks_at_the_flag_sees_the_close_in_the_same_event() {
    let (mut client, server) = pair().unwrap();
    let epoll = Epoll::watching(&client, EDGE_AND_CLOSE).unwrap();
    hello_and_close(server).unwrap();

    let ended = stop_at_short_read_if_open(&epoll, &mut client, FOREVER);

    must_end("sent 5 bytes and closed", &ended, Ended::Closed { bytes: 5 });
    assert_eq!(epoll.wait(A_WHILE).unwrap(), NOTHING, "one event stood for both");
}

/// A socket whose peer closes right before the first read, or right after it.
struct ClosesAround {
    socket: TcpStream,
    before: Option<TcpStream>,
    after: Option<TcpStream>,
}

impl Read for ClosesAround {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        drop(self.before.take());
        let n = self.socket.read(buffer);
        drop(self.after.take());
        n
    }
}

#[test]
fn a_close_that_the_event_does_not_tell_of_makes_another_event() {
    for before in [true, false] {
        let (socket, mut server) = pair().unwrap();
        let epoll = Epoll::watching(&socket, EDGE_AND_CLOSE).unwrap();
        server.write_all(b"hello").unwrap();
        let (before, after) = if before { (Some(server), None) } else { (None, Some(server)) };
        let mut socket = ClosesAround { socket, before, after };

        let ended = stop_at_short_read_if_open(&epoll, &mut socket, FOREVER);

        let sent = "sent 5 bytes, and closed after the event for them";
        must_end(sent, &ended, Ended::Closed { bytes: 5 });
    }
}

#[test]
fn stopping_at_a_short_read_saves_one_read_of_two() {
    let mut reads = Vec::new();
    for habit in [drain_per_event, stop_at_short_read, stop_at_short_read_if_open] {
        let (client, mut server) = pair().unwrap();
        let epoll = Epoll::watching(&client, EDGE_AND_CLOSE).unwrap();
        let mut client = Counted::new(client);
        server.write_all(b"hello").unwrap();
        let ended = habit(&epoll, &mut client, 0);
        must_end("sent 5 bytes", &ended, Ended::StillWaiting { bytes: 5 });
        reads.push(client.reads);
    }
    for (reader, (reads, right)) in
        ["drain_per_event", "stop_at_short_read", "stop_at_short_read_if_open"]
            .iter()
            .zip(reads.into_iter().zip([2, 1, 1]))
    {
        assert!(reads == right, "sent 5 bytes, {reader}: expected {right} reads; got {reads}");
    }
}

#[test]
fn a_read_that_fills_the_buffer_proves_nothing() {
    for len in [64, 65, 128, 1000] {
        let (client, mut server) = pair().unwrap();
        let epoll = Epoll::watching(&client, EDGE_AND_CLOSE).unwrap();
        let mut client = Counted::new(client);
        server.write_all(&vec![7; len]).unwrap();
        let ended = stop_at_short_read_if_open(&epoll, &mut client, 0);
        must_end(&format!("sent {len} bytes"), &ended, Ended::StillWaiting { bytes: len });
        let (reads, right) = (client.reads, len / 64 + 1);
        assert!(
            reads == right,
            "sent {len} bytes, for a buffer of 64: expected {right} reads; got {reads}"
        );
    }
}

#[test]
fn level_triggered_the_short_read_costs_an_event_and_no_hang() {
    let (mut client, server) = pair().unwrap();
    let epoll = Epoll::watching(&client, LEVEL).unwrap();
    hello_and_close(server).unwrap();
    let ended = stop_at_short_read(&epoll, &mut client, FOREVER);
    must_end("level-triggered, sent 5 bytes and closed", &ended, Ended::Closed { bytes: 5 });

    // The events are counted by handing out one at a time: `EPOLLONESHOT`, and a new registration.
    let one_event = LEVEL | libc::EPOLLONESHOT as u32;
    let (mut client, server) = pair().unwrap();
    let epoll = Epoll::watching(&client, one_event).unwrap();
    hello_and_close(server).unwrap();
    let ended = stop_at_short_read(&epoll, &mut client, 0);
    let sent = "sent 5 bytes and closed, one level-triggered event";
    must_end(sent, &ended, Ended::StillWaiting { bytes: 5 });
    epoll.rearm(&client, one_event).unwrap();
    let ended = stop_at_short_read(&epoll, &mut client, 0);
    must_end("and one event more", &ended, Ended::Closed { bytes: 0 });

    let (mut client, server) = pair().unwrap();
    let epoll = Epoll::watching(&client, one_event).unwrap();
    hello_and_close(server).unwrap();
    let ended = drain_per_event(&epoll, &mut client, 0);
    let sent = "sent 5 bytes and closed, one event for the reader that drains";
    must_end(sent, &ended, Ended::Closed { bytes: 5 });
}

#[test]
fn the_flag_comes_only_to_those_who_ask() {
    for (interest, expected) in [(EDGE, 0), (EDGE_AND_CLOSE, CLOSE)] {
        let (client, server) = pair().unwrap();
        let epoll = Epoll::watching(&client, interest).unwrap();
        hello_and_close(server).unwrap();
        assert_eq!(epoll.wait(FOREVER).unwrap() & CLOSE, expected);
    }
}

#[test]
fn the_flag_is_set_too_when_this_side_has_shut_down_its_reading() {
    let (mut client, mut server) = pair().unwrap();
    let epoll = Epoll::watching(&client, EDGE_AND_CLOSE).unwrap();
    client.shutdown(Shutdown::Read).unwrap();
    assert_eq!(epoll.wait(FOREVER).unwrap() & CLOSE, CLOSE);

    server.write_all(b"hello").unwrap();

    assert_eq!(client.read(&mut [0; 64]).unwrap(), 5, "the peer sends on, and is read");
}

/// The reader takes a short read for all there is, and three bytes stay.
#[track_caller]
fn stops_after_three_bytes_of_six(epoll: &Epoll, client: &mut impl Read) {
    let ended = stop_at_short_read_if_open(epoll, client, A_WHILE);
    let sent = "sent 6 bytes, of which a read brings 3, and then nothing new";
    must_end(sent, &ended, Ended::StillWaiting { bytes: 3 });
    let mut buffer = [0; 64];
    assert_eq!(client.read(&mut buffer).unwrap(), 3);
    assert_eq!(&buffer[..3], b"def");
}

/// Sends three bytes, one urgent byte and three more.
fn send_around_an_urgent_byte(server: &mut TcpStream) {
    server.set_nodelay(true).unwrap();
    server.write_all(b"abc").unwrap();
    let urgent = b'!';
    // SAFETY: the kernel reads one byte from `urgent`, which lives through the call.
    let sent =
        unsafe { libc::send(server.as_raw_fd(), (&raw const urgent).cast(), 1, libc::MSG_OOB) };
    assert_eq!(sent, 1, "{}", io::Error::last_os_error());
    server.write_all(b"def").unwrap();
}

#[test]
fn a_read_stops_short_at_an_urgent_byte_and_more_bytes_follow() {
    let (mut client, mut server) = pair().unwrap();
    let epoll = Epoll::watching(&client, EDGE_AND_CLOSE).unwrap();
    send_around_an_urgent_byte(&mut server);

    stops_after_three_bytes_of_six(&epoll, &mut client);
}

#[test]
fn a_draining_reader_gets_past_an_urgent_byte() {
    let (mut client, mut server) = pair().unwrap();
    let epoll = Epoll::watching(&client, EDGE).unwrap();
    send_around_an_urgent_byte(&mut server);
    let ended = drain_per_event(&epoll, &mut client, A_WHILE);
    let sent = "sent 3 bytes, an urgent one, at which a read stops, and 3 more";
    must_end(sent, &ended, Ended::StillWaiting { bytes: 6 });
}

/// Sends three bytes that have a descriptor with them, and three more.
fn send_behind_a_descriptor(mut server: &UnixStream) {
    let (bytes, descriptor) = (b"abc", server.as_raw_fd());
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut control = [0_u64; 8];
    let size = size_of_val(&descriptor) as u32;
    // SAFETY: a `msghdr` is integers and pointers, and all zeros is one of its values.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    // SAFETY: the call computes a size. That of a header and one int is less than `control` has.
    message.msg_controllen = unsafe { libc::CMSG_SPACE(size) } as _;
    // SAFETY: `control` has room for one header and one int, and is aligned for the header.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(&message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size) as _;
        ptr::write_unaligned(libc::CMSG_DATA(header).cast(), descriptor);
    }
    // SAFETY: the kernel reads the message and what it points to, all of which lives until then.
    let sent = unsafe { libc::sendmsg(server.as_raw_fd(), &message, 0) };
    assert_eq!(sent, 3, "{}", io::Error::last_os_error());
    server.write_all(b"def").unwrap();
}

fn unix_pair() -> (UnixStream, UnixStream) {
    let (client, server) = UnixStream::pair().unwrap();
    client.set_nonblocking(true).unwrap();
    (client, server)
}

#[test]
fn a_read_stops_short_behind_a_descriptor_and_more_bytes_follow() {
    let (mut client, server) = unix_pair();
    send_behind_a_descriptor(&server);
    let epoll = Epoll::watching(&client, EDGE_AND_CLOSE).unwrap();

    stops_after_three_bytes_of_six(&epoll, &mut client);
}

#[test]
fn a_draining_reader_gets_past_a_descriptor() {
    let (mut client, server) = unix_pair();
    send_behind_a_descriptor(&server);
    let epoll = Epoll::watching(&client, EDGE).unwrap();
    let ended = drain_per_event(&epoll, &mut client, A_WHILE);
    let sent = "sent 3 bytes with a descriptor, at which a read stops, and 3 more";
    must_end(sent, &ended, Ended::StillWaiting { bytes: 6 });
}

fn with_tokio<T>(task: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(task)
}

/// What a tokio stream reads: each item is what one `poll_read` with 64 bytes of room returned,
/// and the list ends at the close or where a read waits longer than nothing takes to arrive.
async fn reads_of(mut stream: impl AsyncRead + Unpin) -> (Vec<String>, bool) {
    let mut seen = Vec::new();
    loop {
        let mut room = [0; 64];
        let mut buffer = ReadBuf::new(&mut room);
        let read = poll_fn(|context| Pin::new(&mut stream).poll_read(context, &mut buffer));
        match tokio::time::timeout(Duration::from_millis(A_WHILE as u64), read).await {
            Err(_waited) => return (seen, false),
            Ok(read) => read.unwrap(),
        }
        if buffer.filled().is_empty() {
            return (seen, true);
        }
        seen.push(String::from_utf8(buffer.filled().to_vec()).unwrap());
    }
}

#[test]
fn a_tokio_stream_sees_a_close_that_came_with_the_bytes() {
    let (seen, closed) = with_tokio(async {
        let (client, server) = pair().unwrap();
        hello_and_close(server).unwrap();
        reads_of(tokio::net::TcpStream::from_std(client).unwrap()).await
    });
    assert_eq!((seen, closed), (vec!["hello".to_owned()], true));
}

#[test]
fn a_tokio_stream_waits_with_bytes_behind_an_urgent_byte() {
    let (seen, closed) = with_tokio(async {
        let (client, mut server) = pair().unwrap();
        send_around_an_urgent_byte(&mut server);
        reads_of(tokio::net::TcpStream::from_std(client).unwrap()).await
    });
    assert_eq!((seen, closed), (vec!["abc".to_owned()], false));
}

#[test]
fn a_tokio_stream_waits_with_bytes_behind_a_descriptor() {
    let (seen, closed) = with_tokio(async {
        let (client, server) = unix_pair();
        send_behind_a_descriptor(&server);
        reads_of(tokio::net::UnixStream::from_std(client).unwrap()).await
    });
    assert_eq!((seen, closed), (vec!["abc".to_owned()], false));
}

//! What the notes *The wrapper* and *How it hangs* claim of the five-stream client.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use delayserver::Delayserver;
use epoll::client::{Client, Reply};
use lab::peer::{Mode, Peer};

const STREAMS: usize = 5;

/// Of different lengths, so that a buffer which is used again still holds more than the next needs.
fn message(request: usize) -> String {
    format!("request-{request}{}", "-".repeat(10 * (STREAMS - request)))
}

fn paths() -> Vec<String> {
    (0..STREAMS).map(|request| format!("/0/{}", message(request))).collect()
}

/// The bodies in the order of the requests.
fn bodies(replies: Vec<Reply>) -> Vec<Vec<u8>> {
    let mut replies = replies;
    replies.sort_by_key(|reply| reply.request);
    replies.into_iter().map(|reply| reply.body.unwrap()).collect()
}

/// The replies of a peer that has said all that it will say before the client looks.
fn replies_when_all_is_there(mode: Mode) -> Vec<Vec<u8>> {
    let peer = Peer::start(mode, STREAMS).unwrap();
    let client = Client::send(peer.addr(), &paths()).unwrap();
    peer.finished();
    bodies(client.replies(None).unwrap())
}

/// Five connections to a server that a test plays itself, requests read, in the order in which the
/// client made them.
fn accept_all(listener: &TcpListener) -> Vec<TcpStream> {
    let accept = |_| {
        let (stream, _) = listener.accept().unwrap();
        let mut request = BufReader::new(&stream).lines().map_while(Result::ok);
        assert!(request.any(|line| line.is_empty()), "the request has an end");
        stream
    };
    (0..STREAMS).map(accept).collect()
}

/// A server of one's own: `script` gets the five connections.
fn play(script: impl FnOnce(Vec<TcpStream>) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || script(accept_all(&listener)));
    addr
}

/// Waits until the client has closed its end, which it does when the reply is whole.
fn closed(mut stream: &TcpStream) {
    assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
}

const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

#[test]
fn each_of_five_replies_is_taken_when_it_comes() {
    let order = [4, 2, 0, 3, 1];
    let server = play(move |streams| {
        for stream in order.map(|at| &streams[at]) {
            (&mut &*stream).write_all(WHOLE).unwrap();
            closed(stream);
        }
    });
    let replies = Client::send(server, &paths()).unwrap().replies(None).unwrap();
    let taken: Vec<usize> = replies.iter().map(|reply| reply.request).collect();
    assert_eq!(taken, order);
}

#[test]
fn five_streams_take_their_replies_from_a_delayserver() {
    let server = Delayserver::start().unwrap();
    let replies = Client::send(server.addr(), &paths()).unwrap().replies(None).unwrap();
    let expected: Vec<Vec<u8>> = (0..STREAMS).map(|request| message(request).into()).collect();
    assert_eq!(bodies(replies), expected);
}

#[test]
fn bytes_and_close_in_one_edge_end_a_reply() {
    assert_eq!(replies_when_all_is_there(Mode::DataAndClose).len(), STREAMS);
}

#[test]
fn a_whole_batch_is_handled() {
    assert_eq!(replies_when_all_is_there(Mode::AllAtOnceAndClose).len(), STREAMS);
}

#[test]
fn a_stream_that_has_to_wait_costs_the_others_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Client::send(listener.local_addr().unwrap(), &paths()).unwrap();
    let streams = accept_all(&listener);
    // Half a reply for the first, whole ones for the others: all that the first batch reports.
    let (half, rest) = WHOLE.split_at(20);
    (&streams[0]).write_all(half).unwrap();
    streams[1..].iter().for_each(|mut stream| stream.write_all(WHOLE).unwrap());
    // The other half comes when the others have their replies.
    thread::spawn(move || {
        streams[1..].iter().for_each(closed);
        (&streams[0]).write_all(rest).unwrap();
        closed(&streams[0]);
    });
    assert_eq!(bodies(client.replies(None).unwrap()), [b"hi"; STREAMS]);
}

#[test]
fn a_reply_has_only_the_bytes_of_its_own() {
    for (request, body) in replies_when_all_is_there(Mode::DataAndClose).into_iter().enumerate() {
        let (body, own) = (String::from_utf8_lossy(&body), message(request));
        assert_eq!(body, own, "bytes that are not of this reply");
    }
}

#[test]
fn the_client_finishes_against_every_peer_or_says_why_not() {
    for &mode in Mode::ALL {
        let patience = Duration::from_millis(if mode.answers() { 60_000 } else { 200 });
        let peer = Peer::start(mode, STREAMS).unwrap();
        let client = Client::send(peer.addr(), &paths()).unwrap();
        let replies = client.replies(Some(patience)).unwrap();
        assert_eq!(replies.len(), STREAMS, "{mode}");
        for reply in replies {
            match reply.body {
                Ok(body) => assert!(body == mode.body_for(&message(reply.request)), "{mode}"),
                Err(error) => {
                    assert!(!mode.answers() && error.kind() == ErrorKind::TimedOut, "{mode}")
                }
            }
        }
    }
}

#[test]
fn each_stream_ends_once() {
    let peer = Peer::start(Mode::HalfCloseThenReset, STREAMS).unwrap();
    let client = Client::send(peer.addr(), &paths()).unwrap();
    let replies = client.replies(None).unwrap();
    let mut requests: Vec<usize> = replies.iter().map(|reply| reply.request).collect();
    requests.sort_unstable();
    assert_eq!(requests, [0, 1, 2, 3, 4], "a stream has ended twice");
}

#[test]
fn a_server_that_never_stops_sending_ends_with_an_error() {
    let server = play(|streams| {
        let mut endless = &streams[0];
        streams[1..].iter().for_each(|mut stream| stream.write_all(WHOLE).unwrap());
        let _ = endless.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while endless.write_all(&[b'x'; 65536]).is_ok() {}
    });
    let mut replies = Client::send(server, &paths()).unwrap().replies(None).unwrap();
    replies.sort_by_key(|reply| reply.request);
    assert_eq!(replies[0].body.as_ref().unwrap_err().kind(), ErrorKind::FileTooLarge);
    assert!(replies[1..].iter().all(|reply| reply.body.is_ok()));
}

#[test]
fn a_patience_that_no_clock_can_tell_is_none() {
    let server = Delayserver::start().unwrap();
    let client = Client::send(server.addr(), &paths()).unwrap();
    assert_eq!(bodies(client.replies(Some(Duration::MAX)).unwrap()).len(), STREAMS);
}

#[test]
fn one_stream_that_is_reset_does_not_end_the_others() {
    let server = play(|streams| {
        let mut streams = streams.into_iter();
        let mut first = streams.next().unwrap();
        first.write_all(&WHOLE[..20]).unwrap();
        reset(first);
        let rest: Vec<TcpStream> = streams.collect();
        rest.iter().for_each(|mut stream| stream.write_all(WHOLE).unwrap());
        rest.iter().for_each(closed);
    });
    let mut replies = Client::send(server, &paths()).unwrap().replies(None).unwrap();
    replies.sort_by_key(|reply| reply.request);
    let kinds: Vec<_> =
        replies.iter().map(|reply| reply.body.as_ref().err().map(|e| e.kind())).collect();
    assert_eq!(kinds[0], Some(ErrorKind::ConnectionReset));
    assert!(kinds[1..].iter().all(Option::is_none), "{kinds:?}");
}

/// Five streams to a server that sends these bytes on each and resets it, before the client looks.
fn replies_reset_behind(bytes: &'static [u8]) -> Vec<Reply> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Client::send(listener.local_addr().unwrap(), &paths()).unwrap();
    for mut stream in accept_all(&listener) {
        stream.write_all(bytes).unwrap();
        reset(stream);
    }
    let replies = client.replies(None).unwrap();
    assert_eq!(replies.len(), STREAMS);
    replies
}

#[test]
fn a_reset_behind_a_whole_reply_takes_nothing_from_it() {
    for bytes in [WHOLE, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi and more"] {
        assert_eq!(bodies(replies_reset_behind(bytes)), [b"hi"; STREAMS]);
    }
    let told = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
    let long: &[u8] = [told.as_bytes(), &[b'x'; 100_000]].concat().leak();
    assert!(bodies(replies_reset_behind(long)).iter().all(|body| body == &[b'x'; 100_000]));
}

#[test]
fn a_reset_before_the_end_of_a_reply_is_its_error() {
    for bytes in [&WHOLE[..WHOLE.len() - 1], b"", b"HTTP/1.1 200 OK\r\n\r\nno length, no end"] {
        for reply in replies_reset_behind(bytes) {
            assert_eq!(reply.body.unwrap_err().kind(), ErrorKind::ConnectionReset);
        }
    }
}

/// The server has answered and reset before it has read the whole request: the client learns of the
/// reset while it still writes.
#[test]
fn a_whole_reply_counts_although_the_request_could_not_be_sent_to_its_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let path = format!("/0/{}", "x".repeat(32 << 20));
    let client = Client::send(listener.local_addr().unwrap(), &[path]).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(WHOLE).unwrap();
    reset(stream);
    assert_eq!(bodies(client.replies(None).unwrap()), [b"hi"]);
}

/// A reset: SO_LINGER with no time, socket(7).
fn reset(stream: TcpStream) {
    use std::os::fd::AsRawFd;
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let size = size_of_val(&linger) as libc::socklen_t;
    // SAFETY: the option's value is a `linger`, which lives through the call, and `size` its size.
    let set = unsafe {
        let value = (&raw const linger).cast();
        libc::setsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, value, size)
    };
    assert_eq!(set, 0);
}

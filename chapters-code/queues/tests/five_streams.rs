//! What the note *The other queues* claims of the five-stream program, on every queue of this system.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use queues::{QUEUES, Queue, Reply, STREAMS, ask};

/// Not the order of asking, nor its reverse.
const ORDER: [usize; STREAMS] = [4, 2, 0, 3, 1];

/// Runs the program against a server that `script` plays: with its five streams in the order in which
/// the client made them, requests read. `None` where the kernel has no such queue for us.
fn play(queue: &Queue, script: impl FnOnce(Vec<TcpStream>) + Send + 'static) -> Option<Vec<Reply>> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let sockets = (0..STREAMS).map(|_| ask(addr, "/").unwrap()).collect();
    let server = thread::spawn(move || script((0..STREAMS).map(|_| accept(&listener)).collect()));
    let replies = match (queue.replies)(sockets) {
        Err(error) if refused(&error) => {
            println!("\nskipped: the kernel refuses {}: {error}", queue.name);
            return None;
        }
        replies => replies.unwrap(),
    };
    server.join().unwrap();
    Some(replies)
}

/// An old kernel, or one that was told to give no rings.
fn refused(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied)
}

fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().unwrap();
    let mut request = BufReader::new(&stream).lines().map_while(Result::ok);
    assert!(request.any(|line| line.is_empty()), "the request has an end");
    stream
}

/// Sends a reply that the close ends, and waits until the client has closed its end, having taken it.
fn reply(mut stream: &TcpStream, body: &str) {
    stream.write_all(format!("HTTP/1.1 200 OK\r\n\r\n{body}").as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
}

#[test]
fn every_queue_takes_the_replies_in_the_order_in_which_they_come() {
    for queue in QUEUES {
        let replies = play(queue, |streams| {
            ORDER.iter().for_each(|&at| reply(&streams[at], &format!("reply-{at}")));
        });
        let Some(replies) = replies else { continue };
        let taken: Vec<_> =
            replies.into_iter().map(|reply| (reply.request, reply.body.unwrap())).collect();
        let expected = ORDER.map(|at| (at, format!("reply-{at}")));
        assert_eq!(taken, expected, "{}: the replies in the order in which they came", queue.name);
    }
}

#[test]
fn a_reply_longer_than_the_buffer_is_whole_on_every_queue() {
    let long = "x".repeat(100_000);
    for queue in QUEUES {
        let body = long.clone();
        let replies = play(queue, move |streams| {
            streams.iter().for_each(|stream| reply(stream, &body));
        });
        for reply in replies.unwrap_or_default() {
            let told = reply
                .body
                .map_or_else(|error| error.to_string(), |body| format!("{} bytes", body.len()));
            assert!(told == "100000 bytes", "{}, 100000 bytes were sent: got {told}", queue.name);
        }
    }
}

#[test]
fn one_stream_that_is_reset_costs_the_others_nothing_on_any_queue() {
    for queue in QUEUES {
        let replies = play(queue, |mut streams| {
            reset(streams.remove(0));
            streams.iter().for_each(|stream| reply(stream, "whole"));
        });
        let Some(replies) = replies else { continue };
        for reply in replies {
            match reply.request {
                0 => assert_eq!(reply.body.unwrap_err().kind(), ErrorKind::ConnectionReset),
                _ => assert_eq!(reply.body.unwrap(), "whole"),
            }
        }
    }
}

/// Half a reply, then a reset: SO_LINGER with no time, socket(7).
fn reset(mut stream: TcpStream) {
    use std::os::fd::AsRawFd;
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhal").unwrap();
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let size = size_of_val(&linger) as libc::socklen_t;
    // SAFETY: the option's value is a `linger`, which lives through the call, and `size` its size.
    let set = unsafe {
        let value = (&raw const linger).cast();
        libc::setsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, value, size)
    };
    assert_eq!(set, 0);
}

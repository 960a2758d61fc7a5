//! What the loop on a readiness queue owes its caller. The queue here is a script: at each wait something
//! happens to one stream, and its token is returned. Messages say what happened and what had to come.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Error, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

use queues::Reply;
use queues::readiness::{Readiness, replies};

/// What happens to a stream.
#[derive(Clone, Copy)]
enum Happens {
    /// Its peer sends this.
    Sent(&'static str),
    /// Its peer closes.
    Closed,
    /// Its peer will send no more, and is still there.
    HalfClosed,
    /// Its peer resets the connection.
    Reset,
    /// Nothing: the queue has said too much, or says it once more.
    Nothing,
    /// Nothing, and its peer sees that our end is closed.
    Gone,
}
use Happens::*;

thread_local! {
    static SCRIPT: RefCell<Script> = RefCell::default();
}

#[derive(Default)]
struct Script {
    /// What happens at each wait, and to which stream.
    steps: VecDeque<(usize, Happens)>,
    /// The other ends of the streams.
    peers: Vec<Option<TcpStream>>,
}

/// Plays the script.
struct Scripted;

impl Readiness for Scripted {
    fn new() -> io::Result<Scripted> {
        Ok(Scripted)
    }

    fn watch(&mut self, _: usize, _: &TcpStream) -> io::Result<()> {
        Ok(())
    }

    fn wait(&mut self) -> io::Result<usize> {
        SCRIPT.with_borrow_mut(|Script { steps, peers }| {
            let (stream, happens) =
                steps.pop_front().ok_or_else(|| Error::other("a wait for nothing"))?;
            match (happens, &mut peers[stream]) {
                (Sent(words), Some(peer)) => peer.write_all(words.as_bytes())?,
                (Closed, peer) => *peer = None,
                (HalfClosed, Some(peer)) => peer.shutdown(Shutdown::Write)?,
                (Reset, peer) => reset(peer.take().expect("the peer is there")),
                (Gone, Some(peer)) => {
                    peer.set_nonblocking(true)?;
                    let read = peer.read(&mut [0]).map_err(|error| error.kind());
                    assert!(
                        read != Err(ErrorKind::WouldBlock),
                        "stream {stream} has ended: expected its socket to be closed; it is open"
                    );
                }
                _ => {}
            }
            Ok(stream)
        })
    }
}

/// SO_LINGER with no time, socket(7).
fn reset(peer: TcpStream) {
    use std::os::fd::AsRawFd;
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let size = size_of_val(&linger) as libc::socklen_t;
    // SAFETY: the option's value is a `linger`, which lives through the call, and `size` its size.
    let set = unsafe {
        let value = (&raw const linger).cast();
        libc::setsockopt(peer.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, value, size)
    };
    assert_eq!(set, 0);
}

/// Runs the loop with so many streams; what it returned, in words.
fn told(streams: usize, script: &[(usize, Happens)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let pair = |_| {
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (ours, Some(listener.accept().unwrap().0))
    };
    let (ours, peers): (Vec<_>, Vec<_>) = (0..streams).map(pair).unzip();
    SCRIPT.set(Script { steps: script.iter().copied().collect(), peers });
    match replies::<Scripted>(ours) {
        Ok(replies) if replies.is_empty() => "no replies".into(),
        Ok(replies) => replies.iter().map(words).collect::<Vec<_>>().join(", "),
        Err(error) => format!("the error `{error}` of the whole"),
    }
}

fn words(reply: &Reply) -> String {
    match &reply.body {
        Ok(body) if body.len() > 40 => format!("stream {}: {} bytes", reply.request, body.len()),
        Ok(body) => format!("stream {}: `{body}`", reply.request),
        Err(error) => format!("stream {}: the error {:?}", reply.request, error.kind()),
    }
}

#[track_caller]
fn must(what: &str, right: &str, told: &str) {
    assert!(told == right, "{what}: expected {right}; got {told}");
}

const HEAD: &str = "HTTP/1.1 200 OK\r\n\r\n";

#[test]
fn replies_are_in_the_order_in_which_streams_end() {
    let [one, two] = ["HTTP/1.1 200 OK\r\n\r\none", "HTTP/1.1 200 OK\r\n\r\ntwo"].map(Sent);
    let told = told(2, &[(0, one), (1, two), (1, Closed), (0, Closed)]);
    must("stream 1 ends before stream 0", "stream 1: `two`, stream 0: `one`", &told);
}

#[test]
fn pieces_of_streams_do_not_mix() {
    let script = [
        (0, Sent(HEAD)),
        (1, Sent(HEAD)),
        (0, Sent("a long piece, ")),
        (1, Sent("short")),
        (0, Sent("x")),
        (0, Closed),
        (1, Closed),
    ];
    let right = "stream 0: `a long piece, x`, stream 1: `short`";
    must("2 streams, in pieces", right, &told(2, &script));
}

#[test]
fn a_stream_that_has_nothing_yet_is_waited_for_again() {
    let script = [(0, Nothing), (0, Sent(HEAD)), (0, Nothing), (0, Sent("hi")), (0, Closed)];
    must("a stream is told before it has anything", "stream 0: `hi`", &told(1, &script));
}

#[test]
fn between_two_pieces_of_a_stream_the_others_are_served() {
    let script = [
        (0, Sent(HEAD)),
        (1, Sent(HEAD)),
        (1, Sent("hi")),
        (1, Closed),
        (0, Sent("late")),
        (0, Closed),
    ];
    let right = "stream 1: `hi`, stream 0: `late`";
    must("stream 0 is half here when stream 1 comes", right, &told(2, &script));
}

#[test]
fn a_token_that_comes_late_is_nobodys() {
    let script = [
        (0, Sent(HEAD)),
        (0, Closed),
        (0, Nothing),
        (1, Sent(HEAD)),
        (0, Nothing),
        (1, Sent("hi")),
        (1, Closed),
    ];
    let right = "stream 0: ``, stream 1: `hi`";
    must("stream 0 is told after its end", right, &told(2, &script));
}

#[test]
fn an_error_of_one_stream_is_its_reply() {
    let script =
        [(0, Sent(HEAD)), (0, Nothing), (0, Reset), (1, Sent(HEAD)), (1, Sent("hi")), (1, Closed)];
    let right = "stream 0: the error ConnectionReset, stream 1: `hi`";
    must("stream 0 is reset", right, &told(2, &script));
}

#[test]
fn a_socket_is_closed_when_its_stream_has_ended() {
    let script = [(0, Sent(HEAD)), (0, HalfClosed), (0, Gone), (1, Sent(HEAD)), (1, Closed)];
    must("stream 0 ends", "stream 0: ``, stream 1: ``", &told(2, &script));
}

#[test]
fn of_no_streams_there_are_no_replies() {
    must("no streams", "no replies", &told(0, &[]));
}

#[test]
fn an_error_of_the_queue_is_returned() {
    let told = told(1, &[(0, Sent(HEAD))]);
    must("the queue fails", "the error `a wait for nothing` of the whole", &told);
}

//! What the client owes its caller, whatever its peers do. What they do happens before it looks or in its
//! waits, in the thread of the test; each message says what happened and what had to come.

mod kernel;

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use epoll::client::{Client, Reply};
use kernel::Step::{self, Does, Fails};
use kernel::{endless, interrupt_reads, ms, passed, play};

const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";

/// The peer of a stream.
#[derive(Clone)]
struct Peer(Rc<TcpStream>);

impl Peer {
    fn sends(&self, bytes: &[u8]) {
        (&*self.0).write_all(bytes).unwrap();
    }

    /// A reply without a length, which the end of its direction ends. It is still there.
    fn answers(&self, body: &[u8]) {
        self.sends(&[HEAD, body].concat());
        self.half_closes();
    }

    /// It will send no more, and is still there.
    fn half_closes(&self) {
        self.0.shutdown(Shutdown::Write).unwrap();
    }

    /// SO_LINGER with no time, socket(7), and the close that then is a reset.
    fn resets(&self) {
        use std::os::fd::AsRawFd;
        let linger = libc::linger { l_onoff: 1, l_linger: 0 };
        let size = size_of_val(&linger) as libc::socklen_t;
        // SAFETY: the option's value is a `linger`, which lives through the call, and `size` its size.
        let set = unsafe {
            let value = (&raw const linger).cast();
            libc::setsockopt(self.0.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, value, size)
        };
        assert_eq!(set, 0);
        // Where an address of no family is connected to, a socket lets its connection go: connect(2).
        let nobody =
            libc::sockaddr { sa_family: libc::AF_UNSPEC as libc::sa_family_t, sa_data: [0; 14] };
        let size = size_of_val(&nobody) as libc::socklen_t;
        // SAFETY: the kernel reads one `sockaddr`, and `size` is its size.
        assert_eq!(unsafe { libc::connect(self.0.as_raw_fd(), &nobody, size) }, 0);
    }

    /// After so many milliseconds it does this.
    fn later(&self, after: u64, does: impl FnOnce(&Peer) + 'static) -> Step {
        let peer = self.clone();
        Does(ms(after), Box::new(move || does(&peer)))
    }

    /// It reads what has come of a request. When that is all, it answers.
    fn reads_on(&self, request: &mut Vec<u8>) {
        let before = request.len();
        self.0.set_nonblocking(true).unwrap();
        let _would_block = (&*self.0).read_to_end(request);
        if request.len() == before {
            // The kernel may keep the next piece back for a while, by a clock of its own.
            std::thread::sleep(ms(1));
        } else if request.ends_with(b"\r\n\r\n") {
            self.sends(WHOLE);
        }
    }
}

/// A client that has sent its requests, and its peers, who have read them.
fn asked<const N: usize>() -> (Client, [Peer; N]) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let paths = [const { String::new() }; N].map(|_| "/".to_owned());
    let client = Client::send(listener.local_addr().unwrap(), &paths).unwrap();
    let peers = paths.map(|_| {
        let (mut peer, _) = listener.accept().unwrap();
        let read = peer.read(&mut [0; 4096]).unwrap();
        assert!(read > 0, "the request has come");
        Peer(Rc::new(peer))
    });
    (client, peers)
}

/// What the client returns, in its order.
fn told(client: Client, patience: Option<u64>) -> String {
    match client.replies(patience.map(Duration::from_millis)) {
        Ok(replies) if replies.is_empty() => "no replies".into(),
        Ok(replies) => replies.iter().map(words).collect::<Vec<_>>().join(", "),
        Err(error) => endless(&error)
            .unwrap_or_else(|| format!("no replies but the error {:?}", error.kind())),
    }
}

/// The same, sorted by stream, where the order in one batch is the kernel's.
fn told_sorted(client: Client) -> String {
    let told = told(client, None);
    let mut streams: Vec<&str> = told.split(", ").collect();
    streams.sort_unstable();
    streams.join(", ")
}

fn words(reply: &Reply) -> String {
    match &reply.body {
        Ok(body) if body.len() > 40 => format!("{}: {} bytes", reply.request, body.len()),
        Ok(body) => format!("{}: `{}`", reply.request, body.escape_ascii()),
        Err(error) => format!("{}: {:?}", reply.request, error.kind()),
    }
}

#[track_caller]
fn must(what: &str, right: &str, told: &str) {
    assert!(told == right, "{what}: expected {right}; got {told}");
}

#[test]
fn replies_are_in_the_order_in_which_they_are_whole() {
    let (client, peers) = asked::<3>();
    play([2, 0, 1].map(|at: usize| peers[at].later(10, |peer| peer.sends(WHOLE))));
    must(
        "2 answers after 10 ms, 0 after 20, 1 after 30",
        "2: `hi`, 0: `hi`, 1: `hi`",
        &told(client, None),
    );
}

#[test]
fn bytes_and_the_close_in_one_event_are_a_reply() {
    let (client, [peer]) = asked();
    peer.answers(b"hi");
    play([]);
    must("a reply without a length and its close are there", "0: `hi`", &told(client, None));
}

#[test]
fn a_reply_longer_than_any_buffer_is_read_whole() {
    let (client, [peer]) = asked();
    peer.answers(&[b'x'; 30_000]);
    play([]);
    must("30000 bytes and the close are there", "0: 30000 bytes", &told(client, None));
}

#[test]
fn a_reply_that_comes_in_pieces_is_one() {
    let (client, [peer]) = asked();
    let (first, rest) = WHOLE.split_at(20);
    play([peer.later(10, |peer| peer.sends(first)), peer.later(10, |peer| peer.sends(rest))]);
    must("a reply in two pieces", "0: `hi`", &told(client, None));
}

#[test]
fn every_event_of_a_batch_is_handled() {
    let (client, peers) = asked::<4>();
    peers.iter().for_each(|peer| peer.sends(WHOLE));
    play([]);
    let told = told_sorted(client);
    must("4 replies are there at once", "0: `hi`, 1: `hi`, 2: `hi`, 3: `hi`", &told);
}

#[test]
fn one_that_has_nothing_yet_costs_the_others_nothing() {
    let (client, peers) = asked::<3>();
    let (first, rest) = WHOLE.split_at(20);
    peers[0].sends(first);
    peers[1..].iter().for_each(|peer| peer.sends(WHOLE));
    // The rest comes when the others have been closed, and not before.
    let others = peers[1..].to_vec();
    let rest = peers[0].later(10, move |peer| {
        let closed = |peer: &&Peer| (&*peer.0).read(&mut [0]).is_ok_and(|read| read == 0);
        others.iter().for_each(|peer| peer.0.set_nonblocking(true).unwrap());
        if others.iter().all(|peer| closed(&peer)) {
            peer.sends(rest);
        }
    });
    play([rest]);
    let told = told_sorted(client);
    let what = "half a reply and 2 whole ones are there; the rest follows when the 2 are closed";
    must(what, "0: `hi`, 1: `hi`, 2: `hi`", &told);
}

#[test]
fn an_error_of_one_stream_is_its_own() {
    let (client, peers) = asked::<3>();
    peers[0].sends(&WHOLE[..20]);
    peers[0].resets();
    peers[1..].iter().for_each(|peer| peer.sends(WHOLE));
    play([]);
    let told = told_sorted(client);
    must(
        "0 is reset in the midst of its reply, 1 and 2 answer",
        "0: ConnectionReset, 1: `hi`, 2: `hi`",
        &told,
    );
}

#[test]
fn an_error_of_the_wait_is_told() {
    let (client, [_peer]) = asked();
    play([Fails(libc::ENOMEM)]);
    must("the wait fails", "no replies but the error OutOfMemory", &told(client, None));
}

#[test]
fn no_requests_are_no_replies() {
    let (client, []) = asked();
    play([]);
    must("nothing was asked", "no replies", &told(client, None));
}

#[test]
fn a_signal_in_the_midst_of_a_read_loses_nothing() {
    let (client, [peer]) = asked();
    peer.sends(WHOLE);
    play([]);
    interrupt_reads(2);
    must("a whole reply; signals interrupt 2 reads", "0: `hi`", &told(client, None));
}

#[test]
fn a_request_that_did_not_fit_is_sent_on() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let path = format!("/{}", "x".repeat(32 << 20));
    let client = Client::send(listener.local_addr().unwrap(), &[path]).unwrap();
    let peer = Peer(Rc::new(listener.accept().unwrap().0));
    let request = Rc::new(RefCell::new(Vec::new()));
    play((0..500).map(|_| {
        let request = Rc::clone(&request);
        peer.later(10, move |peer| peer.reads_on(&mut request.borrow_mut()))
    }));
    must("a request of 32 MiB; the peer reads it and answers", "0: `hi`", &told(client, None));
}

#[test]
fn a_stream_ends_once() {
    let (client, [first, second]) = asked();
    first.answers(b"hi");
    play([first.later(10, Peer::resets), second.later(10, |peer| peer.sends(WHOLE))]);
    let what = "0 answers and half-closes, then resets, then 1 answers";
    must(what, "0: `hi`, 1: `hi`", &told(client, None));
}

#[test]
fn a_reset_after_a_whole_reply_is_nothing_to_it() {
    for more in [&b""[..], b" and more"] {
        let (client, [peer]) = asked();
        peer.sends(WHOLE);
        peer.sends(more);
        peer.resets();
        play([]);
        must("a whole reply, then a reset", "0: `hi`", &told(client, None));
    }
}

#[test]
fn a_reply_has_no_bytes_of_another() {
    let (client, [long, short]) = asked();
    long.answers(b"a long one and the longest");
    short.answers(b"short");
    play([]);
    let right = "0: `a long one and the longest`, 1: `short`";
    must("a long reply and a short one", right, &told_sorted(client));
}

#[test]
fn the_end_without_a_reply_is_an_error_of_the_stream() {
    let (client, [first, second]) = asked();
    first.half_closes();
    second.sends(WHOLE);
    play([]);
    must("0 closes and says nothing, 1 answers", "0: UnexpectedEof, 1: `hi`", &told_sorted(client));
}

#[test]
fn when_patience_is_over_those_without_a_reply_have_timed_out() {
    let (client, [_silent, talks]) = asked();
    play([talks.later(100, |peer| peer.sends(WHOLE))]);
    let told = told(client, Some(250));
    must("1 answers after 100 ms, patience is 250 ms", "1: `hi`, 0: TimedOut", &told);
    assert!(passed() == 250, "patience is 250 ms: expected it to last 250; it lasted {}", passed());
}

#[test]
fn patience_is_for_all_of_it_and_not_for_each_wait() {
    let (client, [peer]) = asked();
    play(WHOLE.iter().map(|byte| peer.later(100, move |peer| peer.sends(&[*byte]))));
    let told = told(client, Some(1_000));
    must("a byte every 100 ms, patience is 1000 ms", "0: TimedOut", &told);
    assert!(
        passed() == 1_000,
        "patience is 1000 ms: expected it to last 1000; it lasted {}",
        passed()
    );
}

#[test]
fn what_comes_with_the_end_of_patience_has_come() {
    let (client, [peer]) = asked();
    play([peer.later(100, |peer| peer.sends(WHOLE))]);
    let told = told(client, Some(100));
    must("a reply after 100 ms, patience is 100 ms", "0: `hi`", &told);
}

#[test]
fn patience_ends_though_there_is_something_to_read_each_time() {
    let (client, [peer]) = asked();
    // After 100 ms there is one more byte whenever the client looks.
    let after = |at: usize| if at < 10 { 10 } else { 0 };
    let steps = WHOLE.iter().enumerate();
    // The client may have closed by then.
    let send = |byte: u8| move |peer: &Peer| drop((&*peer.0).write(&[byte]));
    play(steps.map(|(at, byte)| peer.later(after(at), send(*byte))));
    let told = told(client, Some(100));
    let what = "patience is 100 ms, and from then on a byte comes at each look";
    must(what, "0: TimedOut", &told);
}

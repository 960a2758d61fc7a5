//! What `at_once`, `all_requests_first` and `one_thread_each` owe their callers. Each message says what
//! the server did and what had to come.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use blocking::held::at_once;
use blocking::{all_requests_first, one_thread_each};

/// How long a server waits for what will not come if the client is wrong.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// A stream that may have to wait for another one, and tells when it has ended.
struct Stream {
    /// Who tells that it may begin.
    after: Option<Receiver<()>>,
    bytes: &'static [u8],
    /// How it ends after these.
    end: Option<ErrorKind>,
    ended: Sender<()>,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(after) = self.after.take() {
            let missing = |_| io::Error::other("not sent, as the other one was not taken");
            after.recv_timeout(PATIENCE).map_err(missing)?;
            // Whoever took the other one goes on first.
            thread::sleep(Duration::from_millis(20));
        }
        let n = self.bytes.read(buffer)?;
        if n == 0 {
            let _ = self.ended.send(());
        }
        match self.end {
            Some(error) if n == 0 => Err(error.into()),
            _ => Ok(n),
        }
    }
}

/// Two streams with these bytes: one that ends so, and another that begins when that was taken.
fn one_and_its_follower(
    one: &'static [u8],
    end: Option<ErrorKind>,
    follower: &'static [u8],
) -> (Stream, Stream) {
    let ((ended, told), (unheard, _)) = (mpsc::channel(), mpsc::channel());
    let one = Stream { after: None, bytes: one, end, ended };
    (one, Stream { after: Some(told), bytes: follower, end: None, ended: unheard })
}

/// What two replies came to, in words.
fn both(one: Stream, two: Stream) -> [String; 2] {
    at_once(one, two).map(|reply| match reply {
        Ok(bytes) => String::from_utf8(bytes).expect("the replies are text"),
        Err(error) => error.to_string(),
    })
}

#[test]
fn reply_1_may_wait_until_reply_2_is_taken() {
    let (two, one) = one_and_its_follower(b"two", None, b"one");
    let got = both(one, two);
    assert!(
        got == ["one", "two"],
        "reply 1 is sent when reply 2 was taken: expected [\"one\", \"two\"]; got {got:?}"
    );
}

#[test]
fn reply_2_may_wait_until_reply_1_is_taken() {
    let (one, two) = one_and_its_follower(b"one", None, b"two");
    let got = both(one, two);
    assert!(
        got == ["one", "two"],
        "reply 2 is sent when reply 1 was taken: expected [\"one\", \"two\"]; got {got:?}"
    );
}

#[test]
fn the_error_of_one_stream_leaves_the_other_reply() {
    let reset = ErrorKind::ConnectionReset;
    let error = io::Error::from(reset).to_string();
    let (one, two) = one_and_its_follower(b"", Some(reset), b"two");
    let got = both(one, two);
    assert!(got == [&error, "two"], "stream 1 broke: expected its error and \"two\"; got {got:?}");
    let (two, one) = one_and_its_follower(b"tw", Some(reset), b"one");
    let got = both(one, two);
    assert!(got == ["one", &error], "stream 2 broke: expected \"one\" and its error; got {got:?}");
}

#[test]
fn a_reply_may_be_empty() {
    let (one, two) = one_and_its_follower(b"", None, b"two");
    let got = both(one, two);
    assert!(got == ["", "two"], "reply 1 is empty: expected [\"\", \"two\"]; got {got:?}");
}

/// The connection of a request, and the last character of its path.
struct Asked {
    path: char,
    stream: TcpStream,
}

impl Asked {
    fn answer(&self) {
        let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{}", self.path);
        let _ = (&self.stream).write_all(reply.as_bytes());
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Waits until the client has closed its end, or for as long as the patience lasts.
    fn wait_until_taken(&self) -> bool {
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        match (&self.stream).read(&mut [0; 1]) {
            Ok(n) => n == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }
}

/// A server that gets so many requests, sorted by their paths, or as many as come while it has patience.
fn serve(requests: usize, script: impl FnOnce(Vec<Asked>) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let (mut asked, start) = (Vec::new(), Instant::now());
        while asked.len() < requests && start.elapsed() < PATIENCE {
            match listener.accept() {
                Ok((stream, _)) => asked.push(read(stream)),
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        }
        asked.sort_by_key(|asked: &Asked| asked.path);
        // Who comes later is refused, and so is who has asked while others are missing.
        drop(listener);
        if asked.len() == requests {
            script(asked);
        }
    });
    addr
}

fn read(stream: TcpStream) -> Asked {
    stream.set_nonblocking(false).unwrap();
    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
    let line = lines.next().expect("a request has a line");
    let path = line.split(' ').nth(1).expect("the line has a path");
    let path = path.chars().last().expect("the path has an end");
    assert!(lines.any(|line| line.is_empty()), "the request has an end");
    Asked { path, stream }
}

type Client = fn(SocketAddr, &[String]) -> io::Result<Vec<blocking::Reply>>;

/// The bodies of the replies in the order in which they are returned, or that there was an error.
fn replies(client: Client, server: SocketAddr, paths: &str) -> String {
    let paths: Vec<String> = paths.chars().map(|path| format!("/0/{path}")).collect();
    match client(server, &paths) {
        Ok(replies) => replies.iter().map(|reply| &*reply.body).collect(),
        Err(_) => "an error".into(),
    }
}

/// Answers in this order of the paths, and each when the one before it was taken.
fn in_order(order: &'static str) -> impl FnOnce(Vec<Asked>) {
    move |asked| {
        for path in order.chars() {
            let one = asked.iter().find(|asked| asked.path == path).expect("it was asked for");
            one.answer();
            if !one.wait_until_taken() {
                return;
            }
        }
    }
}

#[test]
fn all_requests_are_there_before_the_first_reply() {
    let got =
        replies(all_requests_first, serve(3, |all| all.iter().for_each(Asked::answer)), "123");
    assert!(got == "123", "a server answers when it has 3 requests: expected 123; got {got}");
}

#[test]
fn all_of_many_requests_are_there_before_the_first_reply() {
    let server = serve(10, |all| all.iter().for_each(Asked::answer));
    let got = replies(all_requests_first, server, "0123456789");
    assert!(
        got == "0123456789",
        "a server answers when it has 10 requests: expected 0123456789; got {got}"
    );
}

#[test]
fn replies_are_taken_in_the_order_of_the_paths() {
    let server = serve(3, |all| all.iter().for_each(Asked::answer));
    let paths = ["/0/3", "/0/1", "/0/2"].map(String::from);
    let Ok(mut taken) = all_requests_first(server, &paths) else {
        panic!("asked for 3, 1 and 2: expected the replies 312; got an error");
    };
    taken.sort_by_key(|reply| reply.at);
    let got: String = taken.iter().map(|reply| &*reply.body).collect();
    assert!(got == "312", "asked for 3, 1 and 2: expected to take them in that order; got {got}");
}

#[test]
fn replies_come_home_in_the_order_of_the_paths() {
    let server = serve(3, |all| all.iter().for_each(Asked::answer));
    let got = replies(all_requests_first, server, "312");
    assert!(got == "312", "asked for 3, 1 and 2: expected the replies 312; got {got}");
}

#[test]
fn a_connection_that_ends_without_a_reply_is_an_error() {
    let but_one = |all: Vec<Asked>| [0, 2].into_iter().for_each(|at| all[at].answer());
    let got = replies(all_requests_first, serve(3, but_one), "123");
    assert!(got == "an error", "request 2 of 3 got no reply: expected an error; got {got}");
}

#[test]
fn threads_take_replies_in_the_order_in_which_they_come() {
    for order in ["321", "231"] {
        let got = replies(one_thread_each, serve(3, in_order(order)), "123");
        assert!(
            got == order,
            "each reply is sent when the one before it was taken: expected {order}; got {got}"
        );
    }
}

#[test]
fn each_reply_is_taken_by_a_thread_of_its_own() {
    let server = serve(3, |all| all.iter().for_each(Asked::answer));
    let paths = ["/0/1", "/0/2", "/0/3"].map(String::from);
    let taken = one_thread_each(server, &paths);
    let mut threads: Vec<_> = taken.iter().flatten().map(|reply| reply.thread).collect();
    threads.push(thread::current().id());
    threads.sort_by_key(|id| format!("{id:?}"));
    threads.dedup();
    assert!(
        threads.len() == 4,
        "3 requests: expected 3 threads and the caller's; got {} in all",
        threads.len()
    );
}

#[test]
fn a_thread_that_gets_no_reply_is_an_error() {
    let but_one = |all: Vec<Asked>| [0, 2].into_iter().for_each(|at| all[at].answer());
    let got = replies(one_thread_each, serve(3, but_one), "123");
    assert!(got == "an error", "request 2 of 3 got no reply: expected an error; got {got}");
}

#[test]
fn who_can_ask_nobody_gets_an_error() {
    // A port that was free a moment ago, and on which nobody listens.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = free.local_addr().unwrap();
    drop(free);
    for client in [all_requests_first as Client, one_thread_each] {
        let got = replies(client, server, "123");
        assert!(got == "an error", "3 connections are refused: expected an error; got {got}");
    }
}

#[test]
fn no_requests_are_no_replies() {
    let server = SocketAddr::from(([127, 0, 0, 1], 9));
    for client in [all_requests_first as Client, one_thread_each] {
        let got = replies(client, server, "");
        assert!(got.is_empty(), "asked for nothing: expected no reply; got {got}");
    }
}

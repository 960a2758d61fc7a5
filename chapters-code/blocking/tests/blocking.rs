//! What the note *A read parks a thread* claims of five requests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use blocking::experiment::{Run, WAYS, Way, paths};
use blocking::parked::{kernel_tells, watch};
use blocking::{all_requests_first, ask};
use delayserver::Delayserver;
use lab::doomed;
use lab::peer::{Mode, Peer};

fn way(name: &str) -> &'static Way {
    WAYS.iter().find(|way| way.name == name).unwrap()
}

/// The bodies in the order in which they were taken.
fn order(way: &Way, server: SocketAddr) -> String {
    way.measure(server, &paths()).unwrap().order
}

/// Tries each of these ways, on a thread of its own: most of them wait.
fn at_once(ways: &[Way], tried: impl Fn(&Way) + Sync) {
    thread::scope(|scope| {
        for way in ways {
            scope.spawn(|| tried(way));
        }
    });
}

/// The connection of a request.
struct Asked {
    body: char,
    stream: TcpStream,
}

impl Asked {
    fn read(stream: TcpStream) -> Asked {
        let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
        let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
        assert!(lines.any(|line| line.is_empty()), "the request has an end");
        Asked { body: path.chars().last().unwrap(), stream }
    }

    /// Answers, and ends what it has to say.
    fn answer(&self) {
        let body = self.body;
        write!(&self.stream, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{body}").unwrap();
        self.stream.shutdown(std::net::Shutdown::Write).unwrap();
    }

    /// Waits until the client has closed its end, which it does when it has taken the reply.
    fn wait_until_taken(&self) {
        assert_eq!((&self.stream).read(&mut [0; 1]).unwrap_or(0), 0);
    }
}

/// A server that a test plays itself: it reads all five requests, and `script` gets them, 1 to 5.
fn play(script: impl FnOnce([Asked; 5]) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut asked = [(); 5].map(|()| Asked::read(listener.accept().unwrap().0));
        asked.sort_by_key(|asked| asked.body);
        script(asked);
    });
    addr
}

/// All 120 orders of five.
fn orders() -> Vec<Vec<usize>> {
    fn extend(prefix: Vec<usize>) -> Vec<Vec<usize>> {
        let missing: Vec<usize> = (0..5).filter(|n| !prefix.contains(n)).collect();
        match missing.is_empty() {
            true => vec![prefix],
            false => missing.iter().flat_map(|&n| extend([&prefix[..], &[n]].concat())).collect(),
        }
    }
    extend(Vec::new())
}

#[test]
fn a_blocking_thread_takes_replies_in_the_order_in_which_it_asks() {
    for arrival in orders() {
        let server = play(move |asked| arrival.iter().for_each(|&at| asked[at].answer()));
        assert_eq!(order(way("all requests first"), server), "12345");
    }
    let peer = Peer::start(Mode::DataAndClose, 5).unwrap();
    assert_eq!(order(way("one after the other"), peer.addr()), "12345");
}

#[test]
fn four_ways_take_replies_in_the_order_in_which_they_arrive() {
    at_once(&WAYS[2..], |way| {
        // With timeouts each reply takes some of them, and all 120 orders would take long.
        let every = if way.name.starts_with("timeouts") { 17 } else { 1 };
        for arrival in orders().into_iter().step_by(every) {
            let expected: String =
                arrival.iter().map(|&at| ["1", "2", "3", "4", "5"][at]).collect();
            let server = play(move |asked| {
                for at in arrival {
                    asked[at].answer();
                    asked[at].wait_until_taken();
                }
            });
            assert_eq!(order(way, server), expected, "{}", way.name);
        }
    });
}

/// A server that answers the first request when the other replies have been taken.
fn the_first_comes_last() -> SocketAddr {
    play(|asked| {
        asked[1..].iter().for_each(Asked::answer);
        asked[1..].iter().for_each(Asked::wait_until_taken);
        asked[0].answer();
        asked[0].wait_until_taken();
    })
}

#[test]
fn a_blocking_thread_never_gets_a_first_reply_that_waits_for_the_others() {
    let test = "a_blocking_thread_never_gets_a_first_reply_that_waits_for_the_others";
    let ended = doomed::child(test, || _ = all_requests_first(the_first_comes_last(), &paths()));
    assert!(ended.how.hung_in("recvfrom"), "{ended}");
    for way in &WAYS[2..] {
        assert!(order(way, the_first_comes_last()).ends_with('1'), "{}", way.name);
    }
}

#[test]
fn one_after_the_other_takes_at_least_twice_as_long_as_each_of_the_five_other_ways() {
    let server = Delayserver::start().unwrap();
    let one_by_one = way("one after the other").measure(server.addr(), &paths()).unwrap();
    at_once(&WAYS[1..], |way| {
        // One of three runs is enough: the one in which other programs took the least of the time.
        let mut runs: Vec<Run> = Vec::new();
        while runs.iter().all(|run| one_by_one.wall < 2 * run.wall) {
            assert!(runs.len() < 3, "{one_by_one:?}, {}: {runs:?}", way.name);
            runs.push(way.measure(server.addr(), &paths()).unwrap());
        }
    });
}

#[test]
fn one_thread_each_is_a_thread_for_each_request_and_one_that_waits_for_them() {
    let threads = WAYS.map(|way| {
        let peer = Peer::start(Mode::DataAndClose, 5).unwrap();
        way.measure(peer.addr(), &paths()).unwrap().threads
    });
    assert_eq!(threads, [1, 1, 6, 1, 1, 1]);
}

#[test]
fn busy_polling_uses_at_least_ten_times_the_processor_time_of_who_sleeps() {
    let server = Delayserver::start().unwrap();
    let busy = way("busy polling").measure(server.addr(), &paths()).unwrap();
    for name in ["epoll", "timeouts of 10 ms"] {
        let run = way(name).measure(server.addr(), &paths()).unwrap();
        assert!(busy.cpu >= 10 * run.cpu, "{busy:?}, {name}: {run:?}");
    }
}

#[test]
fn a_thread_that_waits_in_a_read_sleeps() {
    if !kernel_tells() {
        println!("\nskipped: this kernel does not tell in which system call a thread sleeps");
        return;
    }
    let server = Delayserver::start().unwrap();
    let wait = watch(ask(server.addr(), "/500/1").unwrap()).unwrap();
    assert_eq!(wait.seen.state, "S (sleeping)");
    assert!(wait.cpu * 20 < wait.time, "{wait:?}");
    assert!(wait.switches >= 1, "{wait:?}");
}

#[test]
fn a_read_with_a_timeout_returns_without_a_reply() {
    let server = play(|asked| asked[0].wait_until_taken());
    let streams = paths().iter().map(|path| ask(server, path).unwrap()).collect::<Vec<_>>();
    streams[0].set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    let error = (&streams[0]).read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
}

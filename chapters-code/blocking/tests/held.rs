//! A reply that is sent when another has been taken, and clients that read in turn and at once.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use blocking::held::{GUESSES, at_once, in_turn, second_first};
use blocking::parked::kernel_tells;
use lab::doomed::{self, Ended};

/// More than a socket on this machine has room for, at both ends together.
const MUCH: usize = 64 << 20;

fn unix() -> (UnixStream, UnixStream) {
    UnixStream::pair().unwrap()
}

fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

/// Starts the server, and has the client take both replies; true if both are whole.
fn taken<R: Read + Send, W: Write + Send + 'static>(
    pair: fn() -> (R, W),
    size: usize,
    client: fn(R, R) -> [io::Result<Vec<u8>>; 2],
) -> bool {
    let ((one, peer_one), (two, peer_two)) = (pair(), pair());
    let server = thread::spawn(move || second_first(peer_one, peer_two, size));
    let [first, second] = client(one, two).map(Result::unwrap);
    server.join().unwrap().unwrap();
    first == b"reply 1" && second.len() == size && second.iter().all(|&byte| byte == b'2')
}

fn hung(ended: &Ended, calls: [&str; 2]) {
    for call in calls {
        assert!(ended.how.hung_in(call), "{call}: {ended}");
    }
}

#[test]
fn a_client_that_reads_in_turn_hangs_on_a_large_second_reply_unix_streams() {
    assert!(taken(unix, 1000, in_turn) && taken(unix, 1000, at_once) && taken(unix, MUCH, at_once));
    let test = "a_client_that_reads_in_turn_hangs_on_a_large_second_reply_unix_streams";
    let ended = doomed::child(test, || assert!(taken(unix, MUCH, in_turn)));
    hung(&ended, ["recvfrom", "sendto"]);
}

#[test]
fn a_client_that_reads_in_turn_hangs_on_a_large_second_reply_tcp() {
    assert!(taken(tcp, 1000, in_turn) && taken(tcp, 1000, at_once) && taken(tcp, MUCH, at_once));
    let test = "a_client_that_reads_in_turn_hangs_on_a_large_second_reply_tcp";
    let ended = doomed::child(test, || assert!(taken(tcp, MUCH, in_turn)));
    hung(&ended, ["recvfrom", "sendto"]);
}

#[test]
fn a_client_that_reads_in_turn_hangs_on_a_large_second_reply_pipes() {
    let pipe = || io::pipe().unwrap();
    assert!(taken(pipe, 1000, in_turn) && taken(pipe, 1000, at_once) && taken(pipe, MUCH, at_once));
    let test = "a_client_that_reads_in_turn_hangs_on_a_large_second_reply_pipes";
    let ended = doomed::child(test, || assert!(taken(pipe, MUCH, in_turn)));
    hung(&ended, ["read", "write"]);
}

#[test]
fn what_the_four_guesses_say() {
    // In units of 100 ms, which a run may exceed and can't fall below.
    let expected = [[(0, 5), (1, 5)], [(2, 5), (2, 5)], [(2, 5), (0, 5)], [(0, 0), (1, 5)]];
    for (guess, expected) in GUESSES.iter().zip(expected) {
        let runs: Vec<_> = (0..5).map(|_| guess.taken().unwrap()).collect();
        for (at, (units, bytes)) in expected.into_iter().enumerate() {
            let first = runs.iter().map(|run| run[at].0).min().unwrap();
            let [least, most] = [units, units + 1].map(|n| n * Duration::from_millis(100));
            assert!((least..most).contains(&first), "{guess:?}, reply {}: {first:?}", at + 1);
            assert!(runs.iter().all(|run| run[at].1 == bytes), "{guess:?}: {runs:?}");
        }
    }
}

/// A child that says something on stdout, and then much on stderr.
fn talkative() -> Command {
    let mut child = Command::new("sh");
    child.args([
        "-c",
        "echo begun; exec 3>&1; exec dd if=/dev/zero bs=1000000 count=1 status=none of=/dev/stderr",
    ]);
    child
}

#[test]
fn a_child_sleeps_until_its_stderr_is_read_and_its_stdout_does_not_end() {
    let output = talkative().output().unwrap();
    assert_eq!((&*output.stdout, output.stderr.len()), (&b"begun\n"[..], 1_000_000));
    if !kernel_tells() {
        println!("\nskipped: this kernel does not tell in which system call a thread sleeps");
        return;
    }
    let mut child = talkative().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let reader = thread::spawn(move || stdout.read_to_end(&mut Vec::new()).unwrap());
    // By the time that it sleeps in this call, it has said all that it says on stdout.
    let call = format!("{} ", libc::SYS_write);
    let sleeps = || {
        let file = |name| fs::read_to_string(format!("/proc/{}/{name}", child.id())).unwrap();
        file("syscall").starts_with(&call) && file("status").contains("State:\tS")
    };
    while !sleeps() {
        assert!(!reader.is_finished(), "stdout has ended, and stderr was not read");
        thread::sleep(Duration::from_millis(1));
    }
    assert!(!reader.is_finished());
    assert_eq!(stderr.read_to_end(&mut Vec::new()).unwrap(), 1_000_000);
    assert_eq!(reader.join().unwrap(), 6);
    assert!(child.wait().unwrap().success());
}

/// Two replies of a tokio task, awaited in turn or joined.
fn awaited(join: bool) {
    let ((one, peer_one), (two, peer_two)) = (unix(), unix());
    thread::spawn(move || second_first(peer_one, peer_two, MUCH));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        use tokio::io::AsyncReadExt;
        let [mut one, mut two] = [one, two].map(|stream| {
            stream.set_nonblocking(true).unwrap();
            tokio::net::UnixStream::from_std(stream).unwrap()
        });
        let [mut first, mut second] = [Vec::new(), Vec::new()];
        match join {
            true => _ = tokio::join!(one.read_to_end(&mut first), two.read_to_end(&mut second)),
            false => {
                one.read_to_end(&mut first).await.unwrap();
                two.read_to_end(&mut second).await.unwrap();
            }
        }
        assert_eq!((first.len(), second.len()), (7, MUCH));
    });
}

#[test]
fn two_replies_awaited_in_turn_hang_and_joined_they_do_not() {
    awaited(true);
    let test = "two_replies_awaited_in_turn_hang_and_joined_they_do_not";
    let ended = doomed::child(test, || awaited(false));
    hung(&ended, ["epoll_wait", "sendto"]);
}

#[test]
fn with_timeouts_reads_in_turn_end_where_reply_1_waits_for_reply_2() {
    let ((mut one, peer_one), (mut two, mut peer_two)) = (tcp(), tcp());
    let server = thread::spawn(move || {
        peer_two.write_all(b"2").unwrap();
        peer_two.shutdown(std::net::Shutdown::Write).unwrap();
        // Until the client has taken it, and closed.
        assert_eq!(peer_two.read(&mut [0]).unwrap(), 0);
        (&peer_one).write_all(b"1").unwrap();
    });
    let (mut open, mut order) = ([Some(&mut one), Some(&mut two)], String::new());
    for stream in open.iter_mut().flatten() {
        stream.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    }
    while open.iter().any(Option::is_some) {
        for place in &mut open {
            let mut byte = [0];
            match place.as_mut().map(|stream| stream.read(&mut byte)) {
                Some(Ok(0)) => {
                    let ended = place.take().unwrap();
                    ended.shutdown(std::net::Shutdown::Both).ok();
                }
                Some(Ok(_)) => order.push(byte[0] as char),
                Some(Err(error)) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
                None => {}
            }
        }
    }
    assert_eq!(order, "21");
    server.join().unwrap();
}

#[test]
fn with_a_timeout_a_reply_that_is_there_waits_for_the_reads_before_it() {
    let streams = [unix(), unix(), unix()];
    let patience = Duration::from_millis(20);
    for (stream, _) in &streams {
        stream.set_read_timeout(Some(patience)).unwrap();
    }
    let [(one, _peer_one), (two, _peer_two), (three, mut peer_three)] = streams;
    peer_three.write_all(b"3").unwrap();
    let start = Instant::now();
    for mut silent in [&one, &two] {
        assert_eq!(silent.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    }
    assert_eq!((&three).read(&mut [0]).unwrap(), 1);
    // A tenth less: the clocks may disagree by that.
    assert!(start.elapsed() >= 2 * patience * 9 / 10, "{:?}", start.elapsed());
}

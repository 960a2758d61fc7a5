//! What a client must be right against, one test for each peer.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Runs the client against one peer. What the gauntlet says of it is the message.
#[track_caller]
pub fn is_right(client: &Path, mode: &str) {
    // The patience is for the two peers that never reply: a longer one finds nothing more.
    let args = ["--deadline", "10", "--patience", "500", "--mode", mode, "--"];
    let gauntlet = Command::new(env!("CARGO_BIN_EXE_peers")).args(args).arg(client).output();
    let gauntlet = gauntlet.unwrap();
    let said = String::from_utf8_lossy(&gauntlet.stdout).into_owned();
    let verdict = said.strip_prefix(mode).unwrap_or(&said).trim_start();
    let in_short = verdict.split([':', ';']).next().unwrap_or(verdict);
    let more = String::from_utf8_lossy(&gauntlet.stderr);
    assert!(gauntlet.status.success(), "against {mode}: {in_short}\n{verdict}{more}");
}

/// A peer that is none of the gauntlet's gets the connections of a client, whose requests it has read. How
/// the client ended, and whether that was before its patience was over.
pub fn met(client: &Path, peer: impl FnOnce(Vec<TcpStream>) + Send + 'static) -> (String, bool) {
    met_as_process(client, Duration::from_secs(5), |_, peers| peer(peers))
}

/// The same with a patience of its own, and for a peer that looks at the client's process too.
fn met_as_process(
    client: &Path,
    patience: Duration,
    peer: impl FnOnce(u32, Vec<TcpStream>) + Send + 'static,
) -> (String, bool) {
    const LONGEST: Duration = Duration::from_secs(10);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let in_ms = patience.as_millis().to_string();
    let set = [("PEER", &*address), ("STREAMS", "5"), ("PATIENCE_MS", &*in_ms)];
    let started = Instant::now();
    let mut client = Command::new(client)
        .envs(set)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let process = client.id();
    thread::spawn(move || {
        let accept = |_| {
            let (mut peer, _) = listener.accept().unwrap();
            // A client that has ended sends nothing, and is told of by its own words.
            let _ = peer.read(&mut [0; 4096]);
            peer
        };
        peer(process, (0..5).map(accept).collect());
    });
    while client.try_wait().unwrap().is_none() && started.elapsed() < LONGEST {
        thread::sleep(Duration::from_millis(5));
    }
    let (took, ended) = (started.elapsed(), client.try_wait().unwrap());
    if ended.is_none() {
        client.kill().unwrap();
    }
    let ended = match ended {
        None => "it never ended".to_owned(),
        Some(status) if status.success() => "success".to_owned(),
        Some(status) if status.code() == Some(1) => "failure".to_owned(),
        // A panic too, as in a client that is not written yet.
        Some(status) => status.to_string(),
    };
    let said = client.wait_with_output().unwrap().stderr;
    eprint!("{}", String::from_utf8_lossy(&said));
    (ended, took < patience)
}

#[track_caller]
pub fn must(what: &str, right: &str, told: &str) {
    assert!(told == right, "{what}: expected {right}; got {told}");
}

/// What is said of a client that has to fail because of one reply, without waiting for anything more.
fn failed(met: (String, bool)) -> String {
    match met {
        (ended, false) if ended == "failure" => "failure when the patience was over".to_owned(),
        (ended, _) => ended,
    }
}

const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

/// A reply is cut short of its length by a close.
#[track_caller]
pub fn is_told_of_a_close_that_comes_too_early(client: &Path) {
    let told = failed(met(client, |mut peers| {
        let first = peers.remove(0);
        (&first).write_all(&WHOLE[..WHOLE.len() - 1]).unwrap();
        drop(first);
        thread::sleep(Duration::from_millis(50));
        let _ = peers.iter_mut().try_for_each(|peer| peer.write_all(WHOLE));
        wait_for_the_end(peers);
    }));
    must("4 replies, and a close before the last byte of one", "failure", &told);
}

/// A reply without a length is cut off by a reset.
#[track_caller]
pub fn is_told_of_a_reset_in_the_place_of_the_end(client: &Path) {
    let told = failed(met(client, |mut peers| {
        let first = peers.remove(0);
        (&first).write_all(b"HTTP/1.1 200 OK\r\n\r\nhal").unwrap();
        thread::sleep(Duration::from_millis(50));
        reset(first);
        let _ = peers.iter_mut().try_for_each(|peer| peer.write_all(WHOLE));
        wait_for_the_end(peers);
    }));
    must("4 replies, and a reset in a reply without a length", "failure", &told);
}

/// One reply, and the others when its connection is closed.
#[track_caller]
pub fn closes_what_is_told(client: &Path) {
    let (told, _) = met(client, |mut peers| {
        peers[0].write_all(WHOLE).unwrap();
        peers[0].set_read_timeout(Some(Duration::from_secs(6))).unwrap();
        if peers[0].read(&mut [0]).is_ok_and(|read| read == 0) {
            let _ = peers[1..].iter_mut().try_for_each(|peer| peer.write_all(WHOLE));
        }
        wait_for_the_end(peers);
    });
    must("one reply, and 4 more when its connection is closed", "success", &told);
}

/// Nobody answers for a while.
#[track_caller]
pub fn sleeps_until_somebody_answers(client: &Path) {
    let (send, woke) = mpsc::channel();
    let (told, _) = met_as_process(client, Duration::from_secs(5), move |process, mut peers| {
        // It may have more to do at first.
        thread::sleep(Duration::from_millis(100));
        let before = sleeps(process);
        thread::sleep(Duration::from_millis(500));
        let _ = send.send(sleeps(process).saturating_sub(before));
        let _ = peers.iter_mut().try_for_each(|peer| peer.write_all(WHOLE));
        wait_for_the_end(peers);
    });
    must("5 replies, after a while in which nobody answers", "success", &told);
    let woke = woke.recv().unwrap();
    assert!(woke < 50, "nobody answers for 500 ms: expected one sleep; got {woke}");
}

/// A byte comes again and again, and none is the last.
#[track_caller]
pub fn gives_up_though_bytes_come(client: &Path) {
    let (told, _) = met_as_process(client, Duration::from_millis(500), |_, mut peers| {
        let mut send = |bytes: &[u8]| peers.iter_mut().try_for_each(|peer| peer.write_all(bytes));
        let _ = send(b"HTTP/1.1 200 OK\r\n\r\n");
        while send(b".").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    must("a byte every 20 ms, for ever, and a patience of 500 ms", "failure", &told);
}

/// How often a process has gone to sleep.
fn sleeps(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    count.map_or(0, |count| count.trim().parse().unwrap())
}

/// Keeps the connections until the client has closed them.
fn wait_for_the_end(peers: Vec<TcpStream>) {
    for mut peer in peers {
        let _ = peer.set_read_timeout(Some(Duration::from_secs(12)));
        while peer.read(&mut [0; 64]).is_ok_and(|read| read > 0) {}
    }
}

/// SO_LINGER with no time, socket(7).
fn reset(peer: TcpStream) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let size = size_of_val(&linger) as libc::socklen_t;
    // SAFETY: the option's value is a `linger`, which lives through the call, and `size` its size.
    let set = unsafe {
        let value = (&raw const linger).cast();
        libc::setsockopt(peer.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, value, size)
    };
    assert_eq!(set, 0);
}

/// A test for each peer, for the client at a path.
macro_rules! right_against {
    ($client:expr; $($test:ident $mode:literal,)*) => {
        $(#[test]
        fn $test() {
            if let Some(client) = $client {
                crate::modes::is_right(&client, $mode);
            }
        })*
        #[test]
        fn a_reply_that_is_cut_short_is_a_failure() {
            if let Some(client) = $client {
                crate::modes::is_told_of_a_close_that_comes_too_early(&client);
            }
        }
        #[test]
        fn a_reset_is_no_end_of_a_reply() {
            if let Some(client) = $client {
                crate::modes::is_told_of_a_reset_in_the_place_of_the_end(&client);
            }
        }
        #[test]
        fn the_patience_is_over_though_bytes_come() {
            if let Some(client) = $client {
                crate::modes::gives_up_though_bytes_come(&client);
            }
        }
        #[test]
        fn a_client_sleeps_while_nobody_answers() {
            if let Some(client) = $client {
                crate::modes::sleeps_until_somebody_answers(&client);
            }
        }
        #[test]
        fn a_connection_is_closed_before_the_next_reply_comes() {
            if let Some(client) = $client {
                crate::modes::closes_what_is_told(&client);
            }
        }
    };
    ($client:expr) => {
        crate::modes::right_against! {
            $client;
            polite "polite",
            slow_to_close "slow-to-close",
            byte_at_a_time "byte-at-a-time",
            trickle "trickle",
            data_and_close "data-and-close",
            all_at_once "all-at-once",
            all_at_once_and_close "all-at-once-and-close",
            data_and_reset "data-and-reset",
            half_close_then_reset "half-close-then-reset",
            keeps_alive "keeps-alive",
            huge_body "huge-body",
            never_answers "never-answers",
            silent "silent",
        }
    };
}

pub(crate) use right_against;

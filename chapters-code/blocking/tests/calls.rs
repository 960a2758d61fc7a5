//! System calls, as strace(1) sees them. What is traced is this test binary again, with one test and
//! a variable that tells it to play the client.

use std::env;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Command;

use blocking::experiment::{WAYS, marked, paths, strace_works, system_calls};
use blocking::read::{by_asm, by_libc};
use delayserver::Delayserver;

/// What the traced process is told.
const CLIENT: &str = "BLOCKING_CLIENT";

/// This binary with one test and what it is told there.
fn again(test: &str, told: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(CLIENT, told);
    command
}

fn no_strace() -> bool {
    let none = !strace_works();
    if none {
        println!("\nskipped: there is no strace here, or it may not trace");
    }
    none
}

#[test]
fn busy_polling_makes_at_least_ten_times_the_system_calls_of_epoll() {
    let [.., busy, epoll] = WAYS;
    if let Ok(told) = env::var(CLIENT) {
        let (name, server) = told.split_once('@').unwrap();
        let way = WAYS.iter().find(|way| way.name == name).unwrap();
        marked(|| (way.run)(server.parse().unwrap(), &paths())).unwrap();
        return;
    }
    if no_strace() {
        return;
    }
    let server = Delayserver::start().unwrap();
    let test = "busy_polling_makes_at_least_ten_times_the_system_calls_of_epoll";
    let [busy, epoll] = [busy, epoll]
        .map(|way| system_calls(&again(test, &format!("{}@{}", way.name, server.addr()))).unwrap());
    assert!(busy >= 10 * epoll, "{busy}, {epoll}");
}

#[test]
fn each_call_between_the_marks_is_counted() {
    if env::var_os(CLIENT).is_some() {
        let file = File::open("/dev/zero").unwrap();
        marked(|| (0..100).for_each(|_| assert_eq!(by_libc(&file, &mut [0; 5]).unwrap(), 5)));
        return;
    }
    if no_strace() {
        return;
    }
    let client = again("each_call_between_the_marks_is_counted", "");
    let calls = system_calls(&client).unwrap();
    // The thread that runs the tests may go to sleep in between.
    assert!((100..110).contains(&calls), "{calls}");
}

/// Reads four bytes by hand, through libc and through std; what each returned, and what it read.
fn three_reads(mut file: &File) -> [(io::Result<usize>, [u8; 4]); 3] {
    let mut four = [[0; 4]; 3];
    let [by_hand, libc, std] = &mut four;
    let results = [by_asm(file, by_hand), by_libc(file, libc), file.read(std)];
    let mut four = four.into_iter();
    results.map(|result| (result, four.next().expect("three of them")))
}

/// The end of a pipe for reading, with these bytes in it, and that for writing.
fn pipe(bytes: &[u8]) -> (File, File) {
    let (reader, writer) = io::pipe().unwrap();
    let mut writer = File::from(OwnedFd::from(writer));
    writer.write_all(bytes).unwrap();
    (File::from(OwnedFd::from(reader)), writer)
}

#[test]
fn by_hand_through_libc_and_through_std_it_is_the_same_system_call() {
    if env::var_os(CLIENT).is_some() {
        let (reader, _writer) = pipe(b"wordwordword");
        for (result, bytes) in three_reads(&reader) {
            assert_eq!((result.unwrap(), &bytes), (4, b"word"));
        }
        return;
    }
    if no_strace() {
        return;
    }
    let test = "by_hand_through_libc_and_through_std_it_is_the_same_system_call";
    let calls = calls_with("\"word\"", test);
    let [by_hand, libc, std] = &calls[..] else { panic!("three reads are in {calls:#?}") };
    assert!(by_hand.starts_with("read(") && by_hand.ends_with(" = 4"), "{by_hand}");
    assert_eq!([by_hand, libc], [libc, std]);
}

#[test]
fn one_read_of_a_socket_through_std_is_one_recvfrom() {
    if env::var_os(CLIENT).is_some() {
        let (mut unix, mut peer) = UnixStream::pair().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut tcp_peer, _) = listener.accept().unwrap();
        peer.write_all(b"wordword").unwrap();
        tcp_peer.write_all(b"wordword").unwrap();
        assert_eq!(unix.read(&mut [0; 4]).unwrap() + tcp.read(&mut [0; 4]).unwrap(), 8);
        return;
    }
    if no_strace() {
        return;
    }
    let calls = calls_with("\"word\"", "one_read_of_a_socket_through_std_is_one_recvfrom");
    assert_eq!(calls.len(), 2, "{calls:#?}");
    assert!(calls.iter().all(|call| call.starts_with("recvfrom(")), "{calls:#?}");
}

/// The calls of the test's client in whose line these words are.
fn calls_with(words: &str, test: &str) -> Vec<String> {
    let client = again(test, "");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", "signal=none"]).arg(client.get_program());
    let traced = strace.args(client.get_args()).env(CLIENT, "").output().unwrap();
    let traced = String::from_utf8_lossy(&traced.stderr).into_owned();
    let call = |line: &str| line.split_once("] ").map_or(line, |(_, call)| call).to_owned();
    traced.lines().filter(|line| line.contains(words)).map(call).collect()
}

#[test]
fn all_three_reads_get_what_is_there_and_no_more() {
    let (reader, writer) = pipe(b"onetwosix!");
    let [one, two, rest] = three_reads(&reader);
    assert_eq!((one.0.unwrap(), one.1), (4, *b"onet"));
    assert_eq!((two.0.unwrap(), two.1), (4, *b"wosi"));
    assert_eq!((rest.0.unwrap(), rest.1), (2, *b"x!\0\0"));
    drop(writer);
    for (result, _) in three_reads(&reader) {
        assert_eq!(result.unwrap(), 0, "the end, each time");
    }
}

#[test]
fn all_three_reads_tell_the_same_error() {
    let (_reader, writer) = pipe(b"");
    for (refused, _) in three_reads(&writer) {
        let error = refused.expect_err("a descriptor that is only for writing has no bytes");
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    }
    let (reader, _writer) = pipe(b"");
    // SAFETY: fcntl takes integers here, and the descriptor is open.
    let set = unsafe { libc::fcntl(reader.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
    assert_eq!(set, 0, "{}", io::Error::last_os_error());
    for (refused, _) in three_reads(&reader) {
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}

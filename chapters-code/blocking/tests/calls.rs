//! System calls, as strace(1) sees them. What is traced is this test binary again, with one test and
//! a variable that tells it to play the client.

use std::env;
use std::fs::File;
use std::io::{self, Read, Write};
use std::process::Command;

use blocking::experiment::{WAYS, marked, paths, strace_works, system_calls};
use blocking::write::{by_asm, by_libc};
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
    let [.., busy, level, edge] = WAYS;
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
    let [busy, level, edge] = [busy, level, edge]
        .map(|way| system_calls(&again(test, &format!("{}@{}", way.name, server.addr()))).unwrap());
    assert!(busy >= 10 * level && busy >= 10 * edge, "{busy}, {level}, {edge}");
}

#[test]
fn each_call_between_the_marks_is_counted() {
    if env::var_os(CLIENT).is_some() {
        let file = File::options().write(true).open("/dev/null").unwrap();
        marked(|| (0..100).for_each(|_| assert_eq!(by_libc(&file, b"hello").unwrap(), 5)));
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

/// Writes the bytes by hand, through libc and through std; what each returned.
fn three_writes(mut file: &File, bytes: &[u8]) -> [io::Result<usize>; 3] {
    [by_asm(file, bytes), by_libc(file, bytes), file.write(bytes)]
}

#[test]
fn by_hand_through_libc_and_through_std_it_is_the_same_system_call() {
    if env::var_os(CLIENT).is_some() {
        let file = File::options().write(true).open("/dev/null").unwrap();
        for written in three_writes(&file, b"three ways") {
            assert_eq!(written.unwrap(), 10);
        }
        return;
    }
    if no_strace() {
        return;
    }
    let test = "by_hand_through_libc_and_through_std_it_is_the_same_system_call";
    let client = again(test, "");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", "trace=write"]).arg(client.get_program());
    let traced = strace.args(client.get_args()).env(CLIENT, "").output().unwrap();
    let traced = String::from_utf8(traced.stderr).unwrap();
    let calls: Vec<&str> = traced
        .lines()
        .filter(|line| line.contains("three ways"))
        .map(|line| line.split_once("] ").map_or(line, |(_, call)| call))
        .collect();
    let [by_hand, libc, std] = calls[..] else { panic!("three writes are in\n{traced}") };
    assert!(by_hand.ends_with(" = 10"), "{by_hand}");
    assert_eq!([by_hand, libc], [libc, std]);
}

#[test]
fn all_three_writes_put_the_same_bytes_into_a_pipe() {
    let (mut reader, writer) = io::pipe().unwrap();
    let writer = File::from(std::os::fd::OwnedFd::from(writer));
    for written in three_writes(&writer, b"hello") {
        assert_eq!(written.unwrap(), 5);
        let mut bytes = [0; 5];
        reader.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"hello");
    }
}

#[test]
fn all_three_writes_tell_the_same_error() {
    let read_only = File::open("/dev/null").unwrap();
    for refused in three_writes(&read_only, b"hello") {
        let error = refused.expect_err("a descriptor that is only for reading takes no bytes");
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    }
}

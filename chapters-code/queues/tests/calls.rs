//! The system calls of the five-stream program, as strace(1) sees them. What is traced is this test
//! binary again, with one test and a variable that tells it to play the client.
#![cfg(target_os = "linux")]

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use blocking::experiment::strace_works;
use queues::{QUEUES, STREAMS, ask};

/// What the traced process is told: the name of a queue and the address of the server.
const CLIENT: &str = "QUEUES_CLIENT";

/// One write and the close, on each connection: two reads for whoever reads it.
fn reply_to_all(listener: &TcpListener) {
    let accept = |_| {
        let (stream, _) = listener.accept().unwrap();
        let mut request = BufReader::new(&stream).lines().map_while(Result::ok);
        assert!(request.any(|line| line.is_empty()), "the request has an end");
        stream
    };
    let streams: Vec<TcpStream> = (0..STREAMS).map(accept).collect();
    for mut stream in &streams {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhi").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }
}

fn client(queue: &str, server: SocketAddr) {
    let queue = QUEUES.iter().find(|known| known.name == queue).unwrap();
    let sockets = (0..STREAMS).map(|_| ask(server, "/").unwrap()).collect();
    let replies = (queue.replies)(sockets).unwrap();
    assert!(replies.iter().all(|reply| reply.body.as_ref().is_ok_and(|body| body == "hi")));
}

/// Runs `test` again as the client on this queue, and counts its calls of these names.
fn calls(test: &str, queue: &str, names: &str) -> usize {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let told = format!("{queue}@{}", listener.local_addr().unwrap());
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", "signal=none", "-e", &format!("trace={names}")]);
    strace.arg(env::current_exe().unwrap()).args([test, "--exact", "--test-threads=1"]);
    let server = thread::spawn(move || reply_to_all(&listener));
    let traced = strace.env(CLIENT, told).output().unwrap();
    let trace = String::from_utf8(traced.stderr).unwrap();
    assert!(traced.status.success(), "{trace}");
    server.join().unwrap();
    // A call during which another thread is heard of takes two lines.
    trace.lines().filter(|line| line.contains('(') && !line.contains(" resumed>")).count()
}

#[test]
fn a_read_costs_epoll_two_calls_and_a_ring_at_most_one() {
    if let Ok(told) = env::var(CLIENT) {
        let (queue, server) = told.split_once('@').unwrap();
        return client(queue, server.parse().unwrap());
    }
    if !strace_works() {
        return println!("\nskipped: there is no strace here, or it may not trace");
    }
    if io_uring::IoUring::new(1).is_err() {
        return println!("\nskipped: the kernel gives no ring");
    }
    let (reads, waits) = (2 * STREAMS, "?epoll_wait,?epoll_pwait");
    let calls = |queue, names: &str| {
        calls("a_read_costs_epoll_two_calls_and_a_ring_at_most_one", queue, names)
    };
    assert_eq!(calls("epoll", waits), reads);
    assert_eq!(calls("epoll", "recvfrom"), reads);
    assert!((1..=reads).contains(&calls("io_uring", "io_uring_enter")));
    assert_eq!(calls("io_uring", &format!("recvfrom,{waits}")), 0);
}

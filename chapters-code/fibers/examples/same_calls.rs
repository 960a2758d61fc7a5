//! Five requests by fibers and by the state machine, each traced by strace(1): which system calls
//! they make, and how many of each.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::thread;
use std::time::Duration;

use fibers::{TcpStream, machine, run, spawn};
use lab::measure::marked;

const REQUESTS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    if let [client, server] = &env::args().skip(1).collect::<Vec<_>>()[..] {
        let server = server.parse()?;
        return Ok(match client.as_str() {
            "fibers" => marked(|| by_fibers(server)),
            _ => marked(|| by_machine(server)),
        }?);
    }
    let [machine, fibers] = [traced("machine")?, traced("fibers")?];
    println!("system call      state machine   fibers");
    let names: BTreeMap<&String, ()> =
        machine.keys().chain(fibers.keys()).map(|n| (n, ())).collect();
    for name in names.keys() {
        let count = |of: &BTreeMap<String, usize>| of.get(*name).copied().unwrap_or(0);
        println!("{name:<15}  {:>13}   {:>6}", count(&machine), count(&fibers));
    }
    Ok(())
}

// ANCHOR: fibers
fn by_fibers(server: SocketAddr) -> io::Result<()> {
    run(move || {
        let ask = |n| {
            spawn(move || -> io::Result<Vec<u8>> {
                let mut stream = TcpStream::connect(server)?;
                stream.write_all(&request(n))?;
                let (mut reply, mut buffer) = (Vec::new(), [0; 4096]);
                loop {
                    match stream.read(&mut buffer)? {
                        0 => return Ok(reply),
                        n => reply.extend_from_slice(&buffer[..n]),
                    }
                }
            })
        };
        let asks: Vec<_> = (0..REQUESTS).map(ask).collect();
        for ask in asks {
            assert_eq!(ask.join().expect("it does not panic")?, b"hello");
        }
        Ok(())
    })
}
// ANCHOR_END: fibers

fn by_machine(server: SocketAddr) -> io::Result<()> {
    let requests: Vec<Vec<u8>> = (0..REQUESTS).map(request).collect();
    machine::ask_all(server, &requests)?.iter().for_each(|reply| assert_eq!(reply, b"hello"));
    Ok(())
}

/// What is asked for is when the reply should come: the first one last.
fn request(n: usize) -> Vec<u8> {
    vec![(REQUESTS - n) as u8]
}

/// Starts this program again as a client under strace, and counts its calls between the marks.
fn traced(client: &str) -> Result<BTreeMap<String, usize>, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let server = listener.local_addr()?.to_string();
    let serves = thread::spawn(move || serve(listener));
    let mut strace = Command::new("strace");
    strace.args(["-qq", "-e", "signal=none"]).arg(env::current_exe()?).args([client, &server]);
    let ended = strace.output()?;
    serves.join().expect("it does not panic")?;
    let trace = String::from_utf8(ended.stderr)?;
    let [_, between, _] = trace.split("close(-1)").collect::<Vec<_>>()[..] else {
        return Err(format!("two marks are not in the trace:\n{trace}").into());
    };
    let mut calls = BTreeMap::new();
    for line in between.lines().skip(1).filter(|line| line.contains('(')) {
        *calls.entry(line.split('(').next().unwrap_or(line).to_owned()).or_insert(0) += 1;
    }
    Ok(calls)
}

/// Answers each request after a tenth of a second for each that it asks for: bytes and close in one
/// segment, so that they make one event.
fn serve(listener: TcpListener) -> io::Result<()> {
    let mut answers = Vec::new();
    for _ in 0..REQUESTS {
        let (mut peer, _) = listener.accept()?;
        answers.push(thread::spawn(move || {
            let mut asked = [0];
            peer.read_exact(&mut asked)?;
            thread::sleep(Duration::from_millis(200 + 100 * u64::from(asked[0])));
            cork(&peer);
            peer.write_all(b"hello")
        }));
    }
    answers.into_iter().try_for_each(|answer| answer.join().expect("it does not panic"))
}

/// Holds back what is less than a segment, until the close.
fn cork(peer: &std::net::TcpStream) {
    use std::os::fd::AsRawFd;
    let on = 1_i32;
    let (value, size) = ((&raw const on).cast(), size_of::<i32>() as libc::socklen_t);
    // SAFETY: the option's value is an int, which lives through the call, and `size` is its size.
    unsafe {
        libc::setsockopt(peer.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_CORK, value, size);
    }
}

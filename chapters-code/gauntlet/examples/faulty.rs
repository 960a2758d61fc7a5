//! Clients with one fault each, for the tests of the gauntlet: `faulty NAME`.
//!
//! All are one loop over the wrapper of the crate `epoll`, in which the fault's name says what is
//! done wrongly. `faulty none` does nothing wrong.

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use epoll::{Events, Interest, Poll, Token};
use gauntlet::client::{Reply, Task, tell};

const FAULTS: [&str; 10] = [
    "none",
    "one-read",
    "no-length",
    "whole-buffer",
    "one-by-one",
    "one-too-few",
    "no-patience",
    "spins",
    "panics",
    "alarm",
];

fn main() -> Result<(), Box<dyn Error>> {
    let fault = std::env::args().nth(1).unwrap_or_default();
    if !FAULTS.contains(&fault.as_str()) {
        return Err(format!("the faults are: {}", FAULTS.join(", ")).into());
    }
    let task = Task::from_env()?;
    let has = |name| fault == name;
    if has("alarm") {
        // No fault: its patience is a clock of the kernel's that /proc does not show.
        // SAFETY: both take integers; the handler makes one system call, which it may.
        unsafe {
            libc::signal(libc::SIGALRM, give_up as *const () as libc::sighandler_t);
            libc::alarm(task.patience.as_secs() as u32);
        }
    }
    let mut client = Client { task, fault: &fault, poll: Poll::new()?, open: Vec::new() };
    let streams = task.streams - usize::from(has("one-too-few"));
    for n in 0..streams {
        client.connect(n)?;
        if has("one-by-one") {
            client.run()?;
        }
    }
    Ok(client.run()?)
}

extern "C" fn give_up(_: libc::c_int) {
    let words = "the alarm rang\n";
    // SAFETY: write reads the bytes that it is given; _exit ends the process.
    unsafe {
        libc::write(2, words.as_ptr().cast(), words.len());
        libc::_exit(1)
    }
}

struct Client<'a> {
    task: Task,
    fault: &'a str,
    poll: Poll,
    open: Vec<Option<(TcpStream, Reply)>>,
}

impl Client<'_> {
    fn has(&self, fault: &str) -> bool {
        self.fault == fault
    }

    fn connect(&mut self, n: usize) -> io::Result<()> {
        let mut socket = TcpStream::connect(self.task.peer)?;
        socket.write_all(&self.task.request(n))?;
        socket.set_nonblocking(true)?;
        self.poll.registry().register(&socket, Token(n as u64), Interest::READABLE)?;
        self.open.push(Some((socket, Reply::default())));
        Ok(())
    }

    fn run(&mut self) -> io::Result<()> {
        let endless = ["one-read", "no-length", "one-by-one", "no-patience", "alarm"];
        let deadline = Instant::now() + self.task.patience;
        let mut events = Events::with_capacity(16);
        while self.open.iter().any(Option::is_some) {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = match self.fault {
                "spins" => Some(Duration::ZERO),
                fault if endless.contains(&fault) => None,
                _ if left.is_zero() => return Err(ErrorKind::TimedOut.into()),
                _ => Some(left),
            };
            self.poll.poll(&mut events, timeout)?;
            for event in events.iter() {
                self.advance(event.token().0 as usize)?;
            }
        }
        Ok(())
    }

    /// Reads what there is, and tells the reply if it is whole.
    fn advance(&mut self, n: usize) -> io::Result<()> {
        let [one_read, whole_buffer, no_length, panics] =
            ["one-read", "whole-buffer", "no-length", "panics"].map(|f| self.has(f));
        let Some((socket, reply)) = &mut self.open[n] else {
            return Ok(());
        };
        let mut buffer = [0; 4096];
        loop {
            let read = match socket.read(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                read => read?,
            };
            assert!(!panics, "a fault in request {n}");
            let taken = if whole_buffer && read > 0 { 4096 } else { read };
            let body = match reply.add(&buffer[..taken])? {
                Some(_) if no_length && read > 0 => None,
                body => body,
            };
            if let Some(body) = body {
                tell(n, body)?;
                self.open[n] = None;
                return Ok(());
            }
            if one_read {
                return Ok(());
            }
        }
    }
}

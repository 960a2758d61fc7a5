//! Clients with one fault each, for the tests of the gauntlet: `faulty NAME`.
//!
//! All are one loop over the wrapper of the crate `epoll`, in which the fault's name says what is
//! done wrongly. `faulty none` does nothing wrong.

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::{Duration, Instant};

use epoll::{Events, Interest, Poll, Token};
use gauntlet::client::{Reply, Task, tell};

/// The faults, and what else a client may do.
const FAULTS: [(&str, &str); 24] = [
    ("none", "no fault"),
    ("alarm", "no fault: its patience is a clock of the kernel's that /proc does not show"),
    ("byte-by-byte", "no fault: sends its requests a byte at a time"),
    ("half-closes", "no fault: closes its sending half when it has asked"),
    ("one-read", "reads once for each edge"),
    ("leaves-batch", "goes back to waiting after the first event of a batch"),
    ("no-length", "takes nothing but the close for the end of a reply"),
    ("one-message", "takes one read for one reply"),
    ("per-read", "decodes UTF-8 read by read"),
    ("whole-buffer", "takes its whole buffer, and not what the read has filled"),
    ("small-buffer", "keeps no more than 64 KiB of a reply"),
    ("reads-on", "reads on behind a whole reply, and returns the error that it meets"),
    ("counts-ends", "counts the ends that it sees, and not the streams"),
    ("one-by-one", "asks the next question when it has the answer"),
    ("one-too-few", "asks four times"),
    ("one-too-many", "opens a connection for nothing before the others"),
    ("asks-twice", "asks twice on each connection and prints both replies"),
    ("no-blank-line", "never ends its requests"),
    ("never-asks", "connects and sends nothing"),
    ("no-patience", "has no deadline"),
    ("spins", "has no deadline, and asks again and again without waiting"),
    ("polls", "asks again and again without waiting, until its deadline"),
    ("wants-room", "level-triggered, asks for room to write that it does not need"),
    ("panics", "panics at the first byte"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let fault = std::env::args().nth(1).unwrap_or_default();
    if !FAULTS.iter().any(|(name, _)| *name == fault) {
        let all = FAULTS.map(|(name, what)| format!("\n  {name:<15}{what}")).concat();
        return Err(format!("the faults are:{all}").into());
    }
    let task = Task::from_env()?;
    let has = |name| fault == name;
    if has("alarm") {
        // SAFETY: both take integers; the handler makes one system call, which it may.
        unsafe {
            libc::signal(libc::SIGALRM, give_up as *const () as libc::sighandler_t);
            libc::alarm(task.patience.as_secs() as u32);
        }
    }
    let _for_nothing = has("one-too-many").then(|| TcpStream::connect(task.peer)).transpose()?;
    let poll = Poll::new()?;
    let mut client = Client { task, fault: &fault, poll, open: Vec::new(), ends: 0 };
    let streams = task.streams - usize::from(has("one-too-few"));
    for n in 0..streams {
        client.connect(n)?;
        if has("one-by-one") {
            client.run()?;
        }
    }
    if has("leaves-batch") {
        thread::sleep(Duration::from_millis(300)); // All is there now: no luck is involved.
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

struct Stream {
    socket: TcpStream,
    reply: Reply,
    /// Its body is told.
    told: bool,
}

struct Client<'a> {
    task: Task,
    fault: &'a str,
    poll: Poll,
    open: Vec<Option<Stream>>,
    /// How many ends were seen: of streams that are not ended by them, see `counts-ends`.
    ends: usize,
}

impl Client<'_> {
    fn has(&self, fault: &str) -> bool {
        self.fault == fault
    }

    fn connect(&mut self, n: usize) -> io::Result<()> {
        let mut socket = TcpStream::connect(self.task.peer)?;
        socket.set_nodelay(true)?;
        let request = self.task.request(n);
        match self.fault {
            "never-asks" => {}
            "no-blank-line" => socket.write_all(&request[..request.len() - 2])?,
            "byte-by-byte" => request.iter().try_for_each(|byte| socket.write_all(&[*byte]))?,
            "asks-twice" => socket.write_all(&request.repeat(2))?,
            _ => socket.write_all(&request)?,
        }
        if self.has("half-closes") {
            socket.shutdown(Shutdown::Write)?;
        }
        socket.set_nonblocking(true)?;
        self.poll.registry().register(&socket, Token(n as u64), Interest::READABLE)?;
        self.open.push(Some(Stream { socket, reply: Reply::default(), told: false }));
        Ok(())
    }

    fn run(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + self.task.patience;
        let mut events = Events::with_capacity(16);
        while self.open.iter().any(Option::is_some) {
            let left = deadline.saturating_duration_since(Instant::now());
            let endless = ["one-read", "no-length", "one-by-one", "no-patience", "alarm"];
            let timeout = match self.fault {
                "spins" => Some(Duration::ZERO),
                fault if endless.contains(&fault) => None,
                _ if left.is_zero() => return Err(ErrorKind::TimedOut.into()),
                "polls" => Some(Duration::ZERO),
                _ => Some(left),
            };
            for n in self.wait(&mut events, timeout)? {
                self.advance(n)?;
                if self.has("leaves-batch") {
                    break;
                }
            }
            if self.has("counts-ends") && self.ends >= self.open.len() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Waits. The streams that something has happened to.
    fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<Vec<usize>> {
        if !self.has("wants-room") {
            self.poll.poll(events, timeout)?;
            return Ok(events.iter().map(|event| event.token().0 as usize).collect());
        }
        let open = self.open.iter().enumerate();
        let (which, mut polled): (Vec<usize>, Vec<libc::pollfd>) = open
            .filter_map(|(n, stream)| {
                let fd = stream.as_ref()?.socket.as_raw_fd();
                Some((n, libc::pollfd { fd, events: libc::POLLIN | libc::POLLOUT, revents: 0 }))
            })
            .unzip();
        let millis = timeout.map_or(-1, |timeout| timeout.as_millis() as i32 + 1);
        // SAFETY: the call writes to as many as it is told there are, and they outlive it.
        unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, millis) };
        let happened = which.into_iter().zip(polled).filter(|(_, polled)| polled.revents != 0);
        Ok(happened.map(|(n, _)| n).collect())
    }

    /// Reads what there is, and tells the reply if it is whole.
    fn advance(&mut self, n: usize) -> io::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            let Some(stream) = &mut self.open[n] else {
                return Ok(());
            };
            let read = match stream.socket.read(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                read => read,
            };
            if stream.told && self.fault == "counts-ends" {
                self.ends += 1;
                return Ok(());
            }
            let read = read?;
            if stream.told {
                self.open[n] = None;
                return Ok(());
            }
            assert!(self.fault != "panics", "a fault in request {n}");
            if self.take(n, &buffer, read)? || self.has("one-read") {
                return Ok(());
            }
        }
    }

    /// Takes what a read has brought. Whether the stream is done.
    fn take(&mut self, n: usize, buffer: &[u8], read: usize) -> io::Result<bool> {
        let [no_length, stays, twice] = [
            self.has("no-length"),
            self.has("reads-on") || self.has("counts-ends"),
            self.has("asks-twice"),
        ];
        let stream = self.open[n].as_mut().expect("it is open");
        let decoded = String::from_utf8_lossy(&buffer[..read]);
        let taken = match self.fault {
            "whole-buffer" if read > 0 => buffer,
            "per-read" => decoded.as_bytes(),
            _ => &buffer[..read],
        };
        let body = match stream.reply.take_in(taken)? {
            None if self.fault == "one-message" => &[],
            Some(_) if no_length && read > 0 => return Ok(false),
            Some(body) if self.fault == "small-buffer" => &body[..body.len().min(1 << 16)],
            Some(body) => body,
            None => return Ok(false),
        };
        if !stream.told {
            tell(n, body)?;
        }
        if twice {
            tell(n, body)?;
        }
        stream.told = true;
        if !stays {
            self.open[n] = None;
        }
        Ok(!stays)
    }
}

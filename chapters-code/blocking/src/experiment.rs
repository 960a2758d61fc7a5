//! The same five requests, six ways: what each costs and in which order it takes the replies.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

pub use lab::measure::marked;
use lab::timeline::cpu_time;

use crate::parked::kernel_tells;
use crate::{Reply, all_requests_first, ask, check, one_after_the_other, one_thread_each};

/// A way to get all replies.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// Its name in the table.
    pub name: &'static str,
    /// Asks for all paths and returns the replies in the order in which they were taken.
    pub run: fn(SocketAddr, &[String]) -> io::Result<Vec<Reply>>,
}

/// The six.
pub const WAYS: [Way; 6] = [
    Way { name: "one after the other", run: one_after_the_other },
    Way { name: "all requests first", run: all_requests_first },
    Way { name: "one thread each", run: one_thread_each },
    Way { name: "timeouts of 10 ms", run: timeouts },
    Way { name: "busy polling", run: busy_polling },
    Way { name: "epoll", run: epoll },
];

/// Five requests, 1 to 5. The one that is asked first has the longest delay.
pub fn paths() -> Vec<String> {
    let paths = ["/500/1", "/400/2", "/300/3", "/200/4", "/100/5"];
    paths.map(String::from).into()
}

/// A connection, and what it has received.
struct Waiting {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Waiting {
    fn ask(server: SocketAddr, path: &str) -> io::Result<Waiting> {
        Ok(Waiting { stream: ask(server, path)?, received: Vec::new() })
    }

    /// Reads once; the reply, if the server has closed.
    fn try_read(&mut self) -> io::Result<Option<Reply>> {
        let mut buffer = [0; 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => Reply::parse(&self.received).map(Some),
            Ok(n) => {
                self.received.extend_from_slice(&buffer[..n]);
                Ok(None)
            }
            // Nothing yet; so says a socket that does not block, and one whose timeout is over.
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// How long a read of [`timeouts`] waits.
pub const PATIENCE: Duration = Duration::from_millis(10);

/// Reads from one socket after the other, and waits for each only so long.
pub fn timeouts(server: SocketAddr, paths: &[String]) -> io::Result<Vec<Reply>> {
    in_rounds(server, paths, |stream| stream.set_read_timeout(Some(PATIENCE)))
}

/// Asks one socket after the other whether it has something, without end.
pub fn busy_polling(server: SocketAddr, paths: &[String]) -> io::Result<Vec<Reply>> {
    in_rounds(server, paths, |stream| stream.set_nonblocking(true))
}

// ANCHOR: rounds
/// Reads from one socket after the other, round after round, until all have ended.
fn in_rounds(
    server: SocketAddr,
    paths: &[String],
    prepare: fn(&TcpStream) -> io::Result<()>,
) -> io::Result<Vec<Reply>> {
    let waiting = paths.iter().map(|path| Waiting::ask(server, path));
    let mut waiting: Vec<Waiting> = waiting.collect::<io::Result<_>>()?;
    waiting.iter().try_for_each(|one| prepare(&one.stream))?;
    let mut replies = Vec::new();
    while replies.len() < paths.len() {
        for at in (0..waiting.len()).rev() {
            if let Some(reply) = waiting[at].try_read()? {
                replies.push(reply);
                waiting.swap_remove(at);
            }
        }
    }
    Ok(replies)
}
// ANCHOR_END: rounds

/// Sleeps until one of the sockets has something, and reads that one once.
pub fn epoll(server: SocketAddr, paths: &[String]) -> io::Result<Vec<Reply>> {
    // SAFETY: epoll_create1 takes no pointer.
    let epoll = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
    // SAFETY: the call has just returned `epoll`, so it is open and nobody else owns it.
    let epoll = unsafe { OwnedFd::from_raw_fd(epoll) };
    let (mut waiting, mut replies) = (HashMap::new(), Vec::new());
    for path in paths {
        let one = Waiting::ask(server, path)?;
        one.stream.set_nonblocking(true)?;
        let fd = one.stream.as_raw_fd();
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: fd as u64 };
        // SAFETY: the kernel reads `event` during the call, and both descriptors are open.
        check(unsafe { libc::epoll_ctl(epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, fd, &mut event) })?;
        waiting.insert(fd as u64, one);
    }
    while replies.len() < paths.len() {
        let fd = next_event(&epoll)?;
        if let Some(reply) = waiting.get_mut(&fd).map(Waiting::try_read).transpose()?.flatten() {
            replies.push(reply);
            waiting.remove(&fd);
        }
    }
    Ok(replies)
}

/// Sleeps until a socket has something; which one.
fn next_event(epoll: &OwnedFd) -> io::Result<u64> {
    const FOREVER: i32 = -1;
    let mut event = libc::epoll_event { events: 0, u64: 0 };
    loop {
        // SAFETY: the kernel writes at most the one event that `event` has room for.
        let n = unsafe { libc::epoll_wait(epoll.as_raw_fd(), &mut event, 1, FOREVER) };
        match check(n) {
            Ok(0) => continue,
            Ok(_) => return Ok(event.u64),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
    }
}

/// What a run of a way took.
#[derive(Debug)]
pub struct Run {
    /// The bodies in the order in which they were taken.
    pub order: String,
    /// From the start to the end.
    pub wall: Duration,
    /// The processor time of the client's threads; of those that it started, until each had its
    /// reply.
    pub cpu: Duration,
    /// How many threads the client had: the one that began, and those that took replies.
    pub threads: usize,
}

impl Way {
    /// Goes this way once.
    pub fn measure(&self, server: SocketAddr, paths: &[String]) -> io::Result<Run> {
        let (start, cpu) = (Instant::now(), cpu_time());
        let replies = (self.run)(server, paths)?;
        let (wall, own) = (start.elapsed(), cpu_time() - cpu);
        let mut threads = HashMap::new();
        for reply in &replies {
            threads.insert(reply.thread, reply.cpu);
        }
        threads.insert(thread::current().id(), own);
        Ok(Run {
            order: replies.iter().map(|reply| &*reply.body).collect(),
            wall,
            cpu: threads.values().sum(),
            threads: threads.len(),
        })
    }
}

/// Whether there is an strace(1) here, and the kernel lets it trace.
pub fn strace_works() -> bool {
    let mut strace = Command::new("strace");
    strace.args(["-qq", "-e", "trace=none", "true"]).stderr(Stdio::null());
    // Under qemu-user it would trace the emulator.
    kernel_tells() && strace.status().is_ok_and(|status| status.success())
}

/// Runs `client` under strace(1), and counts the system calls that all its threads begin between the
/// two marks of [`marked`].
///
/// A call that is traced takes longer. Who sleeps until there is something to do makes the same calls
/// all the same; who asks again and again gets to ask less often, and the number is too small.
pub fn system_calls(client: &Command) -> io::Result<usize> {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", "signal=none"]).arg(client.get_program());
    strace.args(client.get_args());
    strace.envs(client.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let trace = strace.stdin(Stdio::null()).stdout(Stdio::null()).output()?.stderr;
    let trace = String::from_utf8_lossy(&trace);
    // No parenthesis: with other threads about it may be `close(-1 <unfinished ...>`.
    match trace.split("close(-1").collect::<Vec<_>>()[..] {
        // What is left of the line of the first mark is no call.
        [_, between, _] => Ok(between.lines().skip(1).filter(|line| begins_a_call(line)).count()),
        _ => {
            let end: Vec<&str> = trace.lines().rev().take(10).collect();
            Err(io::Error::other(format!("two marks are not in the trace: {end:?}")))
        }
    }
}

/// `read(3, …` or `[pid 71] read(3, …`; not `<... read resumed>…`, nor `+++ exited with 0 +++`.
fn begins_a_call(line: &str) -> bool {
    let line =
        line.strip_prefix("[pid").and_then(|rest| rest.split_once("] ")).map_or(line, |l| l.1);
    line.starts_with(|first: char| first.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::begins_a_call;

    #[test]
    fn a_call_is_counted_where_it_begins() {
        assert!(begins_a_call("close(3)           = 0"));
        assert!(begins_a_call("[pid    71] futex(0x7f, FUTEX_WAIT, 2, NULL <unfinished ...>"));
        assert!(!begins_a_call("[pid    71] <... futex resumed>) = 0"));
        assert!(!begins_a_call("[pid    71] +++ exited with 0 +++"));
        // What a mark leaves of its line.
        assert!(!begins_a_call("[pid    70] "));
    }
}

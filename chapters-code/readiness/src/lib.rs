//! Who finds out that there is something to read: the program by asking, or the kernel by telling.
//!
//! [`ask`] and [`be_told`] wait for one socket. [`Ask`] and [`Told`] wait for many, and differ in
//! who keeps the list.

mod many;
mod streams;

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use lab::timeline::cpu_time;

pub use lab::crowd::room_for;
pub use many::{Ask, Told, make_ready, medians, sources};
pub use streams::{collect, streams};

// ANCHOR: ask
/// Reads until there is something to read. Returns how often it asked.
pub fn ask(mut socket: &UnixStream) -> io::Result<usize> {
    let mut asked = 0;
    loop {
        asked += 1;
        match socket.read(&mut [0; 64]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            read => return read.map(|_| asked),
        }
    }
}
// ANCHOR_END: ask

// ANCHOR: be_told
/// Reads, and if there is nothing to read sleeps until the kernel says that there is, and reads again.
/// The socket does not block, and is left so. Returns how often it read, the last read included, which
/// brought bytes or the end; or the error of a read that failed for another reason, `Interrupted` among
/// them.
pub fn be_told(mut socket: &UnixStream) -> io::Result<usize> {
    // FORK readiness: read as `ask` does, but sleep where it asks again
    // HINT: `ask` keeps a core busy. In which of its lines, and what does it know there?
    // HINT: `sleep` is the call that sleeps. Which timeout means that only the socket ends the sleep?
    //   poll(2), under *timeout*.
    // HINT: The loop of `ask`; where a read says WouldBlock it sleeps, without a limit, before it reads
    //   again.
    let mut asked = 0;
    loop {
        asked += 1;
        match socket.read(&mut [0; 64]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => sleep(socket, FOREVER)?,
            read => return read.map(|_| asked),
        }
    }
}

const FOREVER: i32 = -1;

fn sleep(socket: &UnixStream, timeout: i32) -> io::Result<()> {
    let mut list = [libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 }];
    // SAFETY: the kernel reads and writes one `pollfd`, which is what `list` has.
    uninterrupted(|| unsafe { libc::poll(list.as_mut_ptr(), 1, timeout) })?;
    Ok(())
}
// ANCHOR_END: be_told

/// What a wait for one byte took.
#[derive(Debug, Clone, Copy)]
pub struct Waited {
    /// How often the thread read.
    pub asked: usize,
    /// The processor time that it used.
    pub cpu: Duration,
    /// How long it could have run and others had the cores; `None` if this kernel does not count it.
    pub queued: Option<Duration>,
    /// How long it waited.
    pub wall: Duration,
    /// How often it slept.
    pub slept: i64,
}

impl Waited {
    /// The part of the wait for which the thread ran.
    pub fn ran(&self) -> f64 {
        self.cpu.as_secs_f64() / self.wall.as_secs_f64()
    }

    /// The part of the wait for which it could have run, and waited for a core.
    pub fn queued(&self) -> Option<f64> {
        Some(self.queued?.as_secs_f64() / self.wall.as_secs_f64())
    }
}

/// Lets this thread wait for a byte, in the way that it is told, which another thread sends when
/// `after` is over.
pub fn wait_for_a_byte(
    how: fn(&UnixStream) -> io::Result<usize>,
    after: Duration,
) -> io::Result<Waited> {
    let (ours, mut theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(after);
            theirs.write_all(b"!").expect("our end is open");
        });
        let (slept_before, started) = (slept(), Instant::now());
        let (queued_before, cpu_before) = (queued(), cpu_time());
        let asked = how(&ours)?;
        Ok(Waited {
            asked,
            cpu: cpu_time() - cpu_before,
            queued: queued().zip(queued_before).map(|(now, before)| now - before),
            wall: started.elapsed(),
            slept: slept() - slept_before,
        })
    })
}

/// How long this thread could have run so far, and waited for a core: the second number in
/// `/proc/thread-self/schedstat`. The third is how often it got one, so that 0 says that nobody counts.
fn queued() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let [_ran, queued, times] = stat.split_whitespace().collect::<Vec<_>>()[..] else {
        return None;
    };
    (times != "0").then_some(Duration::from_nanos(queued.parse().ok()?))
}

/// How often this thread has slept: `ru_nvcsw` of getrusage(2), the switches away from a thread that
/// could not go on. A yield is not among them.
fn slept() -> i64 {
    // SAFETY: a `rusage` is integers, and all zeros is one of its values.
    let mut usage: libc::rusage = unsafe { mem::zeroed() };
    // SAFETY: the kernel writes one `rusage`, which is what `usage` is.
    let status = unsafe { libc::getrusage(libc::RUSAGE_THREAD, &mut usage) };
    assert_eq!(status, 0, "getrusage: {}", io::Error::last_os_error());
    usage.ru_nvcsw
}

/// Makes a call again that a signal or a tracer has interrupted: a wait then says `EINTR`.
fn uninterrupted(mut call: impl FnMut() -> i32) -> io::Result<i32> {
    loop {
        match check(call()) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => return result,
        }
    }
}

/// Turns libc's -1 into the error that `errno` holds.
fn check(result: i32) -> io::Result<i32> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

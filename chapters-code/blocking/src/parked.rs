//! A thread that waits in a read, as the kernel tells of it: `/proc/self/task/TID` in proc(5).

use std::fs;
use std::io;
use std::net::TcpStream;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use lab::timeline::cpu_time;

use crate::{check, take};

/// A thread, as seen by another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// `S (sleeping)`, `R (running)` and so on.
    pub state: String,
    /// The number of the system call in which it sleeps.
    pub call: Option<i64>,
    /// The first argument of that call: the descriptor, where it is about one.
    pub fd: Option<i32>,
    /// How often it has given the core away because it had to wait.
    pub switches: u64,
}

/// A wait for a reply.
#[derive(Debug, Clone)]
pub struct Wait {
    /// What the thread was seen to do.
    pub seen: Look,
    /// How long it took to get the reply.
    pub time: Duration,
    /// The processor time that the thread used meanwhile.
    pub cpu: Duration,
    /// How often it gave the core away meanwhile, in the read and in the calls around it.
    pub switches: u64,
}

// ANCHOR: look
/// Looks at a thread of this process.
pub fn look(tid: i32) -> io::Result<Look> {
    let file = |name| fs::read_to_string(format!("/proc/self/task/{tid}/{name}"));
    let (status, call) = (file("status")?, file("syscall")?);
    let field = |name| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("").trim();
    // A thread that is not asleep in a system call has one word here, and it is no number.
    let mut call = call.split_whitespace();
    Ok(Look {
        state: field("State:").to_owned(),
        call: call.next().and_then(|number| number.parse().ok()),
        fd: call.next().and_then(|hex| i32::from_str_radix(hex.trim_start_matches("0x"), 16).ok()),
        switches: field("voluntary_ctxt_switches:").parse().unwrap_or(0),
    })
}
// ANCHOR_END: look

// ANCHOR: watch
/// Takes the reply on a thread of its own, and looks at that thread once it sleeps in the read.
pub fn watch(stream: TcpStream) -> io::Result<Wait> {
    let (tell, told) = mpsc::channel();
    let reader = thread::spawn(move || -> io::Result<_> {
        let tid = tid();
        let (start, cpu, switches) = (Instant::now(), cpu_time(), look(tid)?.switches);
        tell.send(tid).expect("the watcher listens");
        take(&stream)?;
        Ok((start.elapsed(), cpu_time() - cpu, look(tid)?.switches - switches))
    });
    let seen = told.recv().map(|tid| once_asleep_in(libc::SYS_recvfrom, tid));
    let (time, cpu, switches) = reader.join().expect("the reader does not panic")?;
    let seen = seen.map_err(io::Error::other)??;
    Ok(Wait { seen, time, cpu, switches })
}
// ANCHOR_END: watch

/// The number by which the kernel knows this thread.
pub fn tid() -> i32 {
    // SAFETY: gettid takes nothing and cannot fail.
    unsafe { libc::gettid() }
}

/// Which of these threads sleeps in a call about the descriptor, and in which.
pub fn sleeper<'a>(fd: i32, threads: &[(&'a str, i32)]) -> Option<(&'a str, &'static str)> {
    threads.iter().find_map(|&(name, tid)| {
        let seen = look(tid).ok()?;
        let asleep = seen.state.starts_with('S') && seen.fd == Some(fd);
        asleep.then_some((name, called(seen.call?)))
    })
}

/// The name of a system call that reads or writes.
fn called(number: i64) -> &'static str {
    match number {
        libc::SYS_read => "read",
        libc::SYS_write => "write",
        libc::SYS_recvfrom => "recvfrom",
        libc::SYS_sendto => "sendto",
        _ => "another call",
    }
}

/// How many bytes a read would find in a descriptor: `FIONREAD` of ioctl(2).
pub fn unread(fd: BorrowedFd<'_>) -> io::Result<usize> {
    let mut bytes = 0;
    // SAFETY: the kernel writes one integer, to which the pointer points, and the descriptor is open.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::FIONREAD, &mut bytes) })?;
    Ok(bytes as usize)
}

/// Looks until the thread sleeps in the call.
pub fn once_asleep_in(call: i64, tid: i32) -> io::Result<Look> {
    loop {
        // A thread that has ended has no files.
        let seen = look(tid).map_err(|_| io::Error::other("the thread was not seen asleep"))?;
        if seen.call == Some(call) && seen.state.starts_with('S') {
            return Ok(seen);
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Whether the kernel tells in which call a thread sleeps, and counts the calls as this program
/// does: what reads the file is `read`. Under `qemu-user` it has another number.
pub fn kernel_tells() -> bool {
    let line = fs::read_to_string("/proc/thread-self/syscall").unwrap_or_default();
    line.split_whitespace().next() == Some(libc::SYS_read.to_string().as_str())
}

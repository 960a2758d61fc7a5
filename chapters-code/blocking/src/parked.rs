//! A thread that waits in a read, as the kernel tells of it: `/proc/self/task/TID` in proc(5).

use std::fs;
use std::io;
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use lab::timeline::cpu_time;

use crate::take;

/// A thread, as seen by another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// `S (sleeping)`, `R (running)` and so on.
    pub state: String,
    /// The number of the system call in which it sleeps.
    pub call: Option<i64>,
    /// How often it has gone to sleep.
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
    /// How often it went to sleep meanwhile.
    pub switches: u64,
}

// ANCHOR: look
/// Looks at a thread of this process.
pub fn look(tid: i32) -> io::Result<Look> {
    let file = |name| fs::read_to_string(format!("/proc/self/task/{tid}/{name}"));
    let (status, call) = (file("status")?, file("syscall")?);
    let field = |name| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("").trim();
    Ok(Look {
        state: field("State:").to_owned(),
        // A thread that is not asleep in a system call has a word here.
        call: call.split_whitespace().next().and_then(|number| number.parse().ok()),
        switches: field("voluntary_ctxt_switches:").parse().unwrap_or(0),
    })
}
// ANCHOR_END: look

// ANCHOR: watch
/// Takes the reply on a thread of its own, and looks at that thread once it sleeps in the read.
pub fn watch(stream: TcpStream) -> io::Result<Wait> {
    let (tell, told) = mpsc::channel();
    let reader = thread::spawn(move || -> io::Result<_> {
        // SAFETY: gettid takes nothing and cannot fail.
        let tid = unsafe { libc::gettid() };
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

/// Looks until the thread sleeps in the call.
fn once_asleep_in(call: i64, tid: i32) -> io::Result<Look> {
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

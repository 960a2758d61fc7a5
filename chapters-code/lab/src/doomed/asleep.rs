//! What `/proc` and the kernel's other windows tell about threads that sleep.

use super::Asleep;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::LazyLock;

/// A thread in one sample. Two equal ones prove that it slept all the time between them.
#[derive(PartialEq)]
pub(super) struct Thread {
    pid: i32,
    tid: i32,
    name: String,
    /// How often it was switched out, by its own doing or not.
    switches: [String; 2],
    /// It runs, or waits for a processor.
    runs: bool,
    /// None if it is awake, stopped, or in a call that we do not know.
    wait: Option<Wait>,
}

/// A system call that sleeps.
#[derive(PartialEq)]
struct Wait {
    call: &'static str,
    detail: String,
    until: Until,
}

/// What ends a wait.
#[derive(Clone, Copy, PartialEq)]
enum Until {
    /// A timer that the call itself has set.
    Timer,
    /// Another thread or process, or a signal.
    Woken,
    /// Something to take from the descriptor, or a timeout set on it.
    Receive(RawFd),
    /// Room in the descriptor, or a timeout set on it.
    Send(RawFd),
}

impl From<Thread> for Asleep {
    fn from(thread: Thread) -> Asleep {
        let wait = thread.wait.expect("only threads that sleep are told");
        Asleep { pid: thread.pid, thread: thread.name, call: wait.call, detail: wait.detail }
    }
}

/// A thread of the leader or of its family that sleeps in the call of this name.
pub(super) fn in_call(leader: i32, call: &str) -> Option<Asleep> {
    now(leader).0.into_iter().find(|thread| thread.call == call)
}

/// The threads of the leader and of its family that sleep in a wait that we know, and how many run.
pub(super) fn now(leader: i32) -> (Vec<Asleep>, usize) {
    let pids = [leader].into_iter().chain(family(leader).unwrap_or_default());
    let all: Vec<Thread> = pids.flat_map(|pid| threads(pid).unwrap_or_default()).collect();
    let running = all.iter().filter(|thread| thread.runs).count();
    let asleep = all.into_iter().filter(|thread| thread.wait.is_some());
    (asleep.map(Asleep::from).collect(), running)
}

/// All threads of the leader and of its family, if each sleeps in a wait that it set no timer for.
pub(super) fn for_ever(leader: i32) -> Option<Vec<Thread>> {
    let sleeping = |pid| {
        let threads = threads(pid).ok()?;
        let endless = |wait: &Wait| wait.until != Until::Timer;
        let all_are = threads.iter().all(|thread| thread.wait.as_ref().is_some_and(endless));
        all_are.then_some(threads)
    };
    let mut all = sleeping(leader)?;
    for pid in family(leader).ok()? {
        all.extend(sleeping(pid)?);
    }
    (!all.is_empty()).then_some(all)
}

/// The other processes of the leader's group, and everybody's descendants.
fn family(leader: i32) -> io::Result<Vec<i32>> {
    let mut others = Vec::new();
    for pid in numbers("/proc")? {
        // One that ends just now is none.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // pid (comm) state ppid pgrp: a name may hold blanks and parentheses.
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let mut fields = after_name.split_whitespace().skip(1);
        let mut field = || fields.next().and_then(|field| field.parse().ok());
        if let (Some(parent), Some(group)) = (field(), field()) {
            others.push((pid, parent, group));
        }
    }
    let mut family = vec![leader];
    loop {
        let known = family.len();
        others.retain(|&(pid, parent, group): &(i32, i32, i32)| {
            let ours = group == leader || family.contains(&parent);
            if ours && pid != leader {
                family.push(pid);
            }
            !ours
        });
        if family.len() == known {
            return Ok(family.split_off(1));
        }
    }
}

/// The living threads of a process.
fn threads(pid: i32) -> io::Result<Vec<Thread>> {
    let mut threads = Vec::new();
    for tid in numbers(&format!("/proc/{pid}/task"))? {
        let task = format!("/proc/{pid}/task/{tid}");
        let status = fs::read_to_string(format!("{task}/status"))?;
        let field = |name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
            line.unwrap_or_default().to_owned()
        };
        let state = field("State").chars().next();
        let wait = match state {
            Some('Z' | 'X') => continue,
            Some('S') => wait(&fs::read_to_string(format!("{task}/syscall"))?),
            _ => None,
        };
        let name = match tid == pid {
            true => "main".to_owned(),
            false => field("Name"),
        };
        let switches = [field("voluntary_ctxt_switches"), field("nonvoluntary_ctxt_switches")];
        threads.push(Thread { pid, tid, name, switches, runs: state == Some('R'), wait });
    }
    Ok(threads)
}

/// The entries of a directory that are numbers.
fn numbers(dir: &str) -> io::Result<Vec<i32>> {
    let names = fs::read_dir(dir)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter_map(|name| name.parse().ok()).collect())
}

/// Understands a line of `/proc/PID/task/TID/syscall`: the number, six arguments, two registers.
/// A thread that was woken meanwhile says `running`.
fn wait(line: &str) -> Option<Wait> {
    let mut fields = line.split_whitespace();
    let number = fields.next()?.parse().ok()?;
    let args: Vec<u64> =
        fields.filter_map(|arg| u64::from_str_radix(arg.strip_prefix("0x")?, 16).ok()).collect();
    match args.len() >= 6 && *NUMBERS_ARE_OURS {
        true => wait_in(number, &args),
        false => None,
    }
}

/// Whether the kernel counts system calls as this binary does: the one that we are in while we
/// read this file is `read`. Under `qemu-user` it has another number.
static NUMBERS_ARE_OURS: LazyLock<bool> = LazyLock::new(|| {
    let line = fs::read_to_string("/proc/thread-self/syscall").unwrap_or_default();
    line.split_whitespace().next() == Some(libc::SYS_read.to_string().as_str())
});

/// The table of the waits. One that is missing here is never called a hang.
fn wait_in(number: i64, args: &[u64]) -> Option<Wait> {
    use Until::{Receive, Send, Timer, Woken};
    let wait = |call, detail, until| Wait { call, detail, until };
    let millis = |call, at: usize| {
        let timeout = args[at] as i32;
        let until = if timeout < 0 { Woken } else { Timer };
        wait(call, format!("timeout {timeout}"), until)
    };
    let pointer = |call, at: usize| match args[at] {
        0 => wait(call, "no timeout".to_owned(), Woken),
        _ => wait(call, "with a timeout".to_owned(), Timer),
    };
    let descriptor = |call, until: fn(RawFd) -> Until| {
        let fd = args[0] as RawFd;
        wait(call, format!("descriptor {fd}"), until(fd))
    };
    let plain = |call, until| wait(call, String::new(), until);
    Some(match number {
        #[cfg(target_arch = "x86_64")]
        libc::SYS_epoll_wait => millis("epoll_wait", 3),
        libc::SYS_epoll_pwait => millis("epoll_wait", 3),
        libc::SYS_epoll_pwait2 => pointer("epoll_wait", 3),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_poll => millis("poll", 2),
        libc::SYS_ppoll => pointer("poll", 2),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_select => pointer("select", 4),
        libc::SYS_pselect6 => pointer("select", 4),
        libc::SYS_futex => pointer("futex", 3),
        libc::SYS_futex_waitv => pointer("futex", 3),
        libc::SYS_read => descriptor("read", Receive),
        libc::SYS_readv => descriptor("readv", Receive),
        libc::SYS_recvfrom => descriptor("recvfrom", Receive),
        libc::SYS_recvmsg => descriptor("recvmsg", Receive),
        libc::SYS_accept | libc::SYS_accept4 => descriptor("accept", Receive),
        // stdout and stderr: the watcher reads what is there.
        libc::SYS_write | libc::SYS_writev if args[0] <= 2 => return None,
        libc::SYS_write => descriptor("write", Send),
        libc::SYS_writev => descriptor("writev", Send),
        libc::SYS_sendto => descriptor("sendto", Send),
        libc::SYS_sendmsg => descriptor("sendmsg", Send),
        libc::SYS_connect => descriptor("connect", Send),
        libc::SYS_wait4 => plain("wait4", Woken),
        libc::SYS_waitid => plain("waitid", Woken),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_pause => plain("pause", Woken),
        libc::SYS_rt_sigsuspend => plain("sigsuspend", Woken),
        libc::SYS_rt_sigtimedwait => pointer("sigtimedwait", 2),
        libc::SYS_io_uring_enter => plain("io_uring_enter", Timer),
        libc::SYS_nanosleep | libc::SYS_clock_nanosleep => plain("nanosleep", Timer),
        _ => return None,
    })
}

/// Whether a timer may yet wake one of these threads: one among its process's descriptors, a POSIX
/// timer, a retransmission, a timeout of the socket that it sleeps on. When in doubt, yes.
pub(super) fn timer_armed(threads: &[Thread]) -> bool {
    let mut pids: Vec<i32> = threads.iter().map(|thread| thread.pid).collect();
    pids.dedup();
    let of_process =
        |pid| -> io::Result<bool> { Ok(timerfd(pid)? || posix_timer(pid) || retransmission(pid)?) };
    let of_thread = |thread| socket_timeout(thread).unwrap_or(true);
    pids.into_iter().any(|pid| of_process(pid).unwrap_or(true)) || threads.iter().any(of_thread)
}

/// A timerfd says in `fdinfo` how long it has still to go: `it_value: (seconds, nanoseconds)`.
fn timerfd(pid: i32) -> io::Result<bool> {
    for fd in numbers(&format!("/proc/{pid}/fdinfo"))? {
        let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}"))?;
        let value = info.lines().find_map(|line| line.strip_prefix("it_value: "));
        if value.is_some_and(|value| value != "(0, 0)") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A timer of `timer_create(2)`. The file does not say whether it is armed.
fn posix_timer(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/timers")).is_ok_and(|timers| !timers.is_empty())
}

/// A TCP socket whose last segment, or SYN, is not acknowledged: the kernel will send it again.
///
/// The other timers of `/proc/net/tcp` do not count: a probe of a window that stays closed (4) goes
/// on for ever while both ends write and neither reads, and corked bytes, which use it too, are out
/// long before anything is called a hang.
fn retransmission(pid: i32) -> io::Result<bool> {
    let mut sockets = Vec::new();
    for fd in numbers(&format!("/proc/{pid}/fd"))? {
        let link = fs::read_link(format!("/proc/{pid}/fd/{fd}"))?.into_os_string();
        let inode = link.to_str().and_then(|link| link.strip_prefix("socket:[")?.strip_suffix(']'));
        sockets.extend(inode.map(str::to_owned));
    }
    for table in ["tcp", "tcp6"] {
        // A kernel without IPv6 has no such table.
        let table = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        let pending = table.lines().any(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            matches!(fields[..], [_, _, _, _, _, timer, _, _, _, inode, ..]
                if timer.starts_with("01:") && sockets.iter().any(|socket| socket == inode))
        });
        if pending {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the socket that the thread sleeps on has a timeout for what it does (`socket(7)`).
fn socket_timeout(thread: &Thread) -> io::Result<bool> {
    let (fd, option) = match thread.wait.as_ref().map(|wait| wait.until) {
        Some(Until::Receive(fd)) => (fd, libc::SO_RCVTIMEO),
        Some(Until::Send(fd)) => (fd, libc::SO_SNDTIMEO),
        _ => return Ok(false),
    };
    let socket = duplicate(thread.pid, fd)?;
    // SAFETY: timeval is two integers, for which zeroes are valid values.
    let mut timeout: libc::timeval = unsafe { std::mem::zeroed() };
    let mut len = size_of_val(&timeout) as libc::socklen_t;
    let (level, value) = (libc::SOL_SOCKET, (&raw mut timeout).cast());
    // SAFETY: `socket` is open, and the kernel writes at most `len` bytes, the size of `timeout`.
    match unsafe { libc::getsockopt(socket.as_raw_fd(), level, option, value, &mut len) } {
        0 => Ok(timeout.tv_sec != 0 || timeout.tv_usec != 0),
        _ => match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::ENOTSOCK) => Ok(false),
            error => Err(error),
        },
    }
}

/// A duplicate of another process's descriptor: `pidfd_getfd(2)`.
fn duplicate(pid: i32, fd: RawFd) -> io::Result<OwnedFd> {
    let owned = |number: libc::c_long| match number {
        0.. => {
            // SAFETY: both calls below return a new descriptor that nobody else owns.
            Ok(unsafe { OwnedFd::from_raw_fd(number as RawFd) })
        }
        _ => Err(io::Error::last_os_error()),
    };
    // SAFETY: pidfd_open takes two integers.
    let process = owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    // SAFETY: pidfd_getfd takes three integers.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), fd, 0) })
}

//! How many threads there can be: each limit divided by what one thread takes of it, and the least
//! of the quotients. And a process that brings one of three limits close, so that they can be met
//! without harm to others.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::ptr;

use lab::measure::Memory;

use crate::{Crowd, Threads};

/// More threads than any Linux can have: `PID_MAX_LIMIT` of the kernel, on 64 bits.
pub const MOST: u64 = 1 << 22;

// ANCHOR: limit
/// Something that threads use up.
pub struct Limit {
    /// Its name.
    pub name: &'static str,
    /// How much of it is left.
    pub left: u64,
    /// How much of it one thread takes.
    pub each: u64,
}

impl Limit {
    /// How many more threads it allows, whole ones. [`MOST`] if it is more than that, or if threads take
    /// nothing of it.
    pub fn threads(&self) -> u64 {
        // FORK cost: divide what is left by what one thread takes, and mind what is no limit
        // HINT: In the output of the example `thread_limit` four limits allow the same number of threads.
        //   What does that number stand for?
        // HINT: Of some limits a thread takes nothing. What does a division by that do in Rust?
        // HINT: A quotient where there is one, and never more than the most; else the most.
        self.left.checked_div(self.each).map_or(MOST, |threads| threads.min(MOST))
    }
}

/// The limit that is met first: of those that allow the fewest threads the first one.
///
/// # Panics
///
/// If there are none.
pub fn least(limits: &[Limit]) -> &Limit {
    // FORK cost: find the limit that lets the fewest threads start
    // HINT: One limit counts bytes, the other one threads. In which unit can the two be compared?
    // HINT: `Iterator::min_by_key`. Which of two that are equal does it return?
    limits.iter().min_by_key(|limit| limit.threads()).expect("there are limits")
}
// ANCHOR_END: limit

// ANCHOR: limits
/// What limits the threads of this process now, if each takes as much as `one`.
pub fn limits(one: &Memory) -> io::Result<Vec<Limit>> {
    let now = Memory::now()?;
    let threads = threads_now()?;
    let limit = |name, most: u64, used, each| Limit { name, left: most.saturating_sub(used), each };
    Ok(vec![
        limit("vm.max_map_count", max_map_count()?, now.mappings, one.mappings),
        limit("RLIMIT_AS", soft_limit("Max address space")?, now.address_space, one.address_space),
        limit("RLIMIT_DATA", soft_limit("Max data size")?, now.data, one.data),
        limit("RLIMIT_NPROC", processes_of_user()?, threads_of_user()?, 1),
        limit("pids.max of the cgroup", pids_left()?, 0, 1),
        limit("kernel.pid_max", number("/proc/sys/kernel/pid_max")?, threads, 1),
        limit("kernel.threads-max", number("/proc/sys/kernel/threads-max")?, threads, 1),
        limit("memory", memory_available()?, 0, one.own() + one.kernel),
    ])
}
// ANCHOR_END: limits

/// What one thread takes. The first threads are not counted: glibc gives a heap to each, for which it
/// reserves 64 MiB of addresses, until there are as many as it wants, by default eight for each core.
pub fn one_thread() -> io::Result<Memory> {
    const SAMPLE: usize = 64;
    let mut threads = Threads::new();
    for _ in 0..100 {
        let before = Memory::now()?;
        threads.add(SAMPLE)?;
        let one = Memory::now()?.each_since(&before, SAMPLE);
        // One heap among the sample would be a mebibyte for each.
        if one.address_space < threads.stack as u64 + (1 << 19) {
            return Ok(one);
        }
    }
    Err(io::Error::other("each thread gets a heap of its own: glibc.malloc.arena_max"))
}

/// What to bring close.
#[derive(Clone, Copy, Debug)]
pub enum Squeeze {
    /// Leaves so many mappings, by using up the others.
    Mappings(u64),
    /// Leaves so many bytes of addresses, by `RLIMIT_AS`.
    Addresses(u64),
    /// Leaves so many bytes of addresses that may be written, by `RLIMIT_DATA`.
    Data(u64),
}

impl Squeeze {
    fn apply(self) -> io::Result<()> {
        match self {
            Squeeze::Mappings(left) => {
                let most = max_map_count()?;
                use_up_mappings(most.saturating_sub(left + Memory::now()?.mappings))
            }
            Squeeze::Addresses(left) => {
                let limit = at_most(Memory::now()?.address_space + left);
                // SAFETY: the kernel reads the struct during the call.
                check(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) })
            }
            Squeeze::Data(left) => {
                let limit = at_most(Memory::now()?.data + left);
                // SAFETY: the kernel reads the struct during the call.
                check(unsafe { libc::setrlimit(libc::RLIMIT_DATA, &limit) })
            }
        }
    }
}

fn at_most(most: u64) -> libc::rlimit {
    libc::rlimit { rlim_cur: most, rlim_max: most }
}

/// Makes `count` mappings, or one more: every other page of one reservation may be read.
fn use_up_mappings(count: u64) -> io::Result<()> {
    const PAGE: usize = 1 << 16; // the largest that Linux has on x86-64 or aarch64
    let pairs = count as usize / 2;
    let size = (2 * pairs + 1) * PAGE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new mapping at an address of the kernel's choice concerns no memory in use.
    let start = unsafe { libc::mmap(ptr::null_mut(), size, libc::PROT_NONE, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    for pair in 0..pairs {
        // SAFETY: the page lies in the mapping above, to which nothing refers.
        check(unsafe {
            libc::mprotect(start.byte_add((2 * pair + 1) * PAGE), PAGE, libc::PROT_READ)
        })?;
    }
    Ok(())
}

// ANCHOR: meet
/// Brings a limit close and starts threads until one can't be started, or twice as many as predicted
/// were. It is not certain that this returns, so it prints as it goes: the least limit and its
/// prediction, how many threads have started, and the error.
pub fn meet(squeeze: Squeeze) -> io::Result<()> {
    let one = one_thread()?;
    squeeze.apply()?;
    let limits = limits(&one)?;
    let least = least(&limits);
    println!("{}: {}", least.name, least.threads());
    let mut threads = Threads::new();
    for started in 0..2 * least.threads() {
        println!("{started}");
        if let Err(error) = threads.add(1) {
            println!("{error}");
            return Ok(());
        }
    }
    Err(io::Error::other("twice as many threads as predicted have started"))
}
// ANCHOR_END: meet

/// What a process that met a limit has printed.
#[derive(Debug, PartialEq, Eq)]
pub struct Met {
    /// The least limit.
    pub limit: String,
    /// How many threads it was to allow.
    pub predicted: u64,
    /// How many there were.
    pub started: u64,
    /// The error of the next; `None` if the process died of it.
    pub error: Option<String>,
}

impl Met {
    /// Reads what [`meet`] printed.
    pub fn parse(printed: &str) -> Option<Met> {
        let mut lines = printed.lines();
        let (limit, predicted) = lines.next()?.split_once(": ")?;
        let predicted = predicted.parse().ok()?;
        let (mut started, mut error) = (0, None);
        for line in lines {
            match line.parse() {
                Ok(number) => started = number,
                Err(_) => error = Some(line.to_owned()),
            }
        }
        Some(Met { limit: limit.to_owned(), predicted, started, error })
    }
}

/// Why `vm.max_map_count` should not be used up here, if it should not.
pub fn too_many_mappings() -> io::Result<Option<String>> {
    let most = max_map_count()?;
    let reason = format!("vm.max_map_count is {most}: to use that up takes much kernel memory");
    Ok((most > 1 << 18).then_some(reason))
}

fn check(result: i32) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn number(file: &str) -> io::Result<u64> {
    fs::read_to_string(file)?.trim().parse().map_err(io::Error::other)
}

fn max_map_count() -> io::Result<u64> {
    number("/proc/sys/vm/max_map_count")
}

/// How many threads the machine has now: `running/all` in `/proc/loadavg`.
fn threads_now() -> io::Result<u64> {
    let loadavg = fs::read_to_string("/proc/loadavg")?;
    let all = loadavg.split(['/', ' ']).nth(4).and_then(|all| all.parse().ok());
    all.ok_or_else(|| io::Error::other("no count of threads in /proc/loadavg"))
}

/// A soft limit as `/proc/self/limits` shows it; `u64::MAX` for `unlimited`.
fn soft_limit(name: &str) -> io::Result<u64> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix(name));
    let soft = line.and_then(|rest| rest.split_whitespace().next()).unwrap_or("unlimited");
    Ok(soft.parse().unwrap_or(u64::MAX))
}

/// `RLIMIT_NPROC`, which the kernel does not ask of root.
fn processes_of_user() -> io::Result<u64> {
    if uid("/proc/self")? == 0 { Ok(u64::MAX) } else { soft_limit("Max processes") }
}

/// How many threads the user of this process has.
fn threads_of_user() -> io::Result<u64> {
    let me = uid("/proc/self")?;
    let mut threads = 0;
    for process in fs::read_dir("/proc")?.flatten() {
        // A process may end while it is looked at.
        let path = process.path();
        if uid(&path).is_ok_and(|uid| uid == me) {
            threads += status(&path, "Threads:").unwrap_or_default();
        }
    }
    Ok(threads)
}

fn uid(process: impl AsRef<Path>) -> io::Result<u64> {
    status(process, "Uid:")
}

fn status(process: impl AsRef<Path>, key: &str) -> io::Result<u64> {
    let status = fs::read_to_string(process.as_ref().join("status"))?;
    let value = status.lines().find_map(|line| line.strip_prefix(key)?.split_whitespace().next());
    value.and_then(|value| value.parse().ok()).ok_or_else(|| io::Error::other(key.to_owned()))
}

/// How many more threads the cgroup of this process allows, and each cgroup around it.
fn pids_left() -> io::Result<u64> {
    let mut left = u64::MAX;
    for line in fs::read_to_string("/proc/self/cgroup")?.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let root = match controllers {
            "" => "/sys/fs/cgroup",
            "pids" => "/sys/fs/cgroup/pids",
            _ => continue,
        };
        for dir in PathBuf::from(format!("{root}{path}")).ancestors() {
            let of = |file| number(&dir.join(file).to_string_lossy());
            // `max`, or no such file, is no limit.
            if let (Ok(most), Ok(used)) = (of("pids.max"), of("pids.current")) {
                left = left.min(most.saturating_sub(used));
            }
        }
    }
    Ok(left)
}

/// What the kernel thinks it could give without swapping.
fn memory_available() -> io::Result<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo")?;
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.map(|kib| kib << 10).ok_or_else(|| io::Error::other("no MemAvailable"))
}

//! All processes that descend from this one, and their end.

use std::fs;
use std::io;
use std::mem::zeroed;
use std::thread;
use std::time::{Duration, Instant};

/// How long a killed process may take to vanish, in seconds.
const VANISHING: u64 = 5;

/// Makes this process the parent of every descendant that loses its own: `PR_SET_CHILD_SUBREAPER`
/// in `prctl(2)`.
pub(crate) fn adopt() -> io::Result<()> {
    // SAFETY: prctl with this option takes integers.
    match unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Kills every descendant of this process and reaps it. They may fork meanwhile, so it looks again
/// until there are none.
///
/// Fails if there still are some after 5 s.
pub(crate) fn end() -> io::Result<()> {
    let from = Instant::now();
    loop {
        let descendants = descendants()?;
        for &pid in &descendants {
            // SAFETY: kill takes two integers.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
        // SAFETY: waitpid takes integers, and a null pointer for a status that nobody wants.
        while unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } > 0 {}
        if descendants.is_empty() {
            return Ok(());
        }
        if from.elapsed() > Duration::from_secs(VANISHING) {
            let left = format!("processes of the client can't be killed: {descendants:?}");
            return Err(io::Error::other(left));
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// The descendants, zombies among them: a parent that forks faster than we look is found again
/// through what it left.
pub(crate) fn descendants() -> io::Result<Vec<i32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok())
        else {
            continue;
        };
        // pid (comm) state ppid: a name may hold blanks and parentheses. One that ends just now
        // has no such file.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let parent = after_name.split_whitespace().nth(1).and_then(|field| field.parse().ok());
        parents.extend(parent.map(|parent: i32| (pid, parent)));
    }
    let mut found = vec![std::process::id() as i32];
    let mut at = 0;
    while let Some(&parent) = found.get(at) {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    Ok(found.split_off(1))
}

/// The processor time of all children that have been reaped, and of those that they had reaped.
pub(crate) fn time_of_the_dead() -> Duration {
    // SAFETY: rusage is integers, for which zeroes are valid values.
    let mut usage: libc::rusage = unsafe { zeroed() };
    // SAFETY: getrusage writes one rusage, and `usage` is one that outlives the call.
    unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage) };
    let time = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    time(usage.ru_utime) + time(usage.ru_stime)
}

//! What tests leave behind: processes that have left the group of their test, and outlive it.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid,
};

/// How long processes that start others again and again are chased.
const PATIENCE: Duration = Duration::from_secs(5);

/// From now on orphans become children of this process: prctl(2), `PR_SET_CHILD_SUBREAPER`.
pub fn adopt() {
    // Where that is refused they go to process 1, as without it.
    let _ = set_child_subreaper(Some(getpid()));
}

/// Kills all children of this process, and theirs, who come to it as orphans. It must have none of its own.
pub fn end() {
    let started = Instant::now();
    loop {
        let children = children();
        if children.is_empty() || started.elapsed() > PATIENCE {
            return;
        }
        for child in children {
            let _ = kill_process(child, Signal::KILL);
        }
        while let Ok(Some(_)) = waitpid(None, WaitOptions::NOHANG) {}
        thread::sleep(Duration::from_millis(1));
    }
}

/// The children of all threads of this process: proc_pid_task(5).
fn children() -> Vec<Pid> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let listed = tasks.map(|task| fs::read_to_string(task.path().join("children")));
    let pids = listed.flatten().collect::<String>();
    pids.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}

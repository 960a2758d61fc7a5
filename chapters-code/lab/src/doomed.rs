//! Runs what may hang or crash in a child process and says how it ended.
//!
//! ```
//! # #[cfg(target_os = "linux")] {
//! use lab::doomed::{Ending, watch};
//! use std::{process::Command, time::Duration};
//!
//! let mut shell = Command::new("sh");
//! shell.args(["-c", "echo almost; kill -SEGV $$"]);
//! let ended = watch(shell, Duration::from_secs(10)).unwrap();
//! assert_eq!(ended.stdout, "almost\n");
//! assert_eq!(ended.how.to_string(), "killed by SIGSEGV");
//! # }
//! ```
//!
//! # A hang is seen, not guessed
//!
//! On Linux the kernel tells which system call every thread sleeps in, and its arguments
//! (`/proc/PID/task/TID/syscall`, `proc(5)`). [`Ending::Hung`] means all of this:
//!
//! - every thread of the child, of its process group and of their descendants sleeps in a wait
//!   that no timer ends: `epoll_wait` or `poll` with timeout -1, `futex` without a timeout, a read,
//!   write, accept or connect on a descriptor, a wait for a child, `pause` and their relatives;
//! - none of them was switched in for 0.4 s (the counters of context switches in `status` stood
//!   still). That is longer than what the kernel itself may hold back: corked bytes for 200 ms
//!   (`TCP_CORK` in `tcp(7)`), a delayed ACK for less;
//! - nothing that they hold is about to wake them: no armed timerfd, no POSIX timer, no TCP
//!   segment or SYN that waits to be sent again, no `SO_RCVTIMEO` or `SO_SNDTIMEO` on the socket
//!   that a thread sleeps on.
//!
//! A timed wait is no hang, nor is a stopped process, nor one that runs or waits for a disk. They
//! end by themselves, or they are [`Ending::TooLong`] when the deadline passes. So is everything
//! where the kernel does not tell: outside Linux, under `qemu-user`, where `ptrace(2)` is denied.
//!
//! What is **not** seen:
//! - Processes outside the family. One that could still act on the child (a server in the test
//!   process, say) makes a hang of what is merely a wait. Peers live inside the child, or have
//!   finished before [`Watched::end`] is called.
//! - `alarm(2)` and `setitimer(2)`, TCP keepalive, a wait for a file to change, for a terminal or
//!   for another machine: also called a hang.
//! - Waits outside the table, such as `flock` or `sendfile`, and a
//!   `poll` without timeout after `SIGCONT` (the kernel then says `restart_syscall`): too long.
//!   `io_uring_enter` too, as a timeout may be among what the ring was asked; but it is named.
//!
//! # Nothing stays behind
//!
//! The child leads its own process group, and the whole group is killed when its leader ends, when
//! a [`Watched`] is dropped, and when the watch is over. Ctrl-C does not reach that group, so the
//! child asks for `SIGKILL` when the process that started it dies (`PR_SET_PDEATHSIG` in
//! `prctl(2)`). This reaches the leader; processes that the leader started die with it only if they
//! asked for the same, as those started by this module did, or if they notice that it is gone.

use std::env;
use std::fmt;
use std::io::{self, PipeWriter, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{self, Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
mod asleep;

/// Elsewhere nobody tells: no hang is ever seen.
#[cfg(not(target_os = "linux"))]
mod asleep {
    #[derive(PartialEq)]
    pub(super) struct Thread;

    pub(super) fn for_ever(_: i32) -> Option<Vec<Thread>> {
        None
    }

    pub(super) fn timer_armed(_: &[Thread]) -> bool {
        true
    }

    pub(super) fn now(_: i32) -> (Vec<super::Asleep>, usize) {
        (Vec::new(), 0)
    }

    pub(super) fn in_call(_: i32, _: &str) -> Option<super::Asleep> {
        None
    }

    impl From<Thread> for super::Asleep {
        fn from(_: Thread) -> Self {
            unreachable!("no thread is seen asleep here")
        }
    }
}

/// The last resort of [`child`]: nothing in a test takes that long.
const DEADLINE: Duration = Duration::from_secs(30);
/// How often the threads are looked at. A child that exits is noticed without looking.
const LOOK: Duration = Duration::from_millis(20);
/// How long everything must stand still before it is called a hang: see the module's page.
const SETTLE: Duration = Duration::from_millis(400);
/// How much of stdout and of stderr is kept, in bytes: the end of it.
const KEPT: usize = 1 << 20;

/// How a child ended, what it printed and how long it ran.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Ended {
    /// Passed, failed, killed, hung or too long.
    pub how: Ending,
    /// What the child and its descendants printed: the last MiB, with U+FFFD for what is not UTF-8.
    pub stdout: String,
    /// The same for stderr.
    pub stderr: String,
    /// The time from the start until the end was seen. A hang is seen 0.4 s after it began.
    pub after: Duration,
    /// When it was [`Ending::TooLong`]: the threads that slept at the deadline, timed or not, those
    /// of the leader first. Others slept in what is not in the table, or were stopped, or ran.
    pub asleep: Vec<Asleep>,
    /// In that case also: how many threads ran then, or would have if there had been a processor.
    pub running: usize,
}

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It exited with 0.
    Passed,
    /// It exited with this code, which is not 0. A panic of the main thread or of a test is 101.
    Failed(i32),
    /// A signal killed it, and it was not ours.
    Killed(Signal),
    /// Every thread sleeps in a wait that nothing will end: these, those of the leader first.
    Hung(Vec<Asleep>),
    /// The deadline passed, and it was not seen to hang.
    TooLong,
}

/// A thread that sleeps in a system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asleep {
    /// Its process.
    pub pid: i32,
    /// `main` for a process's first thread, else its name, of which Linux keeps 15 bytes.
    pub thread: String,
    /// The system call. Variants go by one name, so that a test holds on every architecture:
    /// `epoll_wait`, `poll`, `select`, `futex`, `accept`, `nanosleep`.
    pub call: &'static str,
    /// The argument that says when it ends: `timeout -1`, `no timeout`, `descriptor 5`; or nothing.
    pub detail: String,
}

/// The number of a signal, shown by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal(pub i32);

/// Runs `command` in its own process group until it ends, hangs or the deadline passes.
///
/// Its stdin is `/dev/null`. Fails if the program cannot be started.
pub fn watch(command: Command, deadline: Duration) -> io::Result<Ended> {
    Ok(Watched::spawn(command)?.end(deadline))
}

/// Runs the body of a test in a child process: `start(test_name, body)` and then
/// [`end`](Watched::end), with a deadline of 30 s.
#[track_caller]
pub fn child(test_name: &str, body: impl FnOnce()) -> Ended {
    start(test_name, body).end(DEADLINE)
}

/// Starts the body of a test in a child process.
///
/// The child is the test's own binary started again with this one test and an environment
/// variable: there this function runs `body` and never returns. The exit code is 0, or 101 if
/// `body` panics. In the parent `body` is dropped unused. So what a test does before this call
/// happens twice, what it does after it only in the parent, and a test has one body.
///
/// `test_name` is the whole path of the test in its binary, as `--list` prints it.
///
/// # Panics
///
/// If the binary cannot be started; and [`end`](Watched::end) if it has no such test.
#[track_caller]
pub fn start(test_name: &str, body: impl FnOnce()) -> Watched {
    const VARIABLE: &str = "LAB_DOOMED";
    if env::var(VARIABLE).is_ok_and(|name| name == test_name) {
        run_here(body);
    }
    let mut command = Command::new(env::current_exe().expect("the path of this binary"));
    command.arg(test_name).env(VARIABLE, test_name);
    // One test at a time: libtest's main thread then waits without a timeout.
    command.args(["--exact", "--nocapture", "--test-threads=1", "--include-ignored"]);
    let mut watched = Watched::spawn(command).expect("this binary starts again");
    watched.test = Some(test_name.to_owned());
    watched
}

/// Printed before the body: what stands before it comes from libtest.
const BODY: &str = "-- the body begins here --\n";

fn run_here(body: impl FnOnce()) -> ! {
    print!("{BODY}");
    io::stdout().flush().expect("stdout is our parent's pipe");
    let passed = catch_unwind(AssertUnwindSafe(body)).is_ok();
    process::exit(if passed { 0 } else { 101 })
}

/// A child process that runs. Dropping it kills its whole process group.
#[derive(Debug)]
pub struct Watched {
    child: Child,
    started: Instant,
    /// Starts the child and lives as long as it does.
    keeper: Option<JoinHandle<()>>,
    /// Closed when the child has ended.
    over: Receiver<()>,
    stdout: Tail,
    stderr: Tail,
    /// The test whose body runs in the child, if one does.
    test: Option<String>,
}

impl Watched {
    /// Starts `command` as the leader of its own process group, with `/dev/null` as stdin.
    ///
    /// Fails if the program cannot be started.
    pub fn spawn(mut command: Command) -> io::Result<Watched> {
        let (stdout, stdout_writer) = Tail::of_pipe()?;
        let (stderr, stderr_writer) = Tail::of_pipe()?;
        command.stdin(Stdio::null()).stdout(stdout_writer).stderr(stderr_writer);
        command.process_group(0);
        prepare(&mut command);
        let (born, birth) = mpsc::channel();
        let (living, over) = mpsc::channel();
        let started = Instant::now();
        // PR_SET_PDEATHSIG strikes when the *thread* that called fork ends. So a thread of its own
        // does, and stays until the child has ended.
        let keeper = thread::Builder::new().name("keeper".into()).spawn(move || {
            let child = command.spawn();
            // With it go our ends for writing: the pipes close with the last of the family.
            drop(command);
            let pid = child.as_ref().map(Child::id).ok();
            let _ = born.send(child);
            if let Some(pid) = pid {
                wait_for(pid as i32, libc::WEXITED);
            }
            drop(living);
        })?;
        let child = birth.recv().expect("the keeper sends what spawn returned")?;
        let keeper = Some(keeper);
        Ok(Watched { child, started, keeper, over, stdout, stderr, test: None })
    }

    /// The process id, which is that of its group too. It stays the child's until this value is
    /// gone, even if the child ends before.
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Waits until a thread sleeps in the system call named `call` (as in [`Asleep::call`]), timed
    /// or not.
    ///
    /// Fails if the child ends first, or with [`io::ErrorKind::TimedOut`] after `deadline`.
    pub fn wait_until_asleep_in(&self, call: &str, deadline: Duration) -> io::Result<Asleep> {
        let from = Instant::now();
        loop {
            if let Some(asleep) = asleep::in_call(self.pid(), call) {
                return Ok(asleep);
            }
            if self.has_ended_within(Duration::from_millis(1)) {
                return Err(io::Error::other(format!("the child ended before it slept in {call}")));
            }
            if from.elapsed() >= deadline {
                let late = format!("no thread slept in {call} for {deadline:?}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, late));
            }
        }
    }

    /// Sends `signal` to the child, not to its group: `kill(2)`.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        // SAFETY: kill takes two integers. The child is not reaped yet (only `kill_all` does that,
        // for which it needs `&mut self`), so the number cannot belong to another process.
        match unsafe { libc::kill(self.pid(), signal.0) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Sends `SIGSTOP` and waits until every thread of the child has stopped, or it has ended.
    ///
    /// Without that wait a `SIGCONT` that follows at once would cancel the stop: `signal(7)`.
    pub fn stop(&self) -> io::Result<()> {
        self.signal(Signal(libc::SIGSTOP))?;
        wait_for(self.pid(), libc::WSTOPPED | libc::WEXITED);
        Ok(())
    }

    /// Sends `SIGCONT`.
    pub fn resume(&self) -> io::Result<()> {
        self.signal(Signal(libc::SIGCONT))
    }

    /// Waits until the child ends, hangs or `deadline` has passed since this call, and kills what
    /// is left of its process group.
    pub fn end(self, deadline: Duration) -> Ended {
        self.end_with(deadline, || ())
    }

    /// Like [`end`](Watched::end), and does something between the end of the group and the reading of
    /// what it printed: who has processes outside of the group ends them there. While one of them
    /// lives, what it inherited is open, and more could come.
    pub fn end_with(mut self, deadline: Duration, others: impl FnOnce()) -> Ended {
        let from = Instant::now();
        let mut still = Stillness { since: from, threads: None };
        let without_end = loop {
            if self.has_ended_within(LOOK.min(deadline)) {
                break None;
            }
            if let Some(threads) = still.look(self.pid()) {
                break Some(Ending::Hung(threads));
            }
            if from.elapsed() >= deadline {
                break Some(Ending::TooLong);
            }
        };
        let after = self.started.elapsed();
        let (asleep, running) = match without_end {
            Some(Ending::TooLong) => asleep::now(self.pid()),
            _ => (Vec::new(), 0),
        };
        let status = self.kill_all();
        others();
        let how = without_end.unwrap_or_else(|| Ending::of(status));
        let (stdout, stderr) = (self.stdout.take(), self.stderr.take());
        let mut ended = Ended { how, stdout, stderr, after, asleep, running };
        if let Some(test) = &self.test {
            ended.cut_to_body(test);
        }
        ended
    }

    fn has_ended_within(&self, time: Duration) -> bool {
        self.over.recv_timeout(time) == Err(RecvTimeoutError::Disconnected)
    }

    /// Kills the group and reaps its leader, in that order: until it is reaped no other process
    /// and no other group can get its number. The second call does nothing.
    fn kill_all(&mut self) -> ExitStatus {
        if let Some(keeper) = self.keeper.take() {
            // SAFETY: kill takes two integers. The keeper is joined once, before the leader is
            // reaped: the number still names this group.
            unsafe { libc::kill(-self.pid(), libc::SIGKILL) };
            keeper.join().expect("the keeper does not panic");
        }
        self.child.wait().expect("nobody else reaps the child")
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.kill_all();
    }
}

/// Waits for a change of state that `flags` names (`waitid(2)`) and leaves it to be waited for
/// again.
fn wait_for(pid: i32, flags: i32) {
    loop {
        // SAFETY: siginfo_t is integers and pointers, for which all zeroes are valid values.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let flags = flags | libc::WNOWAIT;
        // SAFETY: waitid writes one siginfo_t, and `info` is one that outlives the call.
        let done = unsafe { libc::waitid(libc::P_PID, pid as libc::id_t, &mut info, flags) };
        if done == 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return;
        }
    }
}

/// Makes the child die with this process, leave no core file, and have no descriptor but the three
/// standard ones.
fn prepare(command: &mut Command) {
    let parent = process::id();
    let prepare = move || {
        #[cfg(target_os = "linux")]
        // SAFETY: prctl with this option takes integers.
        if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } == -1 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: getppid takes nothing and cannot fail.
        if unsafe { libc::getppid() } as u32 != parent {
            // The parent died before the prctl, so no signal will come.
            // SAFETY: _exit ends this process and runs nothing of the one it is a copy of.
            unsafe { libc::_exit(1) }
        }
        leave_no_core();
        inherit_no_descriptor();
        Ok(())
    };
    // SAFETY: it runs between fork and exec in a copy of a process with many threads, where only
    // what is async-signal-safe is allowed. It makes system calls, allocates nothing and takes no
    // lock: `last_os_error` reads errno.
    unsafe { command.pre_exec(prepare) };
}

/// Allows core files of one byte, which are not written; and unlike 0 this also keeps Linux from
/// piping the core to a program (`core(5)`). A limit that can't be set is no reason not to start.
fn leave_no_core() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: getrlimit writes one rlimit, and `limit` is one.
    unsafe { libc::getrlimit(libc::RLIMIT_CORE, &mut limit) };
    limit.rlim_cur = limit.rlim_max.min(1);
    // SAFETY: setrlimit reads one rlimit, and `limit` is one.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &limit) };
}

/// Marks what a shell, a terminal or a runner of tests left open, so that the program closes it as it
/// starts: the first descriptor that it makes is 3, whoever started it. Where the kernel can't do so
/// (`close_range(2)`: since Linux 5.11) the program starts with what there is.
fn inherit_no_descriptor() {
    #[cfg(target_os = "linux")]
    // SAFETY: close_range takes three integers, and with this flag closes nothing: std's own pipe,
    // which tells that exec failed, has the mark already.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC)
    };
}

/// Since when every thread has slept without being switched in.
struct Stillness {
    since: Instant,
    threads: Option<Vec<asleep::Thread>>,
}

impl Stillness {
    /// Looks again; says who sleeps once that is a hang.
    ///
    /// No sample is taken of all threads at one instant. But a thread that was switched in between
    /// two samples has another count in the second, so two that are equal prove that all threads
    /// slept together for the time between them. The timers are asked in between: one that fired
    /// before it was asked has changed a count by the second sample.
    fn look(&mut self, leader: i32) -> Option<Vec<Asleep>> {
        let threads = asleep::for_ever(leader);
        if threads.is_none() || threads != self.threads {
            *self = Stillness { since: Instant::now(), threads };
            return None;
        }
        let settled = self.since.elapsed() >= SETTLE;
        let hung = settled
            && !asleep::timer_armed(threads.as_ref()?)
            && asleep::for_ever(leader) == threads;
        hung.then_some(threads?.into_iter().map(Asleep::from).collect())
    }
}

/// The last [`KEPT`] bytes that came out of a pipe. A thread reads them, so that the child never
/// waits for us, however much it prints.
#[derive(Debug)]
struct Tail {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// Closed when the pipe is.
    closed: Receiver<()>,
}

impl Tail {
    fn of_pipe() -> io::Result<(Tail, PipeWriter)> {
        let (mut pipe, writer) = io::pipe()?;
        let (open, closed) = mpsc::channel();
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let tail = Tail { bytes: bytes.clone(), closed };
        let drain = thread::Builder::new().name("drain".into());
        drain.spawn(move || {
            let mut buf = [0; 1 << 14];
            while let Ok(n @ 1..) = pipe.read(&mut buf) {
                let mut bytes = bytes.lock().unwrap_or_else(PoisonError::into_inner);
                bytes.extend_from_slice(&buf[..n]);
                if bytes.len() > 2 * KEPT {
                    let surplus = bytes.len() - KEPT;
                    bytes.drain(..surplus);
                }
            }
            drop(open);
        })?;
        Ok((tail, writer))
    }

    /// What was printed, once the group is dead. A process that left the group may keep the pipe
    /// open: that long we do not wait.
    fn take(&self) -> String {
        let _ = self.closed.recv_timeout(Duration::from_secs(1));
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(KEPT)..]).into_owned()
    }
}

impl Ended {
    /// Cuts what libtest printed before the body.
    fn cut_to_body(&mut self, test: &str) {
        if let Some((_, body)) = self.stdout.split_once(BODY) {
            self.stdout = body.to_owned();
        } else if self.stdout.len() < KEPT {
            panic!("the child did not reach the body of a test `{test}`: {self}");
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} after {:.1?}", self.how, self.after)?;
        self.asleep.iter().try_for_each(|thread| write!(f, "\n{thread}"))?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "\n--- {name}\n{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}

impl Ending {
    fn of(status: ExitStatus) -> Ending {
        match (status.code(), status.signal()) {
            (Some(0), _) => Ending::Passed,
            (Some(code), _) => Ending::Failed(code),
            (None, signal) => Ending::Killed(Signal(signal.expect("exited or killed: wait(2)"))),
        }
    }

    /// Whether it hung with at least one thread in the system call named `call`.
    pub fn hung_in(&self, call: &str) -> bool {
        matches!(self, Ending::Hung(threads) if threads.iter().any(|thread| thread.call == call))
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Passed => f.write_str("passed"),
            Ending::Failed(code) => write!(f, "failed with exit code {code}"),
            Ending::Killed(signal) => write!(f, "killed by {signal}"),
            Ending::TooLong => f.write_str("still running at the deadline"),
            Ending::Hung(threads) => {
                f.write_str("hung: ")?;
                for (i, thread) in threads.iter().enumerate() {
                    let gap = if i == 0 { "" } else { "; " };
                    let process = match threads[0].pid == thread.pid {
                        true => String::new(),
                        false => format!("process {}, ", thread.pid),
                    };
                    write!(f, "{gap}{process}{thread}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Asleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gap = if self.detail.is_empty() { "" } else { ", " };
        write!(f, "thread `{}` sleeps in {}{gap}{}", self.thread, self.call, self.detail)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            libc::SIGHUP => "SIGHUP",
            libc::SIGINT => "SIGINT",
            libc::SIGQUIT => "SIGQUIT",
            libc::SIGILL => "SIGILL",
            libc::SIGTRAP => "SIGTRAP",
            libc::SIGABRT => "SIGABRT",
            libc::SIGBUS => "SIGBUS",
            libc::SIGFPE => "SIGFPE",
            libc::SIGKILL => "SIGKILL",
            libc::SIGUSR1 => "SIGUSR1",
            libc::SIGSEGV => "SIGSEGV",
            libc::SIGUSR2 => "SIGUSR2",
            libc::SIGPIPE => "SIGPIPE",
            libc::SIGALRM => "SIGALRM",
            libc::SIGTERM => "SIGTERM",
            libc::SIGCONT => "SIGCONT",
            libc::SIGSTOP => "SIGSTOP",
            libc::SIGSYS => "SIGSYS",
            number => return write!(f, "signal {number}"),
        };
        f.write_str(name)
    }
}

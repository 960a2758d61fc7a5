//! The process that a client meets its peer in, and how it tells the gauntlet what happened.

use std::env;
use std::fmt::Display;
use std::io::{self, BufReader, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{self, Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use lab::doomed::Signal;
use lab::peer::{Mode, Peer};

use crate::{STREAMS, family, transcript};

/// In the environment of a process that shall be a stage: the mode, and for how many milliseconds
/// nothing is called a hang.
const STAGE: &str = "GAUNTLET_STAGE";
const PATIENCE: &str = "PATIENCE_MS";

/// How much later than the patience a client's last alarm may ring.
const GRACE: Duration = Duration::from_millis(500);

/// Makes `command` start a stage; what follows in its arguments is the client.
pub(crate) fn ask(
    command: &mut Command,
    mode: Mode,
    calm: Duration,
    patience: Duration,
) -> &mut Command {
    command.env(STAGE, format!("{mode} {}", calm.as_millis()));
    command.env(PATIENCE, patience.as_millis().to_string())
}

/// If this process was started to be a stage, is one and never returns. A program that holds the
/// gauntlet begins with it.
pub fn stage_if_asked() {
    let Ok(asked) = env::var(STAGE) else { return };
    let (mode, calm) = asked.split_once(' ').expect("the gauntlet names a mode and a time");
    let mode = mode.parse().expect("the gauntlet names a mode that there is");
    let calm = Duration::from_millis(calm.parse().expect("the gauntlet tells milliseconds"));
    let mut words = env::args_os().skip(1);
    let mut client = Command::new(words.next().expect("the gauntlet names a client"));
    client.args(words);
    match play(mode, calm, client) {
        Ok(()) => process::exit(0),
        Err(error) => {
            eprintln!("{error}");
            process::exit(1)
        }
    }
}

/// Lets the client run against a peer, and tells on stdout what it does. After the time `calm` it
/// waits for the client without a timeout: from then on a hang can be seen.
fn play(mode: Mode, calm: Duration, mut client: Command) -> io::Result<()> {
    end_with_parent()?;
    family::adopt()?;
    let peer = Peer::start(mode, STREAMS)?;
    client.env_remove(STAGE).env("PEER", peer.addr().to_string());
    client.env("STREAMS", STREAMS.to_string());
    client.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
    let started = Instant::now();
    let mut child = match client.spawn() {
        Ok(child) => child,
        Err(error) => return say("unstartable", error),
    };
    let read = check(&mut child, mode);
    let ended = wait(child);
    let status = match ended.recv_timeout(calm + GRACE) {
        Ok(status) => status,
        Err(_) => ended.recv().expect("who waits for the client tells"),
    }?;
    let after = started.elapsed();
    // What it started may have more to print: a shell does not wait for all of a pipeline.
    let _ = read.recv_timeout(GRACE);
    family::end()?;
    let _ = read.recv_timeout(GRACE);
    match (status.code(), status.signal()) {
        (Some(code), _) => say("exited", format_args!("{} {code}", after.as_millis())),
        (_, signal) => say("killed", Signal(signal.unwrap_or(0))),
    }
}

/// Checks what the client prints, in a thread. The receiver is closed when stdout is.
fn check(child: &mut Child, mode: Mode) -> Receiver<()> {
    let (open, closed) = mpsc::channel();
    let stdout = child.stdout.take().expect("stdout is piped");
    thread::spawn(move || {
        let note = |note| match note {
            transcript::Note::Right(request) => say("right", request),
            transcript::Note::Wrong(what) => say("wrong", what),
        };
        let _ = transcript::check(BufReader::new(stdout), mode, note);
        drop::<mpsc::Sender<()>>(open);
    });
    closed
}

/// Waits for the client in a thread, without a timeout.
fn wait(mut child: Child) -> Receiver<io::Result<ExitStatus>> {
    let (tell, ended) = mpsc::channel();
    thread::spawn(move || tell.send(child.wait()));
    ended
}

/// Tells the gauntlet: a word, a blank, the rest of the line.
fn say(word: &str, what: impl Display) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{word} {what}")?;
    stdout.flush()
}

/// From now on this process ends its descendants, and itself, when its parent ends; as when
/// somebody presses Ctrl-C. It came with an order to the kernel to kill it then, which would leave
/// the descendants alone.
fn end_with_parent() -> io::Result<()> {
    // SAFETY: getppid takes nothing and cannot fail; pidfd_open takes two integers.
    let parent = unsafe { libc::syscall(libc::SYS_pidfd_open, libc::getppid(), 0) };
    if parent == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is open, and nobody else owns it.
    let parent = unsafe { OwnedFd::from_raw_fd(parent as i32) };
    thread::spawn(move || {
        let mut poll = libc::pollfd { fd: parent.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: `poll` is one pollfd that outlives the call, and its descriptor is open.
        while unsafe { libc::poll(&mut poll, 1, -1) } != 1 {}
        let _ = family::end();
        process::exit(1);
    });
    // SAFETY: prctl with this option takes integers.
    match unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The words of a line of [`say`].
pub(crate) fn said(line: &str) -> (&str, &str) {
    line.split_once(' ').unwrap_or((line, ""))
}

//! The process that a client meets its peer in, and how it tells the gauntlet what happened.

use std::env;
use std::fmt::Display;
use std::io::{self, BufReader, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{self, Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use lab::doomed::Signal;
use lab::peer::{Mode, Peer, Seen};

use crate::idle::Looks;
use crate::{STREAMS, family, transcript};

/// In the environment of a process that shall be a stage: the mode, and for how many milliseconds
/// nothing is called a hang.
const STAGE: &str = "GAUNTLET_STAGE";
const PATIENCE: &str = "PATIENCE_MS";

/// How much later than the patience a client's last alarm may ring.
const GRACE: Duration = Duration::from_millis(500);

/// How often a client that shall wait is looked at.
const LOOK: Duration = Duration::from_millis(25);

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
            // The gauntlet may be gone, and another thread about to end the client: an exit before
            // that is done would leave the rest of the family to process 1.
            let _ = family::end();
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
    let peer = Arc::new(Peer::start(mode, STREAMS)?);
    client.env_remove(STAGE).env("PEER", peer.addr().to_string());
    client.env("STREAMS", STREAMS.to_string());
    client.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
    let started = Instant::now();
    let mut child = match client.spawn() {
        Ok(child) => child,
        Err(error) => return say("unstartable", error),
    };
    let read = check(&mut child, mode);
    tell_what_is_seen(Arc::clone(&peer));
    look(&wait(&child), &peer, mode, started + calm + GRACE)?;
    let status = child.wait()?;
    let after = started.elapsed();
    // What it started may have more to print: a shell does not wait for all of a pipeline.
    let _ = read.recv_timeout(GRACE);
    family::end()?;
    let _ = read.recv_timeout(GRACE);
    if peer.seen().asked < STREAMS {
        // What the client sent last may still be on its way.
        thread::sleep(LOOK);
    }
    say_seen(peer.seen())?;
    match (status.code(), status.signal()) {
        (Some(code), _) => say("exited", format_args!("{} {code}", after.as_millis())),
        (_, signal) => say("killed", Signal(signal.unwrap_or(0))),
    }
}

/// Waits until that time for the client's end. Of one that shall wait as well, because no reply ever
/// comes, it tells how the client spent the time since it had nothing more to do.
fn look(ended: &Receiver<()>, peer: &Peer, mode: Mode, until: Instant) -> io::Result<()> {
    let mut looks = Looks::default();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let has_ended = ended.recv_timeout(left.min(LOOK)) == Err(RecvTimeoutError::Disconnected);
        let seen = peer.seen();
        let all = if mode == Mode::Silent { seen.connected } else { seen.asked };
        if looks.have_begun() || !mode.answers() && all == STREAMS {
            looks.look();
        }
        if has_ended || left.is_zero() {
            break;
        }
    }
    let idle = looks.between();
    let [of, ran, queued] = [idle.of, idle.ran, idle.queued].map(|time| time.as_micros());
    say("idle", format_args!("{of} {ran} {queued} {}", idle.sleeps))
}

/// Tells what the peer has seen whenever it has seen more, in a thread that waits without a timeout:
/// of a client that hangs it has been told by then.
fn tell_what_is_seen(peer: Arc<Peer>) {
    thread::spawn(move || {
        let mut seen = Seen::default();
        while let Some(now) = peer.seen_other_than(seen) {
            seen = now;
            let _ = say_seen(seen);
        }
    });
}

fn say_seen(seen: Seen) -> io::Result<()> {
    say("seen", format_args!("{} {} {}", seen.connected, seen.asked, seen.too_many))
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

/// Waits for the client in a thread, without a timeout. The receiver is closed when it has ended; it
/// is not reaped, and what it has used can be looked at once more.
fn wait(child: &Child) -> Receiver<()> {
    let (living, ended) = mpsc::channel();
    let pid = child.id();
    thread::spawn(move || {
        let flags = libc::WEXITED | libc::WNOWAIT;
        // SAFETY: waitid takes integers, and a null pointer for what nobody wants to know.
        while unsafe { libc::waitid(libc::P_PID, pid, std::ptr::null_mut(), flags) } == -1
            && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
        {}
        drop::<mpsc::Sender<()>>(living);
    });
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

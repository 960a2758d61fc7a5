//! What is said of a client in one mode.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::time::Duration;

use lab::doomed::{Asleep, Ended, Ending};
use lab::peer::{Mode, Seen};

use crate::idle::Idle;
use crate::{Gauntlet, STREAMS, stage};

/// How a client did against one peer.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// In one or two words: `right`, `gave up`, `spins`, `wrong`, `failed`, `hung`, `too long`.
    pub word: &'static str,
    /// In one line.
    pub said: String,
    /// Where the client's threads slept, if it had to be stopped.
    pub asleep: Vec<Asleep>,
}

impl Verdict {
    /// Whether nothing is to be said against the client: it finished with the right bytes, or gave
    /// up by itself on a peer that never replies, and slept until then.
    pub fn is_right(&self) -> bool {
        ["right", "gave up"].contains(&self.word)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}

/// What the stage has told.
#[derive(Default)]
struct Told {
    right: Vec<usize>,
    wrong: Vec<String>,
    /// The error with which the client did not start.
    unstartable: Option<String>,
    exited: Option<(Duration, i32)>,
    killed: Option<String>,
    seen: Seen,
    idle: Idle,
}

/// Judges how a stage ended, of which `leader` is the process, and `busy` the time that all
/// processes ran.
pub(crate) fn judge(
    gauntlet: &Gauntlet,
    mode: Mode,
    leader: i32,
    ended: Ended,
    busy: Duration,
) -> io::Result<Verdict> {
    let told = Told::by(&ended.stdout);
    if let Some(error) = told.unstartable {
        let program = gauntlet.command[0].display();
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("`{program}` can't be started: {error}"),
        ));
    }
    let words = last_words(&ended.stderr);
    let clients = |threads: Vec<Asleep>| -> Vec<Asleep> {
        threads.into_iter().filter(|thread| thread.pid != leader).collect()
    };
    Ok(match ended.how {
        Ending::Passed => told.verdict(gauntlet, mode, words),
        Ending::Hung(threads) => {
            let asleep = clients(threads);
            let said = format!("hung in {}", place(&asleep));
            told.stopped(mode, "hung", said, asleep)
        }
        Ending::TooLong if has_worked(&ended, busy, &clients(ended.asleep.clone())) => {
            let said = format!(
                "too long: it used {:.1} s of processor time in {:.1} s",
                secs(busy),
                secs(ended.after)
            );
            told.stopped(mode, "too long", said, clients(ended.asleep))
        }
        Ending::TooLong => {
            let asleep = clients(ended.asleep);
            let said = match asleep.is_empty() {
                true => "too long: not in a wait that is known; stopped by a signal?".to_owned(),
                false => format!("hung in {}, until the deadline", place(&asleep)),
            };
            let word = if asleep.is_empty() { "too long" } else { "hung" };
            told.stopped(mode, word, said, asleep)
        }
        how @ (Ending::Failed(_) | Ending::Killed(_)) => {
            return Err(io::Error::other(format!(
                "the stage {how}: {}",
                words.unwrap_or_default()
            )));
        }
    })
}

/// Whether what was stopped had used the processor, and not waited: for half the time; or for less on a
/// machine that has others to serve, and it would have gone on, or was in no wait that is known, like
/// who waits until somebody takes what it has printed.
fn has_worked(ended: &Ended, busy: Duration, asleep: &[Asleep]) -> bool {
    let goes_on = ended.running > 0 || asleep.is_empty();
    2 * busy > ended.after || goes_on && 10 * busy > ended.after
}

impl Told {
    fn by(stdout: &str) -> Told {
        let mut told = Told::default();
        for line in stdout.lines() {
            match stage::said(line) {
                ("right", request) => told.right.extend(request.parse::<usize>()),
                ("wrong", what) => told.wrong.push(what.to_owned()),
                ("unstartable", error) => told.unstartable = Some(error.to_owned()),
                ("killed", signal) => told.killed = Some(signal.to_owned()),
                ("exited", how) => told.exited = exited(how),
                ("seen", how) => told.seen = seen(how).unwrap_or(told.seen),
                ("idle", how) => told.idle = idle(how).unwrap_or(told.idle),
                _ => {}
            }
        }
        told
    }

    /// Of a client that ended.
    fn verdict(self, gauntlet: &Gauntlet, mode: Mode, words: Option<&str>) -> Verdict {
        let (answers, replies, unseen) = (mode.answers(), self.replies(), self.unseen(mode));
        let last = words.map_or_else(String::new, |words| format!(": {words}"));
        let (word, said) = match (&self.wrong[..], self.exited) {
            ([first, rest @ ..], _) => {
                let more = if rest.is_empty() {
                    String::new()
                } else {
                    format!("; and {} more", rest.len())
                };
                ("wrong", format!("wrong bytes: {first}{more}"))
            }
            ([], None) => {
                let signal = self.killed.as_deref().unwrap_or("a signal");
                ("failed", format!("failed: killed by {signal}, {replies}{last}"))
            }
            ([], Some((_, 0))) if answers && self.right.len() == STREAMS => {
                ("right", "finished, every byte right".to_owned())
            }
            ([], Some((_, 0))) => ("failed", format!("failed: exit status 0, {}", self.missing())),
            ([], Some((after, status))) if answers => {
                let when = secs(after);
                (
                    "failed",
                    format!("failed after {when:.1} s: exit status {status}, {replies}{last}"),
                )
            }
            ([], Some((_, status))) if words.is_none() => {
                ("failed", format!("failed: exit status {status}, and no word of why on stderr"))
            }
            ([], Some((after, status))) if after < gauntlet.patience => {
                let (after, patience) = (after.as_millis(), gauntlet.patience.as_millis());
                let early = format!("exit status {status} after {after} ms of {patience}");
                ("failed", format!("failed: {early}{last}"))
            }
            ([], Some(_)) if !unseen.is_empty() => ("failed", format!("failed: gave up{last}")),
            ([], Some(_)) if self.idle.spins() => ("spins", spins(self.idle)),
            ([], Some(_)) => ("gave up", format!("gave up, as it should{last}")),
        };
        let unseen = if word == "right" { "" } else { &unseen };
        Verdict { word, said: said + unseen, asleep: Vec::new() }
    }

    /// Of a client that had to be stopped.
    fn stopped(self, mode: Mode, word: &'static str, said: String, asleep: Vec<Asleep>) -> Verdict {
        let wrong = match self.wrong.first() {
            Some(first) => format!("; wrong bytes: {first}"),
            None => String::new(),
        };
        let unseen = self.unseen(mode);
        Verdict { word, said: format!("{said}; {}{wrong}{unseen}", self.replies()), asleep }
    }

    /// What the peer has not seen of what a client shall do, and what it has seen too much of.
    fn unseen(&self, mode: Mode) -> String {
        let Seen { connected, asked, too_many } = self.seen;
        let made = |what: &str, n: usize| format!("; {n} of {STREAMS} {what} the peer");
        let missing = match (connected, asked) {
            (0, _) => "; nobody connected to the peer".to_owned(),
            // It reads nothing, and so cannot know.
            (_, _) if mode == Mode::Silent && connected == STREAMS => String::new(),
            (_, _) if mode == Mode::Silent => made("connections reached", connected),
            (_, 0) => "; the peer was never asked".to_owned(),
            (_, STREAMS) => String::new(),
            (_, _) => made("requests reached", asked),
        };
        match too_many {
            0 => missing,
            1 => missing + "; one connection too many was reset",
            more => format!("{missing}; {more} connections too many were reset"),
        }
    }

    fn replies(&self) -> String {
        format!("{} of {STREAMS} replies printed", self.right.len())
    }

    fn missing(&self) -> String {
        let missing = (0..STREAMS).filter(|request| !self.right.contains(request));
        let missing: Vec<String> = missing.map(|request| request.to_string()).collect();
        format!("no reply to request {}", missing.join(", "))
    }
}

/// Of a client that gave up in time, and did not sleep until then.
fn spins(idle: Idle) -> String {
    let awake = secs(idle.ran + idle.queued);
    format!(
        "right, but spins: ran, or waited for a processor, for {awake:.1} s of the {:.1} s in which \
         it had nothing to do",
        secs(idle.of)
    )
}

fn numbers<T: FromStr, const N: usize>(told: &str) -> Option<[T; N]> {
    let numbers: Vec<T> = told.split(' ').map_while(|number| number.parse().ok()).collect();
    numbers.try_into().ok()
}

fn seen(how: &str) -> Option<Seen> {
    let [connected, asked, too_many] = numbers(how)?;
    Some(Seen { connected, asked, too_many })
}

fn idle(how: &str) -> Option<Idle> {
    let [of, ran, queued, sleeps] = numbers::<u64, 4>(how)?;
    let [of, ran, queued] = [of, ran, queued].map(Duration::from_micros);
    Some(Idle { of, ran, queued, sleeps: sleeps.try_into().ok()? })
}

/// Milliseconds and an exit status.
fn exited(how: &str) -> Option<(Duration, i32)> {
    let (millis, status) = how.split_once(' ')?;
    Some((Duration::from_millis(millis.parse().ok()?), status.parse().ok()?))
}

fn secs(time: Duration) -> f64 {
    time.as_secs_f64()
}

/// The last line that says something. Of a panic, Rust's or Go's, it is the message and not what
/// stands after it.
fn last_words(stderr: &str) -> Option<&str> {
    let lines: Vec<&str> = stderr.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let rust = |line: &&str| line.starts_with("thread '") && line.contains(" panicked at ");
    let go = |line: &&str| line.starts_with("panic: ") || line.starts_with("fatal error: ");
    let after_rust = lines.iter().rposition(rust).and_then(|at| lines.get(at + 1));
    after_rust.or_else(|| lines.iter().find(|line| go(line))).or(lines.last()).copied()
}

/// Where a client hung: of the waits of all threads, the one that has most to do with a peer.
fn place(asleep: &[Asleep]) -> String {
    /// The waits of those that wait for others in the same program.
    const INWARD: [&str; 6] = ["wait4", "waitid", "futex", "nanosleep", "pause", "sigsuspend"];
    let outward = |thread: &&Asleep| INWARD.iter().position(|call| *call == thread.call);
    match asleep.iter().max_by_key(|thread| outward(thread).unwrap_or(INWARD.len())) {
        Some(Asleep { call, detail, .. }) if detail.is_empty() => (*call).to_owned(),
        Some(Asleep { call, detail, .. }) => format!("{call}, {detail}"),
        None => "no thread of its own".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_a_wait_for_the_peer_if_there_is_one() {
        let thread = |call, detail: &str| Asleep {
            pid: 1,
            thread: "main".into(),
            call,
            detail: detail.into(),
        };
        let mut all = vec![thread("wait4", ""), thread("futex", "no timeout")];
        assert_eq!(place(&all), "futex, no timeout");
        all.insert(1, thread("epoll_wait", "timeout -1"));
        assert_eq!(place(&all), "epoll_wait, timeout -1");
    }

    #[test]
    fn who_is_stopped_between_two_writes_has_worked_and_who_was_stopped_before_has_not() {
        let ended = |running| Ended {
            how: Ending::TooLong,
            stdout: String::new(),
            stderr: String::new(),
            after: Duration::from_secs(2),
            asleep: Vec::new(),
            running,
        };
        let half = Duration::from_millis(500);
        assert!(has_worked(&ended(0), half, &[]), "in a write");
        assert!(has_worked(&ended(1), half, &[]), "it runs");
        assert!(!has_worked(&ended(0), Duration::from_millis(5), &[]), "stopped by a signal");
        let call = "epoll_wait";
        let waits = Asleep { pid: 1, thread: "main".into(), call, detail: String::new() };
        let waits = [waits];
        assert!(!has_worked(&ended(0), half, &waits), "in a wait");
        assert!(has_worked(&ended(0), Duration::from_millis(1100), &waits), "most of the time");
    }

    #[test]
    fn the_last_words_of_a_panic_are_its_message() {
        let panic = "thread 'main' panicked at x.rs:1:1:\nno reply\nnote: run with \
                     `RUST_BACKTRACE=1` environment variable to display a backtrace\n\n";
        assert_eq!(last_words(panic), Some("no reply"));
        assert_eq!(
            last_words("panic: no reply\n\ngoroutine 1 [running]:\n"),
            Some("panic: no reply")
        );
        assert_eq!(last_words("one\ntwo \n\n"), Some("two"));
        assert_eq!(last_words("\n \n"), None);
    }
}

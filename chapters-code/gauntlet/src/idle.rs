//! What a client does while it has nothing to do.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use crate::family;

/// No time shorter than this says anything.
const LEAST: Duration = Duration::from_millis(100);

/// How a client and its descendants spent the time from the first look to the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Idle {
    /// How long that was.
    pub(crate) of: Duration,
    /// How long its threads ran, all together.
    pub(crate) ran: Duration,
    /// How long they could have run, and had no processor.
    pub(crate) queued: Duration,
    /// How often they went to sleep.
    pub(crate) sleeps: u32,
}

impl Idle {
    /// Whether it did not sleep: it ran for half of the time; or it would have on a machine with nothing
    /// else to do, and when it ran it did so for longer than one needs who looks and sleeps again.
    pub(crate) fn spins(self) -> bool {
        const A_LOOK: Duration = Duration::from_millis(1);
        let Idle { of, ran, queued, sleeps } = self;
        let would_have = 2 * (ran + queued) > of && ran > A_LOOK * (sleeps + 1);
        of >= LEAST && (2 * ran > of || would_have)
    }
}

/// The looks at the descendants of this process.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    first: Option<(Instant, Idle)>,
    last: Idle,
}

impl Looks {
    /// Whether there has been a look.
    pub(crate) fn have_begun(&self) -> bool {
        self.first.is_some()
    }

    /// Looks at what they have used until now. One that is gone in the middle of it is looked at the
    /// next time, as a part of what the dead have used.
    pub(crate) fn look(&mut self) {
        let (now, Ok(used)) = (Instant::now(), used()) else { return };
        let (from, first) = *self.first.get_or_insert((now, used));
        self.last = Idle {
            of: now - from,
            ran: used.ran.saturating_sub(first.ran).max(self.last.ran),
            // A thread that has ended takes its account with it.
            queued: used.queued.saturating_sub(first.queued).max(self.last.queued),
            sleeps: used.sleeps.saturating_sub(first.sleeps).max(self.last.sleeps),
        };
    }

    /// From the first look to the last.
    pub(crate) fn between(&self) -> Idle {
        self.last
    }
}

/// What the descendants of this process have used.
fn used() -> io::Result<Idle> {
    let mut used = Idle { ran: family::time_of_the_dead(), ..Idle::default() };
    for pid in family::descendants()? {
        let mut exactly = Duration::ZERO;
        for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
            let thread = thread?.path();
            // Where the kernel keeps no such account, none waits.
            let account = fs::read_to_string(thread.join("schedstat")).unwrap_or_default();
            let (ran, queued) = ran_and_queued(&account);
            exactly += ran;
            used.queued += queued;
            used.sleeps += sleeps(&fs::read_to_string(thread.join("status"))?);
        }
        // This one has the threads that have ended, and hundredths of a second.
        used.ran += exactly.max(ran(&fs::read_to_string(format!("/proc/{pid}/stat"))?));
    }
    Ok(used)
}

/// The time that a process has run, in user mode and in the kernel, with the children that it has
/// waited for: fields 14 to 17 of `/proc/PID/stat`, in clock ticks.
fn ran(stat: &str) -> Duration {
    // pid (comm) state: a name may hold blanks and parentheses.
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields = after_name.split_whitespace().skip(11).take(4);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    // SAFETY: sysconf takes an integer.
    let a_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) }.max(1);
    Duration::from_millis(ticks * 1000 / a_second as u64)
}

/// The time that a thread has run and the time that it has waited for a processor: the first numbers
/// of `schedstat`, in nanoseconds.
fn ran_and_queued(schedstat: &str) -> (Duration, Duration) {
    let mut fields = schedstat.split_whitespace();
    let mut next = || fields.next().and_then(|field| field.parse().ok()).unwrap_or(0);
    let (ran, queued) = (next(), next());
    (Duration::from_nanos(ran), Duration::from_nanos(queued))
}

/// How often a thread gave its processor away by itself, as who sleeps does.
fn sleeps(status: &str) -> u32 {
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle(of: u64, ran: u64, queued: u64, sleeps: u32) -> Idle {
        let [of, ran, queued] = [of, ran, queued].map(Duration::from_millis);
        Idle { of, ran, queued, sleeps }
    }

    #[test]
    fn who_runs_or_wants_to_run_all_the_time_spins() {
        assert!(idle(2000, 1990, 0, 0).spins());
        assert!(idle(2000, 200, 1700, 1).spins(), "nine others want the processor too");
        assert!(idle(2000, 20, 1900, 3).spins(), "a hundred do");
        assert!(idle(450, 440, 0, 0).spins());
        assert!(idle(2000, 9000, 0, 0).spins(), "in five threads");
    }

    #[test]
    fn who_sleeps_does_not_spin_however_busy_the_machine_is() {
        assert!(!idle(2000, 0, 0, 1).spins());
        assert!(!idle(2000, 60, 30, 2000).spins(), "it looks at a clock a thousand times a second");
        assert!(!idle(2000, 10, 1500, 200).spins(), "it waits long for each of its short runs");
        assert!(!idle(2000, 1, 1500, 0).spins(), "it waits long for one");
        assert!(!idle(90, 90, 0, 0).spins(), "too short to say");
    }

    #[test]
    fn the_kernel_s_accounts_are_read() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194304 1 2 3 4 10 20 30 40 20 0 1 0";
        assert_eq!(ran(stat), Duration::from_secs(1));
        let (five, more) = (Duration::from_nanos(5), Duration::from_nanos(1500));
        assert_eq!(ran_and_queued("5 1500 3\n"), (five, more));
        assert_eq!(ran_and_queued(""), (Duration::ZERO, Duration::ZERO));
        let status = "State:\tS\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t9\n";
        assert_eq!(sleeps(status), 7);
    }
}

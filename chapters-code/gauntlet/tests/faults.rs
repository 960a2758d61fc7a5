//! What the gauntlet says of clients that do something wrong, and that nothing of them is left.

use std::env;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use lab::peer::Mode;

const GAUNTLET: &str = env!("CARGO_BIN_EXE_gauntlet");

/// What it printed, and whether it found everything right.
struct Said {
    right: bool,
    text: String,
}

impl Said {
    /// What is said of one peer.
    #[track_caller]
    fn of(&self, mode: &str) -> &str {
        let line = self.text.lines().find_map(|line| line.strip_prefix(mode)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("nothing is said of {mode}:\n{}", self.text)).trim()
    }

    #[track_caller]
    fn begins(&self, mode: &str, words: &str) {
        assert!(self.of(mode).starts_with(words), "{mode}, {words}:\n{}", self.text);
    }
}

/// Runs the gauntlet with these arguments, and looks that none of the client's processes is left:
/// each has a mark in its environment. Where no peer is named, each has a gauntlet of its own: most
/// clients wait.
#[track_caller]
fn gauntlet(args: &[&str], client: &[&str]) -> Said {
    let mark = format!("gauntlet test {} {:?}", std::process::id(), thread::current().id());
    let run = &|mode: Option<&Mode>| {
        let mut command = Command::new(GAUNTLET);
        command.args(args).args(mode.into_iter().flat_map(|mode| ["--mode", mode.name()]));
        command.arg("--").args(client).env("MARK", &mark);
        command.output().expect("the gauntlet can be started")
    };
    let outputs: Vec<_> = if args.contains(&"--mode") {
        vec![run(None)]
    } else {
        thread::scope(|scope| {
            let running = Mode::ALL.iter().map(|mode| scope.spawn(move || run(Some(mode))));
            let running: Vec<_> = running.collect();
            running.into_iter().map(|one| one.join().expect("it does not panic")).collect()
        })
    };
    assert_eq!(marked(&mark), Vec::<String>::new(), "left running by {client:?}");
    let right = outputs.iter().all(|output| output.status.success());
    let texts = outputs.into_iter().flat_map(|output| [output.stdout, output.stderr]);
    Said { right, text: texts.map(|text| String::from_utf8(text).unwrap()).collect() }
}

fn faulty(args: &[&str], fault: &str) -> Said {
    let faulty = Path::new(GAUNTLET).with_file_name("examples").join("faulty");
    assert!(faulty.exists(), "build it first: cargo build -p gauntlet --examples");
    gauntlet(args, &[faulty.to_str().unwrap(), fault])
}

fn shell(args: &[&str], script: &str) -> Said {
    gauntlet(args, &["sh", "-c", script])
}

/// The processes with this mark.
fn marked(mark: &str) -> Vec<String> {
    let mark = format!("MARK={mark}\0");
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let environment = fs::read(entry.ok()?.path().join("environ")).ok()?;
        let text = String::from_utf8_lossy(&environment).into_owned();
        text.contains(&mark).then_some(text)
    });
    pids.collect()
}

/// For what ends or hangs, in these modes: time that nothing needs.
fn short<'a>(modes: &[&'a str]) -> Vec<&'a str> {
    let modes = modes.iter().flat_map(|mode| ["--mode", mode]);
    ["--patience", "500", "--deadline", "20"].into_iter().chain(modes).collect()
}

/// For what goes on until the deadline.
const BRIEF: &[&str] = &["--patience", "0", "--deadline", "2", "--mode", "silent"];

// What it finds

#[test]
fn one_read_per_edge_hangs_at_these_peers_and_at_no_others() {
    let said = faulty(&["--patience", "1000", "--deadline", "20"], "one-read");
    let hung = "hung in epoll_wait, timeout -1";
    for mode in ["data-and-close", "all-at-once-and-close", "huge-body", "never-answers", "silent"]
    {
        said.begins(mode, hung);
    }
    // Not slow-to-close: it takes two edges for one if the client is 100 ms late.
    for mode in ["polite", "byte-at-a-time", "trickle", "all-at-once", "data-and-reset"] {
        said.begins(mode, "finished");
    }
    for mode in ["half-close-then-reset", "keeps-alive"] {
        said.begins(mode, "finished");
    }
    assert!(!said.right);
}

/// Right at every peer.
#[track_caller]
fn is_right(name: &str) {
    let said = faulty(&["--deadline", "20"], name);
    assert!(said.right, "{name}:\n{}", said.text);
    assert_eq!(said.text.matches("finished, every byte right").count(), 11);
    assert_eq!(said.text.matches("gave up, as it should").count(), 2);
}

#[test]
fn a_client_without_a_fault_is_right() {
    is_right("none");
}

#[test]
fn a_client_that_closes_its_sending_half_is_right() {
    is_right("half-closes");
}

#[test]
fn a_client_that_sends_its_requests_a_byte_at_a_time_is_right() {
    is_right("byte-by-byte");
}

/// For each peer: a fault that it finds, as its place in the list says, and what is said of it. None
/// for the one that says that it finds nothing, and that another peer finds what this one does.
const FOUND: [(Mode, &[(&str, &str)]); 13] = [
    (Mode::Polite, &[("no-length", "hung in epoll_wait, timeout -1; 0 of 5 replies printed")]),
    (Mode::SlowToClose, &[]),
    (Mode::ByteAtATime, &[("one-message", "wrong bytes: ")]),
    (Mode::Trickle, &[("per-read", "wrong bytes: "), ("one-message", "wrong bytes: ")]),
    (Mode::DataAndClose, &[("one-read", "hung in epoll_wait")]),
    (Mode::AllAtOnce, &[("leaves-batch", "failed after ")]),
    (
        Mode::AllAtOnceAndClose,
        &[("one-read", "hung in epoll_wait"), ("leaves-batch", "failed after ")],
    ),
    (Mode::DataAndReset, &[("reads-on", "failed after ")]),
    (
        Mode::HalfCloseThenReset,
        &[("counts-ends", "failed: exit status 0, no reply to request 3, 4")],
    ),
    (Mode::KeepsAlive, &[("no-length", "hung in epoll_wait")]),
    (Mode::HugeBody, &[("small-buffer", "wrong bytes: ")]),
    (Mode::NeverAnswers, &[("no-patience", "hung in epoll_wait")]),
    (Mode::Silent, &[("no-patience", "hung in epoll_wait")]),
];

#[test]
fn each_peer_finds_what_the_list_says() {
    assert_eq!(FOUND.map(|(mode, _)| mode), *Mode::ALL);
    let limits = ["--patience", "500", "--deadline", "4", "--mode"];
    let tried = |mode: Mode, (fault, words): (&str, &str)| {
        let mut said = String::new();
        // On a busy machine pieces that were sent apart arrive together.
        let is_found = (0..5).any(|_| {
            let all = faulty(&[&limits[..], &[mode.name()]].concat(), fault);
            said = all.of(mode.name()).to_owned();
            said.starts_with(words)
        });
        assert!(is_found, "{mode}, {fault}: {said}");
    };
    // At once, since who hangs needs no processor.
    thread::scope(|scope| {
        for (mode, faults) in FOUND {
            let promise = mode.about();
            assert!(promise.contains(if faults.is_empty() { "Finds nothing" } else { "inds " }));
            faults.iter().for_each(|&fault| _ = scope.spawn(move || tried(mode, fault)));
        }
    });
}

#[test]
fn wrong_bytes_are_told_by_request_and_offset() {
    let said = faulty(&short(&["data-and-close"]), "whole-buffer");
    said.begins("data-and-close", "wrong bytes: request ");
    assert!(
        said.text.contains("first difference at offset 9, where it should end"),
        "{}",
        said.text
    );
    let swapped = "printf '1 9\\nrequest-2\\n'";
    let said = shell(&short(&["polite"]), swapped);
    said.begins("polite", "wrong bytes: request 1: first difference at offset 8: 0x32 for 0x31");
}

#[test]
fn a_client_that_asks_one_after_the_other_starves_where_all_are_answered_at_once() {
    let said = faulty(&short(&["polite", "all-at-once"]), "one-by-one");
    said.begins("polite", "finished");
    let words =
        "hung in epoll_wait, timeout -1; 0 of 5 replies printed; 1 of 5 requests reached the peer";
    assert_eq!(said.of("all-at-once"), words);
}

#[test]
fn a_client_that_asks_too_little_fails() {
    let said = faulty(&short(&["polite"]), "one-too-few");
    let words = "failed: exit status 0, no reply to request 4; 4 of 5 requests reached the peer";
    assert_eq!(said.of("polite"), words);
}

#[test]
fn a_client_that_waits_for_the_close_hangs_where_none_comes() {
    let said = faulty(&short(&["polite", "slow-to-close"]), "no-length");
    said.begins("polite", "hung in epoll_wait, timeout -1; 0 of 5 replies printed");
    said.begins("slow-to-close", "finished");
}

#[test]
fn a_client_without_patience_hangs_at_the_two_that_never_answer() {
    let said = faulty(&short(&["polite", "never-answers", "silent"]), "no-patience");
    said.begins("polite", "finished");
    for mode in ["never-answers", "silent"] {
        assert_eq!(said.of(mode), "hung in epoll_wait, timeout -1; 0 of 5 replies printed");
    }
}

#[test]
fn a_client_that_spins_is_too_long() {
    faulty(&short(&["polite"]), "spins").begins("polite", "finished");
    let said = faulty(BRIEF, "spins");
    said.begins("silent", "too long: it used ");
}

#[test]
fn a_client_that_gives_up_in_time_and_has_not_slept_until_then_spins() {
    let limits = ["--patience", "2000", "--deadline", "20"];
    let tried = |fault, does_not_answer| {
        let modes = format!("polite,slow-to-close,data-and-reset,{does_not_answer}");
        let said = faulty(&[&limits[..], &["--mode", &modes]].concat(), fault);
        assert!(!said.right);
        for mode in ["polite", "slow-to-close", "data-and-reset"] {
            said.begins(mode, "finished");
        }
        said.begins(does_not_answer, "right, but spins: ran, or waited for a processor, for ");
    };
    thread::scope(|scope| {
        for (fault, mode) in [("polls", "silent"), ("wants-room", "never-answers")] {
            scope.spawn(move || tried(fault, mode));
        }
    });
}

#[test]
fn what_the_peer_was_not_asked_is_told() {
    let modes = short(&["polite", "never-answers"]);
    let modes = [&modes[..2], &["--deadline", "3"], &modes[4..]].concat();
    let tried = |fault| {
        let said = faulty(&modes, fault);
        for mode in ["polite", "never-answers"] {
            said.begins(mode, "failed");
            assert!(said.of(mode).ends_with("; the peer was never asked"), "{}", said.text);
        }
    };
    thread::scope(|scope| {
        for fault in ["no-blank-line", "never-asks"] {
            scope.spawn(move || tried(fault));
        }
    });
    let said = gauntlet(&short(&["silent"]), &["sh", "-c", "sleep 1; echo no >&2; exit 1"]);
    assert_eq!(said.of("silent"), "failed: gave up: no; nobody connected to the peer");
}

#[test]
fn a_connection_too_many_is_reset_and_told() {
    let said = faulty(&short(&["polite", "silent"]), "one-too-many");
    for mode in ["polite", "silent"] {
        said.begins(mode, "failed");
        assert!(said.of(mode).contains("ConnectionReset"), "{}", said.text);
        assert!(said.of(mode).ends_with("; one connection too many was reset"), "{}", said.text);
    }
}

#[test]
fn who_asks_twice_and_prints_twice_has_a_reply_too_many() {
    let said = faulty(&short(&["keeps-alive"]), "asks-twice");
    assert_eq!(said.of("keeps-alive").split(';').nth(1), Some(" and 4 more"), "{}", said.text);
    assert!(said.of("keeps-alive").contains(": a second reply"), "{}", said.text);
}

#[test]
fn a_reset_behind_a_whole_reply_finds_who_reads_on() {
    let said = faulty(&short(&["data-and-close", "data-and-reset"]), "reads-on");
    said.begins("data-and-close", "finished");
    said.begins("data-and-reset", "failed after ");
    assert!(said.of("data-and-reset").contains("ConnectionReset"), "{}", said.text);
}

#[test]
fn a_clock_that_nobody_sees_is_waited_for() {
    let said = faulty(&["--mode", "silent", "--patience", "1000", "--deadline", "20"], "alarm");
    assert_eq!(said.of("silent"), "gave up, as it should: the alarm rang");
}

#[test]
fn a_panic_is_told_with_its_message() {
    let said = faulty(&short(&["polite"]), "panics");
    let words = "exit status 101, 0 of 5 replies printed: a fault in request ";
    assert!(said.of("polite").contains(words), "{}", said.text);
}

#[test]
fn a_signal_is_told() {
    let said = shell(&short(&["polite"]), "echo goodbye >&2; kill -SEGV $$");
    let words = "failed: killed by SIGSEGV, 0 of 5 replies printed: goodbye; nobody connected";
    said.begins("polite", words);
}

// What clients get up to

#[test]
fn a_client_that_does_nothing_has_no_replies() {
    let said = gauntlet(&short(&["polite", "silent"]), &["true"]);
    let words =
        "failed: exit status 0, no reply to request 0, 1, 2, 3, 4; nobody connected to the peer";
    assert_eq!(said.of("polite"), words);
    said.begins("silent", "failed: exit status 0");
}

#[test]
fn who_fails_at_once_has_not_given_up() {
    let said = shell(&short(&["silent"]), "echo no >&2; exit 1");
    said.begins("silent", "failed: exit status 1 after ");
    let said = shell(&short(&["silent"]), "sleep 1; exit 1");
    said.begins("silent", "failed: exit status 1, and no word of why on stderr");
}

#[test]
fn a_client_that_never_connects_hangs_where_it_sleeps() {
    let [itself, another] = thread::scope(|scope| {
        let itself = scope.spawn(|| shell(BRIEF, "exec sleep 1000"));
        let another = shell(BRIEF, "sleep 1000 & wait");
        [itself.join().unwrap(), another]
    });
    itself.begins("silent", "hung in nanosleep, until the deadline; 0 of 5");
    assert!(another.of("silent").starts_with("hung in "), "{}", another.text);
    assert!(another.text.contains("another process"), "{}", another.text);
}

#[test]
fn garbage_is_wrong_also_without_end() {
    let said = shell(&short(&["polite"]), "echo hello");
    said.begins("polite", "wrong bytes: \"hello\\n\" where a line `N LENGTH` belongs");
    let without_end = [("exec yes", "\"y\\n\" where"), ("exec cat /dev/zero", "\"\\0\\0")];
    thread::scope(|scope| {
        for (script, garbage) in without_end {
            scope.spawn(move || {
                let said = shell(BRIEF, script);
                said.begins("silent", "too long: it used ");
                assert!(said.text.contains(&format!("; wrong bytes: {garbage}")), "{}", said.text);
            });
        }
    });
}

#[test]
fn a_client_that_is_deaf_to_sigterm_is_ended() {
    let said = shell(BRIEF, "trap '' TERM INT HUP; exec sleep 1000");
    said.begins("silent", "hung in nanosleep, until the deadline");
}

#[test]
fn what_a_client_leaves_behind_is_ended() {
    // In the background, in sessions of their own, orphaned, and with stdout in their hands.
    let leaves = "setsid sleep 1000 & (setsid sh -c 'sleep 1000 & sleep 1000' &) ; exit 3";
    let said = shell(&short(&["polite"]), leaves);
    assert!(said.of("polite").contains("exit status 3, 0 of 5 replies printed;"), "{}", said.text);
    let said = shell(BRIEF, "setsid sh -c 'while :; do :; done' & exec sleep 1000");
    assert!(said.of("silent").starts_with("too long"), "{}", said.text);
}

#[test]
fn a_client_that_stops_itself_is_too_long() {
    let said = shell(BRIEF, "kill -STOP $$");
    said.begins("silent", "too long: not in a wait that is known");
}

#[test]
fn a_client_that_kills_its_group_kills_nobody_else() {
    let said = shell(&short(&["polite"]), "kill -KILL 0");
    said.begins("polite", "failed: killed by SIGKILL");
}

#[test]
fn a_client_that_is_not_there_is_an_error() {
    let said = gauntlet(&[], &["/nowhere/to/be/found", "--help"]);
    let words = "error: `/nowhere/to/be/found` can't be started: No such file or directory";
    assert!(!said.right && said.text.contains(words), "{}", said.text);
    let said = gauntlet(&[], &["/"]);
    assert!(said.text.contains("error: `/` can't be started: Permission denied"), "{}", said.text);
}

#[test]
fn when_the_gauntlet_is_killed_its_clients_end() {
    let mark = format!("gauntlet test {} killed", std::process::id());
    let mut command = Command::new(GAUNTLET);
    command.args(["--mode", "silent", "--", "sh", "-c", "setsid sleep 1000 & sleep 1000"]);
    command.env("MARK", &mark).stdout(Stdio::null()).process_group(0);
    let mut gauntlet = command.spawn().unwrap();
    // The gauntlet, its stage, the shell and two that sleep.
    until("they all run", || marked(&mark).len() == 5);
    gauntlet.kill().unwrap();
    gauntlet.wait().unwrap();
    until("they have ended", || marked(&mark).is_empty());
}

/// Looks until it is so.
#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) {
    let from = Instant::now();
    while !is_so() {
        assert!(from.elapsed() < Duration::from_secs(20), "not in 20 s: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

// The command

#[test]
fn the_peers_are_listed_with_what_they_find() {
    let output = Command::new(GAUNTLET).arg("--list").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for mode in Mode::ALL {
        assert!(text.lines().any(|line| line.starts_with(mode.name())), "{mode}:\n{text}");
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(words.join(" ").contains("Finds the client without a deadline."), "{text}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let said = gauntlet(&["--mode", "rude"], &["true"]);
    assert!(said.text.contains("no mode is called `rude`; there are polite, "), "{}", said.text);
    let said = gauntlet(&["--deadline", "1"], &["true"]);
    assert!(said.text.contains("the deadline must be 2 s later"), "{}", said.text);
    let said = Command::new(GAUNTLET).output().unwrap();
    assert!(!said.status.success());
}

#[test]
fn the_client_runs_where_the_gauntlet_was_called() {
    let here = env::current_dir().unwrap();
    let said = shell(&short(&["polite"]), "pwd >&2; exit 1");
    assert!(said.of("polite").contains(&format!(": {};", here.display())), "{}", said.text);
}

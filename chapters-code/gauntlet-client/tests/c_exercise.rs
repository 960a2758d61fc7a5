//! The client in C, against each peer of the gauntlet.

mod modes;

use std::path::{Path, PathBuf};
use std::process::Command;

modes::right_against!(built(&[]));

#[test]
fn a_request_that_is_not_taken_at_once_goes_out_in_pieces() {
    if let Some(client) = built_with(&["send"], "short.c") {
        modes::is_right(&client, "polite");
    }
}

#[test]
fn a_call_that_a_signal_interrupts_is_made_again() {
    if let Some(client) = built_with(&["send", "read", "recv", "poll"], "interrupted.c") {
        modes::is_right(&client, "polite");
    }
}

#[test]
fn a_peer_that_is_gone_is_a_failure_and_kills_nobody() {
    if let Some(client) = built_with(&["send", "write"], "gone.c") {
        let (told, _) = modes::met(&client, drop);
        modes::must("each request finds its peer gone", "failure", &told);
    }
}

#[test]
fn a_signal_may_come_when_the_patience_is_nearly_over() {
    if let Some(client) = built_with(&["poll"], "late.c") {
        modes::is_right(&client, "never-answers");
    }
}

/// The client with calls that a file of `c` makes in the place of libc.
fn built_with(calls: &[&str], file: &str) -> Option<PathBuf> {
    let mut more: Vec<String> = calls.iter().map(|call| format!("-Wl,--wrap={call}")).collect();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("c").join(file);
    more.push(file.to_string_lossy().into_owned());
    built(&more.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The client, built once in each test's process; `None` where no compiler is installed.
fn built(more: &[&str]) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("c/client.c");
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("test").replace("::", "-");
    // A name of its own, since tests run at once and a program that runs can't be written.
    let client = dir.join(format!("client-{test}"));
    let args =
        ["-std=c11", "-Wall", "-Wextra", "-Wno-unused", "-Wno-unused-parameter", "-O1", "-o"];
    let cc = Command::new("cc").args(args).args([&client, &source]).args(more).output();
    let Ok(cc) = cc else {
        println!("\nskipped: cc not found");
        return None;
    };
    eprint!("{}", String::from_utf8_lossy(&cc.stderr));
    assert!(cc.status.success(), "c/client.c does not compile");
    Some(client)
}

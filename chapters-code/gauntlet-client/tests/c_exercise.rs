//! The client in C, against each peer of the gauntlet.

mod modes;

use std::path::{Path, PathBuf};
use std::process::Command;

modes::right_against!(built(&[]));

#[test]
fn calls_that_do_less_than_was_asked_for_are_made_again() {
    let wrap = ["send", "read", "recv", "poll"].map(|call| format!("-Wl,--wrap={call}"));
    let less = Path::new(env!("CARGO_MANIFEST_DIR")).join("c/less.c");
    let mut more: Vec<&str> = wrap.iter().map(String::as_str).collect();
    more.push(less.to_str().unwrap());
    if let Some(client) = built(&more) {
        modes::is_right(&client, "polite");
    }
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

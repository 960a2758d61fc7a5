//! The client in C, against each peer of the gauntlet.

mod modes;

use std::path::{Path, PathBuf};
use std::process::Command;

modes::right_against!(built());

/// The client, built once in each test's process; `None` where no compiler is installed.
fn built() -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("c/client.c");
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("test").replace("::", "-");
    // A name of its own, since tests run at once and a program that runs can't be written.
    let client = dir.join(format!("client-{test}"));
    let args =
        ["-std=c11", "-Wall", "-Wextra", "-Wno-unused", "-Wno-unused-parameter", "-O1", "-o"];
    let cc = Command::new("cc").args(args).args([&client, &source]).output();
    let Ok(cc) = cc else {
        println!("\nskipped: cc not found");
        return None;
    };
    eprint!("{}", String::from_utf8_lossy(&cc.stderr));
    assert!(cc.status.success(), "c/client.c does not compile");
    Some(client)
}

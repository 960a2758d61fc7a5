//! The clients of this crate, and how each is started.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::{fs, thread};

/// Those in Rust are examples called `by_` and this name.
#[allow(dead_code)] // The tests name each.
pub const ALL: [&str; 9] =
    ["threads", "epoll", "my_mio", "fibers", "mio", "tokio", "smol", "go", "asyncio"];

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// The command that starts a client, or which program for it is missing here. `examples` is the
/// folder of the compiled ones.
pub fn command(name: &str, examples: &Path) -> Result<Vec<OsString>, String> {
    match name {
        "go" => Ok(vec![go(examples)?.into()]),
        "asyncio" => match Command::new("python3").arg("--version").output() {
            Ok(_) => Ok(vec!["python3".into(), format!("{HERE}/python/client.py").into()]),
            Err(_) => Err("python3 not found".into()),
        },
        _ => {
            let example = examples.join(format!("by_{name}"));
            assert!(example.exists(), "build it first: cargo build -p gauntlet --examples");
            Ok(vec![example.into()])
        }
    }
}

/// Builds the client in Go. Others may do so at the same time, so it gets its name when it is whole.
fn go(examples: &Path) -> Result<PathBuf, String> {
    let program = examples.join("by_go");
    let mine = program.with_extension(format!("{}-{:?}", process::id(), thread::current().id()));
    let mut build = Command::new("go");
    build.args(["build", "-o"]).arg(&mine).arg("client.go");
    build.current_dir(format!("{HERE}/go")).env("GO111MODULE", "off");
    match build.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => Err("go not found".into()),
        built => {
            let built = built.expect("go can be started");
            assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
            fs::rename(mine, &program).expect("both are in one folder");
            Ok(program)
        }
    }
}

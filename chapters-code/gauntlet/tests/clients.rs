//! Each client of this crate is right against every peer.

#[path = "../examples/clients_by_modes/clients.rs"]
mod clients;

use std::path::Path;
use std::process::Command;

/// Runs a client through the gauntlet, where what it needs is installed.
#[track_caller]
fn is_right(name: &str) {
    let gauntlet = Path::new(env!("CARGO_BIN_EXE_gauntlet"));
    let command = match clients::command(name, &gauntlet.with_file_name("examples")) {
        Ok(command) => command,
        // On a line of its own: libtest has begun one.
        Err(missing) => return println!("\nskipped: {missing}"),
    };
    // The patience is for the two peers that never reply: a longer one finds nothing more.
    let args = ["--deadline", "30", "--patience", "500", "--"];
    let output = Command::new(gauntlet).args(args).args(command).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{name}:\n{said}");
    assert_eq!(said.matches("finished, every byte right").count(), 11, "{name}:\n{said}");
    assert_eq!(said.matches("gave up, as it should: ").count(), 2, "{name}:\n{said}");
}

#[test]
fn threads_are_right_against_every_peer() {
    is_right("threads");
}

#[test]
fn the_wrapper_s_client_is_right_against_every_peer() {
    is_right("epoll");
}

#[test]
fn mio_is_right_against_every_peer() {
    is_right("mio");
}

#[test]
fn this_book_s_mio_is_right_against_every_peer() {
    is_right("my_mio");
}

#[test]
fn this_book_s_fibers_are_right_against_every_peer() {
    is_right("fibers");
}

#[test]
fn tokio_is_right_against_every_peer() {
    is_right("tokio");
}

#[test]
fn smol_is_right_against_every_peer() {
    is_right("smol");
}

#[test]
fn go_s_net_is_right_against_every_peer() {
    is_right("go");
}

#[test]
fn asyncio_is_right_against_every_peer() {
    is_right("asyncio");
}

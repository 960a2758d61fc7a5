//! Each client of this crate is right against every peer.

#[path = "../examples/clients_by_modes/clients.rs"]
mod clients;

use std::path::Path;
use std::process::Command;
use std::thread;

use lab::peer::Mode;

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
    let run = |modes: &[Mode]| {
        let mut command_line = Command::new(gauntlet);
        command_line.args(["--deadline", "30", "--patience", "500"]);
        command_line.args(modes.iter().flat_map(|mode| ["--mode", mode.name()]));
        command_line.arg("--").args(&command).output().unwrap()
    };
    // All peers are shared out among a few gauntlets: some let their clients wait.
    let outputs: Vec<_> = thread::scope(|scope| {
        let shares = Mode::ALL.chunks(5).map(|modes| scope.spawn(move || run(modes)));
        shares.collect::<Vec<_>>().into_iter().map(|share| share.join().unwrap()).collect()
    });
    let right = outputs.iter().all(|output| output.status.success());
    let texts = outputs.into_iter().map(|output| String::from_utf8(output.stdout).unwrap());
    let said: String = texts.collect();
    assert!(right, "{name}:\n{said}");
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

//! The table of clients and peers: how each client of this crate ends against each peer.
//!
//! With `faults`, the same of the program `faulty`, which does one thing wrongly at a time; without
//! `slow-to-close`, which takes a client that is 100 ms late for another.

mod clients;

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gauntlet::Gauntlet;
use lab::peer::Mode;

/// The faults whose table needs no luck.
const FAULTS: [&str; 5] = ["one-read", "no-length", "one-by-one", "no-patience", "polls"];

fn main() -> Result<(), Box<dyn Error>> {
    gauntlet::stage_if_asked();
    let me = env::current_exe()?;
    let mut args = env::args_os().skip(1);
    match args.next() {
        None => {
            let examples = me.parent().ok_or("a program is in a folder")?;
            let run = |name: &&str| Ok(start(&me, clients::command(name, examples)?));
            table(&clients::ALL, clients::ALL.iter().map(run).collect(), Mode::ALL);
        }
        Some(word) if word == "faults" => {
            let faulty = PathBuf::from(&me).with_file_name("faulty");
            let run = |name: &&str| Ok(start(&me, vec![faulty.clone().into(), name.into()]));
            let modes = Mode::ALL.iter().copied().filter(|mode| *mode != Mode::SlowToClose);
            table(&FAULTS, FAULTS.iter().map(run).collect(), &modes.collect::<Vec<_>>());
        }
        Some(word) if word == "column" => column(args.collect())?,
        Some(_) => return Err("there is `faults`, or nothing".into()),
    }
    Ok(())
}

/// Runs one client against every peer, and prints a word for each.
fn column(command: Vec<OsString>) -> Result<(), Box<dyn Error>> {
    // Many run at once, so each has more time than it needs.
    let (patience, deadline) = (Duration::from_secs(2), Duration::from_secs(20));
    let gauntlet = Gauntlet { command, patience, deadline };
    for &mode in Mode::ALL {
        println!("{mode}: {}", gauntlet.run(mode)?.word);
    }
    Ok(())
}

/// Starts a column in a process of its own, as the gauntlet wants it. It waits most of the time.
fn start(me: &Path, client: Vec<OsString>) -> Child {
    let mut column = Command::new(me);
    column.arg("column").args(client).stdout(Stdio::piped());
    column.spawn().expect("what runs can be started again")
}

/// Prints the columns, side by side, and what is missing for those that could not be started.
fn table(names: &[&str], columns: Vec<Result<Child, String>>, modes: &[Mode]) {
    let printed = |column: Child| {
        let output = column.wait_with_output().expect("a column ends");
        assert!(output.status.success(), "a column failed");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let columns: Vec<_> = columns.into_iter().map(|column| column.map(printed)).collect();
    let line = |name: &str, cells: &[&str]| {
        let cells: String = cells.iter().map(|cell| format!(" {cell:<11}")).collect();
        println!("{}", format!("{name:<22}{cells}").trim_end());
    };
    line("", names);
    for mode in modes {
        let cells = columns.iter().map(|column| match column {
            Ok(printed) => word(printed, *mode),
            Err(_) => "skipped",
        });
        line(mode.name(), &cells.collect::<Vec<&str>>());
    }
    columns
        .iter()
        .filter_map(|column| column.as_ref().err())
        .for_each(|m| println!("skipped: {m}"));
}

/// What a column says of one peer.
fn word(column: &str, mode: Mode) -> &str {
    let mut said = column.lines().filter_map(|line| line.split_once(": "));
    said.find(|(of, _)| *of == mode.name()).expect("a column has all modes").1
}

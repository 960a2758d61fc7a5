//! What a client must be right against, one test for each peer.

use std::path::Path;
use std::process::Command;

/// Runs the client against one peer. What the gauntlet says of it is the message.
#[track_caller]
pub fn is_right(client: &Path, mode: &str) {
    // The patience is for the two peers that never reply: a longer one finds nothing more.
    let args = ["--deadline", "10", "--patience", "500", "--mode", mode, "--"];
    let gauntlet = Command::new(env!("CARGO_BIN_EXE_peers")).args(args).arg(client).output();
    let gauntlet = gauntlet.unwrap();
    let said = String::from_utf8_lossy(&gauntlet.stdout).into_owned();
    let verdict = said.strip_prefix(mode).unwrap_or(&said).trim_start();
    let in_short = verdict.split([':', ';', ',']).next().unwrap_or(verdict);
    let more = String::from_utf8_lossy(&gauntlet.stderr);
    assert!(gauntlet.status.success(), "against {mode} it {in_short}\n{verdict}{more}");
}

/// A test for each peer, for the client at a path.
macro_rules! right_against {
    ($client:expr; $($test:ident $mode:literal,)*) => {
        $(#[test]
        fn $test() {
            if let Some(client) = $client {
                crate::modes::is_right(&client, $mode);
            }
        })*
    };
    ($client:expr) => {
        crate::modes::right_against! {
            $client;
            polite "polite",
            slow_to_close "slow-to-close",
            byte_at_a_time "byte-at-a-time",
            trickle "trickle",
            data_and_close "data-and-close",
            all_at_once "all-at-once",
            all_at_once_and_close "all-at-once-and-close",
            data_and_reset "data-and-reset",
            half_close_then_reset "half-close-then-reset",
            keeps_alive "keeps-alive",
            huge_body "huge-body",
            never_answers "never-answers",
            silent "silent",
        }
    };
}

pub(crate) use right_against;

//! What mio 1.2 does on Linux, as tests that know nothing of how it is done; and which of it mio
//! promises.
//!
//! # The suite
//!
//! `tests/suite` is written once, against `mio::…`. Two test programs include it:
//! `tests/real_mio.rs`, where `mio` is the one of the registry, and `tests/on_trial.rs`, where `mio`
//! is the crate on trial. `cargo test -p mio-contract` runs both, and both must pass: a rule that mio
//! itself breaks is no rule. In release builds mio checks less and its sources are other code, so there
//! is a run of its own: `cargo test --release -p mio-contract -p my-mio`.
//!
//! Where `my-mio` and mio differ, no rule can say. `tests/differences.rs` runs the same programs on both,
//! and `chapters-code/my-mio/DIFFERENCES.md` tells which of the differences are faults of mio.
//!
//! Not every rule is a promise. [`rules`] lists them all: those that mio documents, with its words, and
//! those that it keeps without a word, which another mio may break.
//!
//! Every test runs in a process of its own, under [`lab::doomed`]. So it may count that process's
//! descriptors, send it signals and use its lowest free number, and a test that would wait for ever is
//! a failed one. An emulator of another processor cannot start a program again: there
//! `MIO_CONTRACT_TOGETHER=1 cargo test -p mio-contract -- --test-threads=1` does without.
//!
//! # The line that puts another crate on trial
//!
//! In the root's `Cargo.toml`, under `[workspace.dependencies]`:
//!
//! ```toml
//! on-trial = { package = "my-mio", path = "chapters-code/my-mio", features = ["net", "os-ext", "os-poll"] }
//! ```
//!
//! Any crate with mio's public API can stand there, by path, version or git, but for the very package
//! that is `mio` here anyway: cargo refuses one package under two names. A crate that is itself named
//! mio can also be put in the place of the real one, and only `Cargo.lock` changes:
//! `cargo test -p mio-contract --test real_mio --config 'patch.crates-io.mio.path="…"'`.
//!
//! # The planted bugs
//!
//! A suite that finds nothing may look at nothing. `planted/` holds bugs, one a file: a line that
//! says what it is, a line that names the rule which must find it, and a diff in the form of the book's.
//! `cargo book prove contract` applies each to a copy of `my-mio`, runs `tests/on_trial.rs` against it,
//! and writes to `planted/RESULT.txt` how many tests fail. It fails if the named rule is not among
//! them, whatever else is. A bug that no test finds must stand in `planted/SURVIVORS.md` with the reason;
//! one that is found must not. `--share 3/10` plants the third of ten shares.

#[cfg(target_os = "linux")]
pub mod kernel;

#[doc = include_str!("../RULES.md")]
pub mod rules {}

use std::any::type_name;
use std::time::Duration;

use lab::doomed::{self, Ending};

/// When a test is given up on that does not sleep for ever: nothing here takes a tenth of it.
const DEADLINE: Duration = Duration::from_secs(20);

/// Whether tests run in one process, because an emulator cannot start them again:
/// `MIO_CONTRACT_TOGETHER=1`, and then with `--test-threads=1`.
pub fn together() -> bool {
    std::env::var_os("MIO_CONTRACT_TOGETHER").is_some()
}

/// Runs the body of a test in a process of its own, and passes and fails as it does.
///
/// # Panics
/// If the body panics, crashes or hangs.
#[track_caller]
pub fn alone<F: FnOnce()>(body: F) {
    if together() {
        return body();
    }
    // The closure's path is that of its function, which is the test.
    let path = type_name::<F>();
    let (_, test) = path.split_once("::").expect("the name of the crate, and more");
    let test = test.strip_suffix("::{{closure}}").expect("a closure in a test");
    let ended = doomed::start(test, body).end(DEADLINE);
    ended
        .stdout
        .lines()
        .filter(|line| line.starts_with("skipped: "))
        .for_each(|line| println!("{line}"));
    assert!(ended.how == Ending::Passed, "{ended}");
}

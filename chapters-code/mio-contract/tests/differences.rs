//! Where `my-mio` differs from mio 1.2: programs that run on both and see different things.
//! `chapters-code/my-mio/DIFFERENCES.md` tells what they mean. If another crate is on trial they are
//! skipped, as its differences are others.

#![cfg(target_os = "linux")]

use std::any::type_name;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use blocking::experiment::{strace_works, system_calls};
use lab::measure::marked;
use mio_contract::alone;

#[path = "differences"]
mod on_mio {
    pub use ::mio;
    pub mod programs;
}

#[path = "differences"]
#[expect(clippy::duplicate_mod, reason = "the same programs on another crate")]
mod on_my_mio {
    pub use on_trial as mio;
    pub mod programs;
}

use on_mio::programs as real;
use on_my_mio::programs as ours;

/// Whether these tests are about the crate on trial. Says so if not.
fn on_trial_is_my_mio() -> bool {
    let is = type_name::<on_trial::Poll>().starts_with("my_mio::");
    if !is {
        println!("skipped: the crate on trial is not my-mio");
    }
    is
}

/// What a program saw on mio and on `my-mio`, in a process of its own.
#[track_caller]
fn differ<F: FnOnce() -> [(String, &'static str); 2]>(both: F) {
    if on_trial_is_my_mio() {
        let [mio, my_mio] = both();
        assert_eq!(mio.0, mio.1, "on mio");
        assert_eq!(my_mio.0, my_mio.1, "on my-mio");
        assert_ne!(mio.0, my_mio.0, "they do not differ");
    }
}

/// The same for what both look at in debug builds alone.
#[track_caller]
fn differ_in_debug_builds<F: FnOnce() -> [(String, &'static str); 2]>(both: F) {
    match cfg!(debug_assertions) {
        true => differ(both),
        false => println!("skipped: not checked in release builds"),
    }
}

#[test]
fn a_registration_that_the_kernel_refused_is_remembered() {
    alone(|| {
        differ_in_debug_builds(|| {
            [
                (real::refused_by_the_kernel_twice(), "PermissionDenied, then AlreadyExists"),
                (ours::refused_by_the_kernel_twice(), "PermissionDenied, then PermissionDenied"),
            ]
        });
    });
}

#[test]
fn a_registration_that_was_refused_takes_the_first_one_s_place() {
    alone(|| {
        differ_in_debug_builds(|| {
            [
                (
                    real::refused_by_a_second_poll(),
                    "second AlreadyExists; first: reregister AlreadyExists, deregister NotFound, \
                     1 events",
                ),
                (
                    ours::refused_by_a_second_poll(),
                    "second AlreadyExists; first: reregister Ok, deregister Ok, 0 events",
                ),
            ]
        });
    });
}

#[test]
fn deregistering_elsewhere_is_refused_and_forgets_the_registration() {
    alone(|| {
        differ_in_debug_builds(|| {
            [
                (real::a_second_poll_refuses_to_deregister(), "second NotFound, first NotFound"),
                (ours::a_second_poll_refuses_to_deregister(), "second NotFound, first Ok"),
            ]
        });
    });
}

#[test]
fn size_hint_and_count_ignore_what_was_taken() {
    alone(|| {
        differ(|| {
            [
                (
                    real::what_is_left_after_one_of_three_events(),
                    "size_hint 3 to 3, count 3, in truth 2",
                ),
                (
                    ours::what_is_left_after_one_of_three_events(),
                    "size_hint 2 to 2, count 2, in truth 2",
                ),
            ]
        });
    });
}

#[test]
fn accept_loses_the_abstract_name_of_a_peer() {
    alone(|| {
        differ(|| {
            [
                (real::the_abstract_name_of_who_connects(), "accept false, peer_addr true"),
                (ours::the_abstract_name_of_who_connects(), "accept true, peer_addr true"),
            ]
        });
    });
}

#[test]
fn a_waker_that_could_not_be_made_counts_as_the_only_one() {
    alone(|| {
        differ_in_debug_builds(|| {
            [
                (real::a_waker_after_one_that_could_not_be_made(), "EMFILE, then a panic"),
                (ours::a_waker_after_one_that_could_not_be_made(), "EMFILE, then Ok"),
            ]
        });
    });
}

#[test]
fn a_signal_ends_a_unix_accept_that_waits() {
    alone(|| {
        if fs::read_to_string("/proc/self/syscall").is_err() {
            return println!("skipped: the kernel does not say who sleeps");
        }
        differ(|| {
            [
                (real::a_signal_while_a_unix_listener_waits(), "Interrupted"),
                (ours::a_signal_while_a_unix_listener_waits(), "Ok"),
            ]
        });
    });
}

#[test]
fn room_for_more_events_than_the_kernel_counts_is_an_error() {
    alone(|| {
        let event = size_of::<libc::epoll_event>();
        let most = i32::MAX as usize / event;
        if Vec::<u8>::new().try_reserve_exact((most + 1) * event).is_err() {
            return println!("skipped: the kernel does not lend {} bytes", (most + 1) * event);
        }
        assert_eq!(real::a_poll_with_room_for(most), "Ok");
        differ(|| {
            [
                (real::a_poll_with_room_for(most + 1), "InvalidInput"),
                (ours::a_poll_with_room_for(most + 1), "Ok"),
            ]
        });
    });
}

/// What is made, and how many system calls that takes on mio and on `my-mio`.
const CALLS: [(&str, usize, usize); 6] = [
    ("TcpListener::bind", 4, 5),
    ("UdpSocket::bind", 2, 3),
    ("UnixListener::accept", 1, 2),
    ("UnixStream::pair", 1, 3),
    ("UnixDatagram::unbound", 1, 2),
    ("pipe::new", 1, 3),
];

#[test]
fn making_a_socket_takes_fewer_calls() {
    const MAKE: &str = "DIFFERENCES_MAKE";
    match env::var(MAKE).as_deref().map(|told| told.split_once(' ').unwrap()) {
        Ok(("mio", what)) => return real::make(what),
        Ok((_, what)) => return ours::make(what),
        Err(_) => {}
    }
    if !strace_works() {
        return println!("skipped: there is no strace here, or it may not trace");
    }
    let calls = |on: &str, what: &str| {
        let mut this = Command::new(env::current_exe().unwrap());
        this.args(["making_a_socket_takes_fewer_calls", "--exact", "--test-threads=1"]);
        system_calls(this.env(MAKE, format!("{on} {what}"))).unwrap()
    };
    if on_trial_is_my_mio() {
        let counted = CALLS.map(|(what, ..)| (what, calls("mio", what), calls("my-mio", what)));
        assert_eq!(counted, CALLS);
    }
}

/// Whether a crate with this dependency and nothing but this line compiles.
fn compiles(name: &str, dependency: &str, line: &str) -> bool {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differences").join(name);
    fs::create_dir_all(folder.join("src")).unwrap();
    let manifest = format!(
        "[package]\nname = \"probe\"\nedition = \"2024\"\n[workspace]\n[dependencies]\nmio = {dependency}\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("src/lib.rs"), line).unwrap();
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    fs::copy(lock, folder.join("Cargo.lock")).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["check", "--offline", "--target-dir", "../target"]).current_dir(&folder);
    let checked = cargo.output().unwrap();
    let said = String::from_utf8_lossy(&checked.stderr);
    // Refused for the line, and not because there is nothing to build.
    assert!(checked.status.success() || said.contains("error[E0432]"), "{said}");
    checked.status.success()
}

/// The same with these features of mio and of `my-mio`.
fn compile_on_both(name: &str, features: &str, line: &str) -> [bool; 2] {
    let my_mio = Path::new(env!("CARGO_MANIFEST_DIR")).join("../my-mio");
    let mio = format!("{{ version = \"1.2\", features = [{features}] }}");
    let my_mio = format!("{{ package = \"my-mio\", path = {my_mio:?}, features = [{features}] }}");
    let on = |which: &str, dependency: &str| compiles(&format!("{name}-{which}"), dependency, line);
    [on("mio", &mio), on("my-mio", &my_mio)]
}

#[test]
fn a_feature_that_is_not_named_is_not_there() {
    if on_trial_is_my_mio() {
        let both = |line| compile_on_both("features", r#""os-poll""#, line);
        assert_eq!(both("pub use mio::Poll;"), [true, true]);
        assert_eq!(both("pub use mio::unix::SourceFd;"), [false, true]);
        assert_eq!(both("pub use mio::net::TcpStream;"), [false, true]);
    }
}

#[test]
fn the_modules_guide_and_features_are_there() {
    if on_trial_is_my_mio() {
        let all = r#""net", "os-ext", "os-poll""#;
        let both = |line| compile_on_both("modules", all, line);
        assert_eq!(both("pub use mio::guide;"), [true, false]);
        assert_eq!(both("pub use mio::features;"), [true, false]);
    }
}

#[test]
fn every_difference_is_listed_with_its_program() {
    let listed = include_str!("../../my-mio/DIFFERENCES.md");
    let listed: BTreeSet<&str> =
        listed.split("Test: `").skip(1).map(|rest| rest.split('`').next().unwrap()).collect();
    let tests = include_str!("differences.rs").split("#[test]\nfn ").skip(1);
    let mut tests: BTreeSet<&str> = tests.map(|rest| rest.split('(').next().unwrap()).collect();
    assert!(tests.remove("every_difference_is_listed_with_its_program"));
    assert_eq!(listed, tests);
}

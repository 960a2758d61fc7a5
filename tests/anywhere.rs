//! The book's own program, from any folder, for any reader: closed pipes, full disks, taken ports,
//! target folders of all kinds.

mod reader;
mod signals;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use reader::{Checkout, program};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Verbs that print and take no time, one of them from a crate of its own, bad arguments, and help.
const PRINTING: [&[&str]; 9] = [
    &["check"],
    &["predict", "unix; add IN; wait"],
    &["break"],
    &["--help"],
    &["help", "read"],
    &["--version"],
    &["gauntlet", "--list"],
    &["gauntlet", "--", "true"],
    &["prove", "unknown"],
];

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_reader_who_leaves_is_no_error() {
    for args in PRINTING {
        let left = || io::pipe().unwrap().1;
        let usual = program(Path::new(ROOT)).args(args).output().unwrap();
        let out = program(Path::new(ROOT)).args(args).stdout(left()).output().unwrap();
        assert!(!said(&out).contains("panicked"), "{args:?}: {}", said(&out));
        assert!(!said(&out).contains("pipe"), "{args:?}: {}", said(&out));
        let err = program(Path::new(ROOT)).args(args).stderr(left()).output().unwrap();
        let mut both = program(Path::new(ROOT));
        let both = both.args(args).stdout(left()).stderr(left()).output().unwrap();
        assert_eq!(err.status, usual.status, "{args:?}");
        for output in [out, both] {
            let fine = output.status.success() || output.status == usual.status;
            assert!(fine, "{args:?}: {}", output.status);
        }
    }
}

#[test]
fn what_is_wrong_is_an_error_even_if_nobody_reads_it() {
    let checkout = Checkout::new("unread");
    checkout.edit("start.md", "# Wrong\n\n```ruts\n```\n");
    let left = io::pipe().unwrap().1;
    let output = program(&checkout.root).arg("check").stdout(left).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
}

#[test]
fn a_full_disk_is_an_error_that_is_said() {
    for args in PRINTING.iter().filter(|args| !args.contains(&"unknown")) {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = program(Path::new(ROOT)).args(*args).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", said(&output));
        assert!(said(&output).contains("No space left on device"), "{args:?}: {}", said(&output));
        assert!(!said(&output).contains("panicked"), "{args:?}: {}", said(&output));
    }
}

#[test]
fn a_port_in_use_is_named_with_one_that_is_free() {
    let checkout = Checkout::new("occupied");
    let highest = TcpListener::bind("127.0.0.1:65535");
    let any = TcpListener::bind("127.0.0.1:0").unwrap();
    let ports = [any.local_addr().unwrap().port(), 65535];
    for port in ports {
        let output = reader::reader(&checkout.root, port).output().unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("can't listen on 127.0.0.1:{port}: another")), "{said}");
        let other: u16 = said.trim().rsplit("--port ").next().unwrap().parse().expect(&said);
        assert_ne!(other, port, "{said}");
        TcpListener::bind(("127.0.0.1", other)).expect(&said);
    }
    drop(highest);
}

#[test]
fn outside_a_checkout_it_says_so() {
    let output = reader::reader(Path::new("/"), 0).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("no book here"), "{}", said(&output));
}

#[test]
fn a_verb_from_a_crate_of_its_own_gets_its_words_and_keeps_its_exit_code() {
    let predict = |script: &[&str]| {
        let mut program = program(&Path::new(ROOT).join("book/why"));
        program.arg("predict").args(script).output().unwrap()
    };
    let right = predict(&["unix;", "add IN; wait"]);
    assert!(right.status.success() && said(&right).is_empty(), "{}", said(&right));
    assert!(String::from_utf8_lossy(&right.stdout).ends_with("They agree.\n"));
    let wrong = predict(&["unix; adx"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(said(&wrong).starts_with("error: step 2: `adx` is no step"), "{}", said(&wrong));
}

/// A checkout of one package, in which cargo says where it builds.
fn small(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("src")).unwrap();
    fs::create_dir_all(root.join("deep/.cargo")).unwrap();
    fs::write(root.join("src/lib.rs"), "").unwrap();
    let manifest = "[package]\nname = \"small\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(root.join("Cargo.toml"), manifest).unwrap();
    root
}

/// The folder is asked for in a process of its own, which has its own current folder.
#[test]
fn the_target_folder_is_where_cargo_builds() {
    let asks = |dir: &Path, variables: &[(&str, &str)]| {
        let mut me = Command::new(std::env::current_exe().unwrap());
        me.args(["--exact", "says_where_the_target_folder_is", "--nocapture", "--ignored"]);
        me.current_dir(dir).env_remove("CARGO_TARGET_DIR").env_remove("CARGO_MANIFEST_DIR");
        let output = me.envs(variables.iter().copied()).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let line = printed.lines().find_map(|line| line.split_once("target: "));
        PathBuf::from(line.expect(&printed).1)
    };
    let root = small("targets");
    let deep = root.join("deep");
    let of = |name, value| [("OF", root.to_str().unwrap()), (name, value)];
    assert_eq!(asks(&deep, &of("A", "1")), root.join("target"));
    assert_eq!(asks(&deep, &of("CARGO_TARGET_DIR", "rel")), deep.join("rel"));
    assert_eq!(asks(&root, &of("CARGO_TARGET_DIR", "rel")), root.join("rel"));
    assert_eq!(asks(&deep, &of("CARGO_TARGET_DIR", "/tmp/abs")), Path::new("/tmp/abs"));
    assert_eq!(asks(&deep, &of("CARGO_BUILD_TARGET_DIR", "rel")), deep.join("rel"));
    fs::write(deep.join(".cargo/config.toml"), "build.target-dir = 'of-config'\n").unwrap();
    assert_eq!(asks(&deep, &of("A", "1")), deep.join("of-config"));
    assert_eq!(asks(&root, &of("A", "1")), root.join("target"));

    // Started by cargo for that checkout, it is built where it lies, whatever option said so.
    let me = std::env::current_exe().unwrap();
    let mine = me.ancestors().find(|dir| dir.join(".rustc_info.json").exists()).unwrap();
    let by_cargo = [("OF", ROOT), ("CARGO_MANIFEST_DIR", ROOT)];
    assert_eq!(asks(Path::new(ROOT), &by_cargo), mine);
}

#[test]
#[ignore = "the test above runs it, and reads what it prints"]
fn says_where_the_target_folder_is() {
    if let Some(root) = std::env::var_os("OF") {
        println!("target: {}", book::target(Path::new(&root)).display());
    }
}

/// From the folder of another package, and from one of no package.
#[test]
fn cargo_book_works_in_every_folder() {
    for dir in [".", "chapters-code/epoll/src", "weave", "book/why"] {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["book", "--version"]).current_dir(Path::new(ROOT).join(dir));
        let output = cargo.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{dir}: {}", said(&output));
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(printed.starts_with("cargo book "), "{dir}: {printed}");
    }
}

/// `cargo book` names the package, and `cargo run` and `cargo test` do not. Where that gave a
/// dependency other features, it would be built twice, and all that rests on it.
#[test]
fn cargo_builds_the_same_dependencies_for_every_command() {
    let features = |args: &[&str]| {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["tree", "--offline", "--prefix=none", "--no-dedupe", "--format={p} {f}"]);
        let output = cargo.args(args).current_dir(ROOT).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        let lines = String::from_utf8(output.stdout).unwrap();
        lines.lines().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let book = features(&["--edges=normal,build", "--package=async-rust-by-heart"]);
    for other in ["--edges=normal,build", "--edges=normal,build,dev"] {
        let other = features(&[other]);
        let differ: Vec<&String> = book.difference(&other).collect();
        assert!(differ.is_empty(), "not built so by other commands: {differ:#?}");
    }
}

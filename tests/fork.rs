//! `cargo book fork` and the verbs for what it makes, as a reader uses them: far from the checkout.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use book::fork::exercise::Exercise;
use book::prove::exercises;
use tempfile::TempDir;
use weave::Book;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder outside the repository, with a fork of `edges` in it.
struct Reader {
    dir: TempDir,
}

impl Reader {
    fn new() -> Reader {
        let reader = Reader { dir: tempfile::tempdir().unwrap() };
        let (well, said) =
            reader.book(root(), &["fork", "edges", "--to", reader.at("mine").as_str()]);
        assert!(well && said.contains("Then write `drain_per_event` in src/lib.rs:"), "{said}");
        // The two that are about this task are enough.
        for file in weave::belongs::files(&reader.fork().join("tests")).unwrap() {
            if !["drain_exercise.rs", "edges.rs", "mod.rs"].iter().any(|kept| file.ends_with(kept))
            {
                fs::remove_file(file).unwrap();
            }
        }
        reader
    }

    /// A path in the folder, as a reader types it.
    fn at(&self, path: &str) -> String {
        self.dir.path().join(path).to_str().expect("a path of ours is UTF-8").to_owned()
    }

    fn fork(&self) -> PathBuf {
        self.dir.path().join("mine")
    }

    /// A verb, called as the alias in the fork calls it.
    fn verb(&self, args: &[&str]) -> (bool, String) {
        self.book(&self.fork(), args)
    }

    fn book(&self, dir: &Path, args: &[&str]) -> (bool, String) {
        let mut book = Command::new(env!("CARGO_BIN_EXE_book"));
        book.args(args).current_dir(dir).env("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR"));
        let output = book.env("CARGO_NET_OFFLINE", "true").output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    /// Writes a body in the place of a `todo!`.
    fn write(&self, task: &str, body: &str) {
        let file = self.fork().join("src/lib.rs");
        let text = fs::read_to_string(&file).unwrap();
        let function = weave::fork::function(&file, &text, task).unwrap();
        let at = function.find("    todo!(").unwrap();
        let new = format!("{}{body}}}\n", &function[..at]);
        fs::write(&file, text.replace(function, &new)).unwrap();
    }
}

const ONE_READ: &str = "    let (mut buffer, mut bytes) = ([0; 512], 0);
    while epoll.wait(patience)? != NOTHING {
        match socket.read(&mut buffer) {
            Ok(0) => return Ok(Ended::Closed { bytes }),
            Ok(n) => bytes += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Ended::StillWaiting { bytes })
";

#[test]
fn a_fork_is_tried_hinted_at_and_begun_again() {
    let reader = Reader::new();
    assert!(!fs::read_to_string(reader.fork().join("src/lib.rs")).unwrap().contains("FORK"));
    assert!(!reader.fork().join("fork").exists(), "wrong answers are not for readers");
    let tasks = fs::read_to_string(reader.fork().join("TASKS.md")).unwrap();
    for linked in ["book/why/edges.md", "notes/edges.md"] {
        let link = format!("[`{linked}`](<{}>)", root().join(linked).display());
        assert!(tasks.contains(&link), "{link}: {tasks}");
    }

    let (well, said) = reader.verb(&["try"]);
    assert!(!well && said.contains("tests wait for drain_per_event, in src/lib.rs"), "{said}");

    let (_, first) = reader.verb(&["hint"]);
    let (_, second) = reader.verb(&["hint"]);
    assert!(first.contains("1 of 3") && !first.contains("2 of 3"), "{first}");
    assert!(second.contains("1 of 3") && second.contains("2 of 3"), "{second}");

    let (well, said) = reader.verb(&["solution"]);
    assert!(!well && said.contains("not green yet"), "{said}");
    let (well, said) = reader.verb(&["solution"]);
    assert!(well && said.contains("WouldBlock => break"), "{said}");

    reader.write("drain_per_event", ONE_READ);
    let (well, said) = reader.verb(&["try"]);
    assert!(!well && said.contains("hung draining_sees_the_close_in_the_same_event"), "{said}");
    assert!(said.contains("expected read 20000 bytes"), "{said}");
    let (_, said) = reader.verb(&["next"]);
    assert!(said.contains("`drain_per_event` in src/lib.rs:") && said.contains("fail"), "{said}");

    fs::write(reader.fork().join("src/lib.rs"), "fn broken(").unwrap();
    let (well, said) = reader.verb(&["try"]);
    assert!(!well && said.contains("src/lib.rs:1") && said.contains("does not compile"), "{said}");

    let (well, said) = reader.verb(&["reset"]);
    assert!(well, "{said}");
    let kept = reader.fork().join(".fork/kept/1/src/lib.rs");
    assert_eq!(fs::read_to_string(kept).unwrap(), "fn broken(");
    let (_, said) = reader.verb(&["next"]);
    assert!(said.contains("Read *The edge and the drain law*"), "{said}");
}

#[test]
fn a_note_that_is_done_is_told_though_its_fork_has_others() {
    let reader = Reader::new();
    let drain =
        ONE_READ.replace("        match", "        loop { match").replace("{}\n", "break,\n");
    let drain = drain.replacen("        }\n    }\n", "        } }\n    }\n", 1);
    reader.write(
        "drain_per_event",
        &drain.replace("Interrupted => break", "Interrupted => continue"),
    );
    let (well, said) = reader.verb(&["try"]);
    let told = "All of *The edge and the drain law* is done. What is left in this fork is of other notes, \
                as of *The short read*.";
    assert!(well && said.contains(told), "the tests of the others are gone: {said}");
    let (_, said) = reader.verb(&["next"]);
    assert!(said.contains("`stop_at_short_read` in src/short.rs"), "{said}");
    let (_, said) = reader.verb(&["next", "write-side"]);
    assert!(said.contains("in src/write.rs"), "{said}");
}

#[test]
fn a_note_apart_is_forked_with_its_own_functions_alone() {
    let dir = tempfile::tempdir().unwrap();
    let book = Book::load(root()).unwrap();
    let exercises = Exercise::all(&book).unwrap();
    let to_write = |name: &str| {
        let exercise = exercises.iter().find(|one| one.name == name).unwrap();
        let files = book::fork::files::files(&book, exercise, |_| true).unwrap();
        let todo = |text: &[u8]| String::from_utf8_lossy(text).matches("todo!(").count();
        files.values().map(|text| todo(text)).sum::<usize>()
    };
    assert_eq!(
        to_write("waking"),
        exercises.iter().find(|one| one.name == "waking").unwrap().tasks.len()
    );
    assert!(to_write("my-mio") > 3 * to_write("waking"));
    let reader = Reader { dir };
    let to = reader.at("mine");
    let (well, said) = reader.book(root(), &["fork", "waking", "--to", &to]);
    assert!(well && said.contains("Read *Waking a sleeper*"), "{said}");
    let (well, said) = reader.book(root(), &["fork", "tokens", "--to", &to]);
    assert!(!well && said.contains("is a fork of `waking`"), "{said}");
}

#[test]
fn what_can_not_be_forked_is_told_and_nothing_is_lost() {
    let reader = Reader::new();
    let dir = reader.dir.path();
    let refused = |args: &[&str], says: &str| {
        let (well, said) = reader.book(root(), args);
        assert!(!well && said.contains(says), "{args:?}: {said}");
    };
    let fork = |name: &str, to: &str, says: &str| refused(&["fork", name, "--to", to], says);
    let before = fs::read_dir(dir).unwrap().count();
    fork("edge", &reader.at("x"), "did you mean edges?");
    fork("edges", &reader.at("mine"), "mine is there already, and stays as it is");
    fs::create_dir(dir.join("full")).unwrap();
    fs::write(dir.join("full/note.txt"), "mine").unwrap();
    fork("edges", &reader.at("full"), "full is there already, and stays as it is");
    fork("edges", &reader.at("full/note.txt"), "stays as it is");
    // No process can write there, root neither.
    fork("edges", "/proc/fork", "no fork can be made at /proc/fork, and nothing is");
    refused(&["try", &reader.at("full")], "full is no fork");
    refused(&["hint", &reader.at("mine"), "--task", "drain"], "there are: drain_per_event");
    assert_eq!(fs::read_dir(dir).unwrap().count(), before + 1, "only `full` is new");
    assert_eq!(fs::read_to_string(dir.join("full/note.txt")).unwrap(), "mine");
}

/// `Cargo.lock` is larger than a file may be here: as on a disk that is full in the middle.
#[test]
fn what_can_not_be_written_to_its_end_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut book = Command::new(env!("CARGO_BIN_EXE_book"));
    book.args(["fork", "edges", "--to"]).arg(dir.path().join("mine")).current_dir(root());
    let limit = || {
        let size = libc::rlimit { rlim_cur: 10_000, rlim_max: 10_000 };
        // SAFETY: setrlimit reads one rlimit, which `size` is, and signal takes integers; both may be called
        // between fork and exec (signal-safety(7) lists signal; setrlimit is a plain system call).
        unsafe {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            match libc::setrlimit(libc::RLIMIT_FSIZE, &size) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        }
    };
    // SAFETY: what it calls is async-signal-safe, see above, and it allocates nothing.
    let output = unsafe { book.pre_exec(limit) }.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("no fork can be made at "), "{said}");
    assert!(said.contains("Cargo.lock"), "{said}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left");
}

#[test]
fn tests_that_a_reader_changed_are_run_as_they_are_and_told() {
    let reader = Reader::new();
    for name in ["drain_exercise.rs", "edges.rs"] {
        fs::remove_file(reader.fork().join("tests").join(name)).unwrap();
    }
    let test =
        "#[test]\nfn it_prints() {\n    loop {\n        println!(\"on and on\");\n    }\n}\n";
    fs::write(reader.fork().join("tests/mine.rs"), test).unwrap();
    let (well, said) = reader.verb(&["try"]);
    assert!(said.contains("tests/edges.rs is not as it was forked"), "{said}");
    assert!(!well && said.contains("still computing it_prints"), "{said}");
    assert!(said.len() < 10_000, "what it prints is not repeated");
}

#[test]
fn what_a_test_leaves_behind_is_ended_and_who_exits_has_not_passed() {
    let reader = Reader::new();
    let tests = reader.fork().join("tests");
    let leaves = "#[test]\nfn it_leaves() {\n    std::process::Command::new(\"setsid\").args([\"sh\", \"-c\", \
                  \"sleep 4747 & sleep 4747\"]).spawn().unwrap();\n    \
                  std::thread::sleep(std::time::Duration::from_millis(200));\n}\n\
                  #[test]\nfn it_exits() {\n    std::process::exit(0);\n}\n";
    for file in weave::belongs::files(&tests).unwrap() {
        fs::remove_file(file).unwrap();
    }
    fs::write(tests.join("mine.rs"), leaves).unwrap();
    let (well, said) = reader.verb(&["try"]);
    assert!(!well && said.contains("1 of 2 tests pass"), "{said}");
    assert!(said.contains("failed it_exits\n    its process ended well, and before"), "{said}");
    let running = fs::read_dir("/proc").unwrap().flatten();
    let running = running.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let left = running.filter(|line| line.starts_with(b"sleep\x004747\0")).count();
    assert_eq!(left, 0, "processes that the test has left behind");
}

#[test]
fn every_wrong_answer_applies_and_lacks_an_idea_that_a_section_explains() {
    let book = Book::load(root()).unwrap();
    for exercise in Exercise::all(&book).unwrap() {
        exercises::listed(&book, &exercise).unwrap();
    }
}

#[test]
fn the_exercise_whose_turn_it_is_can_be_done_and_is_not_done_as_forked() {
    let root = root();
    let book = Book::load(root).unwrap();
    let mut exercises = Exercise::all(&book).unwrap();
    let turn = exercises::turn(root, exercises.len());
    let exercise = exercises.swap_remove(turn).in_language(root, None).unwrap();
    println!("the turn of {}", exercise.package);
    exercises::can_be_done(&book, &exercise).unwrap();
}

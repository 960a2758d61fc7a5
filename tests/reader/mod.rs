//! What the tests of the book's own program share: copies of the book, and a reader's terminal.

#![allow(dead_code, reason = "each of them uses a part of it")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::signals::with_default_signals;

/// A build takes a second; this is the last resort.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// A copy of the book in a folder of its own, so that its pages can be edited.
pub struct Checkout {
    pub root: PathBuf,
}

/// A book of four pages, for tests of the reader that are about none: to weave the whole one takes a
/// program that is compiled without optimisation two seconds, each time.
const PAGES: [(&str, &str); 5] = [
    (
        "book/SUMMARY.md",
        "# Summary\n\n[Start here](start.md)\n\n# What runs\n\n- [Who runs](what-runs/who.md)\n\n\
         # Why\n\n- [The edge](why/edges.md)\n- [The short read](why/short-read.md)\n",
    ),
    ("book/start.md", "# Async Rust, by Heart\n\nIt begins with [the edge](why/edges.md).\n"),
    ("book/ledger.toml", "at_most = 0\n"),
    ("chapters-code/one/Cargo.toml", "[package]\nname = \"one\"\nedition = \"2024\"\n"),
    ("chapters-code/one/tests/one.rs", "#[test]\nfn it_is_so() {\n    assert_eq!(1, 1);\n}\n"),
];

/// A note as short as one may be.
fn note(name: &str, title: &str) -> String {
    let sentences = "Of this there are many.\n".repeat(120);
    format!(
        "# {title}\n<!-- needs: ; level: first -->\n\n> It is so.\n>\n\
         > **Exactly** (Linux): It is so. [Proof](test:one::it_is_so)\n\n{sentences}\n\
         ```rust\nfn main() {{}}\n```\n\n## What to do\n\nThis.\n\n## In one sentence\n\nThat.\n\n\
         ## Break it\n\n```diff,name={name},test=one::it_is_so,fails\n\
         --- chapters-code/one/tests/one.rs\n-    assert_eq!(1, 1);\n+    assert_eq!(1, 2);\n```\n\n\
         ## Recall\n\n```recall,{name}\nIs it so?\n---\nIt is.\n```\n\n## Sources\n\nepoll(7)\n"
    )
}

impl Checkout {
    /// A fresh copy of the whole book.
    pub fn whole(name: &str) -> Checkout {
        Checkout::with(name, &["book", "chapters-code", "src", "tests", "book.toml", "Cargo.toml"])
    }

    /// A book of a few pages, with the configuration and the theme of the whole one.
    pub fn new(name: &str) -> Checkout {
        let checkout = Checkout::with(name, &["book/theme", "book.toml", "Cargo.toml"]);
        let notes = [("what-runs/who", "Who runs"), ("why/edges", "The edge")];
        let notes = notes.into_iter().chain([("why/short-read", "The short read")]);
        let named = |path: &str| path.split('/').next_back().unwrap_or(path).to_owned();
        let notes =
            notes.map(|(path, title)| (format!("book/{path}.md"), note(&named(path), title)));
        let pages = PAGES.map(|(file, text)| (file.to_owned(), text.to_owned()));
        for (file, text) in notes.chain(pages) {
            let file = checkout.root.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        checkout
    }

    fn with(name: &str, parts: &[&str]) -> Checkout {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&root);
        for part in parts {
            copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(part), &root.join(part));
        }
        Checkout { root }
    }

    pub fn edit(&self, page: &str, text: &str) {
        fs::write(self.root.join("book").join(page), text).unwrap();
    }

    pub fn read(&self, page: &str) -> String {
        fs::read_to_string(self.root.join("book").join(page)).unwrap()
    }
}

/// Copies a file, or what of a folder belongs to the book.
pub fn copy(from: &Path, to: &Path) {
    for file in weave::belongs::files(from).unwrap() {
        let inside = file.strip_prefix(from).unwrap();
        let copy = if from.is_file() { to.to_owned() } else { to.join(inside) };
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(file, copy).unwrap();
    }
}

/// The book's own program, at home in `root`.
pub fn program(root: &Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_book"));
    program.current_dir(root).env_remove("CARGO_TARGET_DIR");
    program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    program
}

/// `cargo book read`.
pub fn reader(root: &Path, port: u16) -> Command {
    let mut program = program(root);
    program.args(["read", "--port", &port.to_string()]);
    program
}

/// A reader's terminal; ended with the test.
pub struct Reading {
    pub child: Child,
    pub addr: String,
    err: Option<BufReader<ChildStderr>>,
}

impl Reading {
    pub fn start(checkout: &Checkout) -> Reading {
        Reading::of(reader(&checkout.root, 0))
    }

    pub fn of(mut reader: Command) -> Reading {
        let mut child = with_default_signals(&mut reader).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addr = line.split("http://").nth(1).and_then(|rest| rest.split(' ').next());
        let addr = addr.expect("the address is printed").to_owned();
        let err = child.stderr.take().map(BufReader::new);
        Reading { child, addr, err }
    }

    pub fn port(&self) -> u16 {
        self.addr.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// What the server answers to a request, as it stands.
    pub fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.addr).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub fn page(&self, path: &str) -> String {
        let addr = &self.addr;
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n"))
    }

    /// What open pages are told.
    pub fn state(&self) -> Value {
        let answer = self.page("/.book/state");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    pub fn build(&self) -> String {
        self.state()["build"].as_str().unwrap().to_owned()
    }

    /// Asks like an open page until the answer satisfies `is`.
    pub fn until(&self, is: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let state = self.state();
            if is(&state) {
                return state;
            }
            assert!(started.elapsed() < DEADLINE, "still {state}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for another build than `old`, and returns it.
    pub fn after(&self, old: &str) -> String {
        let new = self.until(|state| state["build"] != old);
        new["build"].as_str().unwrap().to_owned()
    }

    /// The next line in the terminal that contains `words`.
    pub fn says(&mut self, words: &str) -> String {
        let mut line = String::new();
        let err = self.err.as_mut().expect("the terminal is there");
        while err.read_line(&mut line).unwrap() > 0 {
            if line.contains(words) {
                return line;
            }
            line.clear();
        }
        panic!("it ended and did not say {words}");
    }

    /// Closes the terminal's end of what it prints.
    pub fn forget_terminal(&mut self) {
        self.err = None;
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Ends as with Ctrl-C.
    pub fn stop(mut self) {
        self.signal("INT");
        assert!(ended(&mut self.child).success());
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until a program has ended by itself.
pub fn ended(child: &mut Child) -> std::process::ExitStatus {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(started.elapsed() < DEADLINE, "it does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
}

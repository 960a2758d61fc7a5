//! `cargo book read`: the book is served, follows the files, keeps the last good page when one does
//! not weave, and leaves nothing behind.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A rebuild takes a tenth of a second; this is the last resort.
const DEADLINE: Duration = Duration::from_secs(60);

/// A copy of the book in a folder of its own, so that its pages can be edited.
struct Checkout {
    root: PathBuf,
}

impl Checkout {
    fn new(name: &str) -> Checkout {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&root);
        for part in ["book", "chapters-code", "src", "tests", "book.toml", "Cargo.toml"] {
            copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(part), &root.join(part));
        }
        Checkout { root }
    }

    fn edit(&self, page: &str, text: &str) {
        fs::write(self.root.join("book").join(page), text).unwrap();
    }

    fn read(&self, page: &str) -> String {
        fs::read_to_string(self.root.join("book").join(page)).unwrap()
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}

fn book(root: &Path, port: u16) -> Command {
    let mut book = Command::new(env!("CARGO_BIN_EXE_book"));
    book.current_dir(root)
        .args(["read", "--port", &port.to_string()])
        .env_remove("CARGO_TARGET_DIR");
    book.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    book
}

/// A reader's terminal; ended with the test.
struct Reading {
    child: Child,
    addr: String,
}

impl Reading {
    fn start(checkout: &Checkout) -> Reading {
        let mut child = book(&checkout.root, 0).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addr = line.split("http://").nth(1).and_then(|rest| rest.split(' ').next());
        Reading { child, addr: addr.expect("the address is printed").to_owned() }
    }

    fn get(&self, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.addr).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.addr);
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    fn page(&self, path: &str) -> String {
        let mut page = String::new();
        self.get(path).read_to_string(&mut page).unwrap();
        page
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads events until one of them satisfies `is`.
fn wait_for(events: &mut impl BufRead, is: impl Fn(&str) -> bool) -> String {
    let mut line = String::new();
    while events.read_line(&mut line).unwrap() > 0 {
        if line.starts_with("data:") && is(&line) {
            return line;
        }
        line.clear();
    }
    panic!("the events ended");
}

#[test]
fn a_saved_page_is_shown_and_a_broken_one_keeps_the_last_good_one() {
    let checkout = Checkout::new("reading");
    let reading = Reading::start(&checkout);
    let good = checkout.read("start.md");
    assert!(reading.page("/").contains("Async Rust, by Heart"));
    assert!(reading.page("/start.html").contains("/.book/events"), "pages know how to reload");
    assert!(reading.page("/gone.html").starts_with("HTTP/1.1 404"));
    let mut events = BufReader::new(reading.get("/.book/events"));
    wait_for(&mut events, |state| state.contains("\"error\":null"));

    checkout.edit("start.md", &format!("{good}\nA sentence of today.\n"));
    wait_for(&mut events, |state| state.contains("\"build\":2"));
    assert!(reading.page("/start.html").contains("A sentence of today."));

    checkout.edit("start.md", &format!("{good}\n```ruts\n```\n"));
    let broken = wait_for(&mut events, |state| !state.contains("\"error\":null"));
    assert!(broken.contains("book/start.md:") && broken.contains("unknown fence"), "{broken}");
    assert!(reading.page("/start.html").contains("A sentence of today."));

    checkout.edit("start.md", &good);
    wait_for(&mut events, |state| state.contains("\"error\":null"));
    assert!(!reading.page("/start.html").contains("A sentence of today."));
}

#[test]
fn a_draft_is_shown_to_its_author_and_not_published() {
    let checkout = Checkout::new("drafting");
    let draft = "<!-- draft -->\n\n# Half an idea\n";
    fs::write(checkout.root.join("book/why/half.md"), draft).unwrap();
    let (short, half) = ("- [The short read]", "- [Half an idea](why/half.md)\n- [The short read]");
    let contents = checkout.read("SUMMARY.md").replace(short, half);
    checkout.edit("SUMMARY.md", &contents);

    let reading = Reading::start(&checkout);
    assert!(reading.page("/why/half.html").contains("A draft: not proven yet"));

    let published = checkout.root.join("published");
    book::read::build::build(&checkout.root, &published, false).unwrap();
    assert!(published.join("why/edges.html").exists());
    assert!(!published.join("why/half.html").exists());
}

#[test]
fn ctrl_c_ends_it_and_leaves_nothing() {
    let checkout = Checkout::new("leaving");
    let mut reading = Reading::start(&checkout);
    // An open page holds a stream of events, which must not hold up the end.
    let _open = reading.get("/.book/events");
    let interrupted = Command::new("kill").args(["-INT", &reading.child.id().to_string()]).status();
    assert!(interrupted.unwrap().success());
    let started = Instant::now();
    let status = loop {
        if let Some(status) = reading.child.try_wait().unwrap() {
            break status;
        }
        assert!(started.elapsed() < DEADLINE, "Ctrl-C does not end it");
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "{status}");
    let left = fs::read_dir(checkout.root.join("target/book")).unwrap().count();
    assert_eq!(left, 0, "its builds are still there");
}

#[test]
fn a_port_in_use_is_named_with_what_to_type_instead() {
    let checkout = Checkout::new("occupied");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let output = book(&checkout.root, port).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("can't listen on 127.0.0.1:{port}")), "{said}");
    assert!(said.contains("--port "), "{said}");
}

#[test]
fn outside_a_checkout_it_says_so() {
    let output = book(Path::new("/"), 0).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("no book here"), "{said}");
}

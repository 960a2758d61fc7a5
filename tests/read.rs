//! `cargo book read`: the book is served, follows the files, keeps the last good page when one does
//! not weave, and leaves nothing behind.

mod reader;
mod signals;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use reader::{Checkout, DEADLINE, Reading, copy, ended};

#[test]
fn the_whole_book_is_served_and_a_saved_page_is_shown() {
    let checkout = Checkout::whole("whole");
    let reading = Reading::start(&checkout);
    let first = reading.build();
    assert!(reading.page("/").contains("Async Rust, by Heart"));
    assert!(reading.page("/why/edges.html").contains("The edge and the drain law"));
    checkout.edit("start.md", &(checkout.read("start.md") + "\nA sentence of today.\n"));
    reading.after(&first);
    assert!(reading.page("/start.html").contains("A sentence of today."));
}

#[test]
fn a_saved_page_is_shown_and_a_broken_one_keeps_the_last_good_one() {
    let checkout = Checkout::new("reading");
    let reading = Reading::start(&checkout);
    let good = checkout.read("start.md");
    assert!(reading.page("/").contains("Async Rust, by Heart"));
    let first = reading.build();
    let page = reading.page("/start.html");
    assert!(page.contains("/.book/state"), "pages know how to reload");
    assert!(
        page.contains(&format!("data-build=\"{first}\"")),
        "pages know of which build they are"
    );
    assert!(reading.page("/gone.html").starts_with("HTTP/1.1 404"));
    assert_eq!(reading.state()["error"], serde_json::Value::Null);

    checkout.edit("start.md", &format!("{good}\nA sentence of today.\n"));
    let second = reading.after(&first);
    assert!(reading.page("/start.html").contains("A sentence of today."));

    checkout.edit("start.md", &format!("{good}\n```ruts\n```\n"));
    let broken = reading.until(|state| !state["error"].is_null());
    let said = broken["error"].as_str().unwrap();
    assert!(said.contains("book/start.md:") && said.contains("unknown fence"), "{said}");
    assert_eq!(broken["build"], *second, "the last good one stays");
    assert!(reading.page("/start.html").contains("A sentence of today."));

    checkout.edit("start.md", &good);
    let mended = reading.until(|state| state["error"].is_null());
    assert_eq!(mended["build"], *first, "the same text is the same build");
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
    fs::write(checkout.root.join("book/theme/notes.css~"), "").unwrap();
    book::read::build::build(&checkout.root, &published, false).unwrap();
    assert!(published.join("why/edges.html").exists());
    assert!(!published.join("why/half.html").exists());
    assert!(published.join("theme/notes.css").exists());
    assert!(!published.join("theme/notes.css~").exists(), "a backup copy is for nobody");
    assert_eq!(fs::read_dir(&checkout.root).unwrap().flatten().filter(is_source).count(), 0);
}

fn is_source(entry: &fs::DirEntry) -> bool {
    entry.file_name().to_string_lossy().ends_with(".source")
}

/// One tab waits for news, and a thousand others would not hear them later.
#[test]
fn who_knows_the_book_as_it_is_hears_of_it_when_it_changes() {
    let checkout = Checkout::new("news");
    let reading = Reading::start(&checkout);
    let first = reading.state();
    let wait = format!("/.book/state?not={}", first["tag"].as_str().unwrap());
    let edited = checkout.read("start.md") + "\nA sentence of today.\n";
    let news = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| reading.page(&wait));
        checkout.edit("start.md", &edited);
        waiting.join().unwrap()
    });
    assert!(
        !news.contains(first["build"].as_str().unwrap()) && news.contains("\"build\""),
        "{news}"
    );
    let known = "/.book/state?not=0000";
    assert!(reading.page(known).contains("\"build\""), "who knows another is told at once");
}

#[test]
fn a_page_is_sent_compressed_to_who_takes_it_so() {
    let checkout = Checkout::whole("compressed");
    let reading = Reading::start(&checkout);
    let length = |coding: &str| -> usize {
        let head = format!(
            "HEAD /start.html HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: {coding}\r\n\
             Connection: close\r\n\r\n",
            reading.addr
        );
        let said = reading.ask(&head).to_lowercase();
        assert_eq!(said.contains("content-encoding: gzip"), coding == "gzip", "{said}");
        let (_, length) = said.split_once("content-length: ").unwrap();
        length.split('\r').next().unwrap().parse().unwrap()
    };
    assert!(length("gzip") * 3 < length("identity"));
}

/// A page asks and holds no connection, so any number of tabs share a browser's six.
#[test]
fn fifty_tabs_live_on_one_connection() {
    let checkout = Checkout::new("tabs");
    let reading = Reading::start(&checkout);
    let mut stream = BufReader::new(TcpStream::connect(&reading.addr).unwrap());
    stream.get_ref().set_read_timeout(Some(DEADLINE)).unwrap();
    let mut get = |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", reading.addr);
        stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut length = None;
        let mut line = String::new();
        while stream.read_line(&mut line).unwrap() > 2 {
            let lower = line.to_lowercase();
            length = lower.strip_prefix("content-length:").map(|n| n.trim().to_owned()).or(length);
            line.clear();
        }
        let mut body = vec![0; length.expect("an answer that ends").parse().unwrap()];
        stream.read_exact(&mut body).unwrap();
        String::from_utf8(body).unwrap()
    };
    let first = reading.build();
    for _tab in 0..50 {
        assert!(get("/start.html").contains(&first));
        assert!(get("/.book/state").contains(&first));
    }
    checkout.edit("start.md", &(checkout.read("start.md") + "\nA sentence of today.\n"));
    let second = reading.after(&first);
    for _tab in 0..50 {
        assert!(get("/.book/state").contains(&second));
        assert!(get("/start.html").contains("A sentence of today."));
    }
}

#[test]
fn a_tab_that_outlives_the_server_reloads_if_the_book_changed_meanwhile_and_only_then() {
    let checkout = Checkout::new("restarted");
    let reading = Reading::start(&checkout);
    let first = reading.build();
    reading.stop();
    let again = Reading::start(&checkout);
    assert_eq!(again.build(), first, "nothing has changed");
    again.stop();
    checkout.edit("start.md", &(checkout.read("start.md") + "\nA sentence of today.\n"));
    assert_ne!(Reading::start(&checkout).build(), first, "a page has changed");
}

#[test]
fn a_build_whose_result_is_the_same_is_the_same_build() {
    let checkout = Checkout::new("touched");
    let mut reading = Reading::start(&checkout);
    let first = reading.build();
    checkout.edit("start.md", &checkout.read("start.md"));
    reading.says("no page differs");
    assert_eq!(reading.build(), first);
}

#[test]
fn what_editors_leave_changes_nothing_and_hinders_nothing() {
    let checkout = Checkout::new("editors");
    let first = Reading::start(&checkout).build();
    let book = checkout.root.join("book");
    symlink("me@here.1:2", book.join("theme/.#notes.css")).unwrap();
    fs::write(book.join("theme/.notes.css.swp"), b"b0VIM\xff").unwrap();
    fs::write(book.join("theme/notes.css~"), "").unwrap();
    assert_eq!(Reading::start(&checkout).build(), first);
}

#[test]
fn a_replaced_file_is_noticed_each_time() {
    let checkout = Checkout::new("replaced");
    let reading = Reading::start(&checkout);
    let config = checkout.root.join("book.toml");
    let text = fs::read_to_string(&config).unwrap();
    let mut build = reading.build();
    for title in ["One", "Two", "Three"] {
        let new = checkout.root.join("new.toml");
        fs::write(&new, text.replace("Async Rust, by Heart", title)).unwrap();
        fs::rename(&new, &config).unwrap();
        build = reading.after(&build);
        assert!(reading.page("/start.html").contains(&format!("{title}</title>")));
    }
}

#[test]
fn a_replaced_folder_is_noticed_and_so_is_what_happens_in_it() {
    let checkout = Checkout::new("folders");
    let reading = Reading::start(&checkout);
    let first = reading.build();
    let at = |name: &str| checkout.root.join(name);
    copy(&at("book"), &at("new"));
    let start = checkout.read("start.md");
    fs::write(at("new/start.md"), format!("{start}\nIn the new folder.\n")).unwrap();
    fs::rename(at("book"), at("old")).unwrap();
    fs::rename(at("new"), at("book")).unwrap();
    let second = reading.after(&first);
    assert!(reading.page("/start.html").contains("In the new folder."));
    checkout.edit("start.md", &format!("{start}\nIn the new folder, later.\n"));
    let third = reading.after(&second);

    // A part's folder gets another name.
    fs::rename(at("book/what-runs"), at("book/who-runs")).unwrap();
    let broken = reading.until(|state| !state["error"].is_null());
    assert!(broken["error"].as_str().unwrap().contains("what-runs/"), "{broken}");
    fs::rename(at("book/who-runs"), at("book/what-runs")).unwrap();
    reading.until(|state| state["error"].is_null());
    assert_eq!(reading.build(), third);
}

#[test]
fn every_signal_that_ends_it_leaves_nothing() {
    let checkout = Checkout::new("leaving");
    for signal in ["INT", "TERM", "HUP"] {
        let mut reading = Reading::start(&checkout);
        // An open connection must not hold up the end.
        let _open = TcpStream::connect(&reading.addr).unwrap();
        reading.signal(signal);
        let status = ended(&mut reading.child);
        assert!(status.success(), "{signal}: {status}");
        let left = fs::read_dir(checkout.root.join("target/book")).unwrap().count();
        assert_eq!(left, 0, "{signal}: its builds are still there");
    }
}

#[test]
fn nohup_is_respected() {
    let checkout = Checkout::new("nohup");
    let script = format!("trap '' HUP; exec {} read --port 0", env!("CARGO_BIN_EXE_book"));
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(&checkout.root).stdin(Stdio::null());
    shell.stdout(Stdio::piped()).stderr(Stdio::piped());
    let reading = Reading::of(shell);
    let first = reading.build();
    reading.signal("HUP");
    // It has ended before it has noticed this, if it ends.
    checkout.edit("start.md", &(checkout.read("start.md") + "\nA sentence of today.\n"));
    reading.after(&first);
    reading.stop();
}

#[test]
fn what_a_killed_server_left_goes_with_the_next_start_and_what_a_live_one_has_stays() {
    let checkout = Checkout::new("killed");
    let dead = checkout.root.join("target/book/read-4711/html");
    fs::create_dir_all(&dead).unwrap();
    fs::write(dead.join("index.html"), "").unwrap();
    let one = Reading::start(&checkout);
    assert!(!checkout.root.join("target/book/read-4711").exists());
    let two = Reading::start(&checkout);
    assert_eq!(one.build(), two.build());
    let first = one.build();
    checkout.edit("start.md", &(checkout.read("start.md") + "\nA sentence of today.\n"));
    one.after(&first);
    two.after(&first);
}

#[test]
fn the_target_folder_may_be_cleaned_while_it_is_read() {
    let checkout = Checkout::new("cleaned");
    let reading = Reading::start(&checkout);
    let first = reading.build();
    fs::remove_dir_all(checkout.root.join("target")).unwrap();
    assert!(reading.page("/start.html").contains(&first));
    checkout.edit("start.md", &(checkout.read("start.md") + "\nA sentence of today.\n"));
    reading.after(&first);
}

#[test]
fn its_terminal_may_go_and_it_goes_on() {
    let checkout = Checkout::new("terminal");
    let mut reading = Reading::start(&checkout);
    reading.forget_terminal();
    let mut build = reading.build();
    for sentence in ["One.", "Two."] {
        checkout.edit("start.md", &(checkout.read("start.md") + "\n" + sentence + "\n"));
        build = reading.after(&build);
    }
}

#[test]
fn names_and_variables_that_are_not_utf_8_are_no_matter() {
    let latin = OsStr::from_bytes(b"caf\xe9");
    let checkout = Checkout::new("a \u{e4} b");
    let mut program = reader::reader(&checkout.root, 0);
    program.env("NAME", latin).env(latin, "1");
    let reading = Reading::of(program);
    assert!(reading.page("/").contains("Async Rust, by Heart"));
    drop(reading);

    let odd = Path::new(env!("CARGO_TARGET_TMPDIR")).join(latin);
    let _ = fs::remove_dir_all(&odd);
    fs::rename(&checkout.root, &odd).unwrap();
    let reading = Reading::of(reader::reader(&odd, 0));
    assert!(reading.page("/").contains("Async Rust, by Heart"));
}

#[test]
fn it_answers_to_its_own_name_alone() {
    let checkout = Checkout::new("guarded");
    let reading = Reading::start(&checkout);
    let (addr, port) = (&reading.addr, reading.port());
    let localhost = format!("LocalHost:{port}");
    let status = |path: &str, headers: &str| {
        let answer =
            reading.ask(&format!("GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n"));
        answer.split(' ').nth(1).unwrap_or("nothing").to_owned()
    };
    for host in [addr, &localhost] {
        assert_eq!(status("/start.html", &format!("Host: {host}\r\n")), "200", "{host}");
        let whole = format!("http://{host}/start.html");
        assert_eq!(status(&whole, &format!("Host: {host}\r\n")), "200", "{whole}");
    }
    for path in ["/start.html", "/.book/state", "/gone.html", "http://evil.example/start.html"] {
        for headers in [
            format!("Host: evil.example:{port}\r\n"),
            "Host: 127.0.0.1:1\r\n".to_owned(),
            "Host: localhost\r\n".to_owned(),
            format!("Host: {addr}.evil.example\r\n"),
            format!("Host: {addr}\r\nHost: {addr}\r\n"),
            format!("Host: {addr}\r\nHost: evil.example\r\n"),
            String::new(),
        ] {
            assert_eq!(status(path, &headers), "421", "{path} {headers}");
        }
    }
    let own = format!("Host: {addr}\r\n");
    assert_eq!(status("http://evil.example/start.html", &own), "421");
    let old = reading.ask("GET /start.html HTTP/1.0\r\n\r\n");
    assert!(old.contains(" 421 "), "{old}");
}

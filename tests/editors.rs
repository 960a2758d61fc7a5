//! Nothing that an author typed is lost, whatever the editor and its line ends.

mod small;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use book::broken::{Copies, Diff};
use weave::Book;

use small::{PAGE, PRINTED, Small};

/// `cargo book record`, once it has started the command of the page.
fn recording(small: &Small) -> Child {
    let mut record = small.book(&["record", "start"]);
    let child = record.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    while !small.at("started").exists() {
        assert!(Instant::now() < deadline, "the command was not started");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

fn record(small: &Small, meanwhile: impl FnOnce()) -> Output {
    let child = recording(small);
    meanwhile();
    small.write("go", "");
    child.wait_with_output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

#[test]
fn what_is_typed_while_a_page_is_recorded_stays() {
    let small = Small::new();
    let typed = |page: &str| page.replace("The last line.", "The last line.\n\nAnd one more.");
    let output = record(&small, || small.write("book/start.md", typed(PAGE)));
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(small.read("book/start.md"), typed(PAGE).replace("before\n", PRINTED));
}

#[test]
fn a_block_that_is_changed_while_it_runs_is_told_and_left_alone() {
    let small = Small::new();
    let typed = PAGE.replace("before", "by hand");
    let output = record(&small, || small.write("book/start.md", &typed));
    assert!(!output.status.success());
    let told = said(&output);
    assert!(told.contains("book/start.md: `$ cargo run -q --example prints`, at line 5"), "{told}");
    assert!(told.contains("1 block was not recorded"), "{told}");
    assert_eq!(small.read("book/start.md"), typed);
}

#[test]
fn a_marked_page_with_carriage_returns_behind_a_link_is_recorded() {
    let small = Small::new();
    let theirs = |page: &str| format!("\u{feff}{}", page.replace('\n', "\r\n"));
    small.write("elsewhere.md", theirs(PAGE));
    fs::remove_file(small.at("book/start.md")).unwrap();
    symlink("../elsewhere.md", small.at("book/start.md")).unwrap();
    small.write("go", "");
    let output = small.book(&["record"]).output().unwrap();
    assert!(said(&output).contains("book/start.md: recorded anew"), "{}", said(&output));
    assert_eq!(small.read("elsewhere.md"), theirs(&PAGE.replace("before\n", PRINTED)));
    assert!(small.at("book/start.md").is_symlink());
}

#[test]
fn a_crate_that_is_open_in_an_editor_can_be_broken() {
    let small = Small::new();
    small.write("chapters-code/one/src/.lib.rs.swp", b"b0VIM\xff\xfe");
    symlink("me@here.1:2", small.at("chapters-code/one/src/.#lib.rs")).unwrap();
    small.write("chapters-code/one/picture.png", b"\x89PNG\xff");
    small.write("chapters-code/one/data/latin.rs", b"// caf\xe9\n");
    small.write(OsStr::from_bytes(b"chapters-code/one/caf\xe9.txt"), "");
    let source = small.read("chapters-code/one/src/lib.rs").replace('\n', "\r\n");
    small.write("chapters-code/one/src/lib.rs", format!("\u{feff}{source}"));
    let output = small.book(&["break", "another"]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("`one::it_is_so` failed"), "{}", said(&output));
}

#[test]
fn a_copy_that_can_not_be_made_says_why() {
    let small = Small::new();
    let other = PAGE.replace("# Start", "# Start\n").replace("name=another", "name=other");
    small.write("book/start.md", format!("{PAGE}\n{}", &other[other.find("```diff").unwrap()..]));
    // A folder stands where a file of the copy is to be.
    fs::create_dir_all(small.at("target/book/broken/another/src/lib.rs/x")).unwrap();
    let output = small.book(&["break", "another"]).output().unwrap();
    let told = said(&output);
    assert!(!output.status.success());
    assert!(told.contains("no copy can be made for the diff `another`: can't write"), "{told}");
    assert!(!told.contains("package ID"), "{told}");
    let output = small.book(&["break", "other"]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));

    // Where all are made, it is the one that fails.
    let book = Book::load(&small.at("")).unwrap();
    let copies = Copies::build(&book, small.at("target/book/broken"), None).unwrap();
    let [another, other] = &Diff::all(&book).collect::<Vec<_>>()[..] else { panic!("two diffs") };
    let error = copies.run(*another).unwrap_err().to_string();
    assert!(
        error.starts_with("no copy can be made for the diff `another`: can't write"),
        "{error}"
    );
    assert!(copies.run(*other).is_ok());
}

//! A book on disk with one thing in it that is not as it should be: what is said of it, and where.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use weave::Book;
use weave::patch::Patch;

/// A book of one page, which shows an excerpt and names a test.
struct Small(TempDir);

const PAGE: &str = "# Start\n\n[It is so](test:one::it_is_so), and [the file](my%20file.txt).\n\n\
                    ```rust\n{{#include ../chapters-code/one/src/lib.rs:a}}\n```\n";

impl Small {
    fn new() -> Small {
        let small = Small(tempfile::tempdir().unwrap());
        small.write("book.toml", "[book]\n");
        small.write("book/SUMMARY.md", "# Summary\n\n[Start](start.md)\n");
        small.write("book/ledger.toml", "at_most = 0\n");
        small.write("book/start.md", PAGE);
        small.write("book/my file.txt", "x");
        small.write("chapters-code/one/Cargo.toml", "[package]\nname = \"one\"\n");
        small.write("chapters-code/one/src/lib.rs", "// ANCHOR: a\nfn a() {}\n// ANCHOR_END: a\n");
        small.write("chapters-code/one/tests/one.rs", "#[test]\nfn it_is_so() {\n}\n");
        small
    }

    fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: impl AsRef<Path>, text: impl AsRef<[u8]>) {
        let file = self.at(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn problems(&self) -> String {
        let book = Book::load(self.0.path()).unwrap();
        let problems = weave::check::check(&book);
        problems.iter().map(|problem| format!("{problem}\n")).collect()
    }
}

#[test]
fn what_editors_and_other_tools_leave_is_not_looked_at() {
    let small = Small::new();
    symlink("me@here.1234:56", small.at("book/.#start.md")).unwrap();
    symlink("me@here.1234:56", small.at("chapters-code/one/src/.#lib.rs")).unwrap();
    small.write("chapters-code/one/src/.lib.rs.swp", b"b0VIM\xff\xfe");
    small.write("chapters-code/one/src/lib.rs~", b"\xff");
    small.write("chapters-code/one/picture.png", b"\x89PNG\xff");
    small.write("chapters-code/.idea/x.xml", "");
    small.write("chapters-code/no-crate/src/x.rs", b"\xff");
    small.write(OsStr::from_bytes(b"chapters-code/one/src/caf\xe9.txt"), "");
    small.write(OsStr::from_bytes(b"chapters-code/one/tests/caf\xe9.rs"), "");
    small.write("book/start.md~", "# Not this\n");
    small.write("book/.obsidian/note.md", "# Nor this\n");
    assert_eq!(small.problems(), "");
}

#[test]
fn a_byte_order_mark_and_carriage_returns_change_nothing() {
    let small = Small::new();
    for file in [
        "book/SUMMARY.md",
        "book/start.md",
        "book/ledger.toml",
        "book.toml",
        "chapters-code/one/src/lib.rs",
        "chapters-code/one/tests/one.rs",
    ] {
        let text = fs::read_to_string(small.at(file)).unwrap();
        small.write(file, format!("\u{feff}{}", text.replace('\n', "\r\n")));
    }
    assert_eq!(small.problems(), "");
    let book = Book::load(small.0.path()).unwrap();
    assert_eq!(book.pages[0].title(), "Start");
    let diff = "--- chapters-code/one/src/lib.rs\n-fn a() {}\n+fn a() { loop {} }\n";
    let changed = Patch::parse(diff).unwrap().apply(small.0.path()).unwrap();
    assert_eq!(changed[0].1, "fn a() { loop {} }\n");
}

#[test]
fn what_can_not_be_read_is_named() {
    type Spoil = fn(&Small);
    let cases: [(Spoil, &str); 9] = [
        (
            |s| s.write("chapters-code/one/src/x.rs", b"//\n// caf\xe9\n"),
            "chapters-code/one/src/x.rs:1: can't read this source: line 2 is not UTF-8",
        ),
        (
            |s| symlink("gone", s.at("chapters-code/one/tests/x.rs")).unwrap(),
            "chapters-code/one/tests/x.rs:1: can't read this: a link that leads nowhere",
        ),
        (
            |s| symlink(".", s.at("chapters-code/one/src/up")).unwrap(),
            "chapters-code/one/src/up:1: can't read this: a link to a folder that it lies in",
        ),
        (
            |s| symlink("gone.md", s.at("book/x.md")).unwrap(),
            "book/x.md:1: can't read this: a link that leads nowhere",
        ),
        (
            |s| s.write(OsStr::from_bytes(b"book/caf\xe9.svg"), ""),
            "the name of this file is not UTF-8",
        ),
        (
            |s| s.write("book/start.md", b"# caf\xe9\n"),
            "book/SUMMARY.md:3: can't read the page `start.md`: line 1 is not UTF-8",
        ),
        (|s| s.write("book/ledger.toml", b"\xff"), "book/ledger.toml:1: line 1 is not UTF-8"),
        (|s| s.write("book.toml", "[book"), "book.toml:1: Invalid configuration file"),
        (
            |s| s.write("chapters-code/one/src/lib.rs", b"// ANCHOR: a\n\xff\n"),
            "book/start.md:6: can't include `../chapters-code/one/src/lib.rs`: \
             chapters-code/one/src/lib.rs: line 2 is not UTF-8",
        ),
    ];
    for (spoil, said) in cases {
        let small = Small::new();
        spoil(&small);
        let problems = small.problems();
        assert!(problems.contains(said), "`{said}` is not in:\n{problems}");
    }
    let small = Small::new();
    small.write("book/SUMMARY.md", b"\xff");
    let error = Book::load(small.0.path()).unwrap_err().to_string();
    assert_eq!(error, "no book here: book/SUMMARY.md: line 1 is not UTF-8");
}

#[test]
fn a_page_is_what_mdbook_builds() {
    let cases = [
        (
            "[Start](start.md)\n\n- [A](a.md)\n- [A](a.md)\n",
            "book/SUMMARY.md:4: mdBook refuses this",
        ),
        ("[Start](start.md)\n\n# [A](a.md)\n", "book/SUMMARY.md:3: mdBook never builds `a.md`"),
        ("[Start](start.md)\n\n# [A](a.md)\n", "book/a.md:1: no reader will find this page"),
        ("[Start](start.md)\n\n- [B](b.md) [A](a.md)\n", "book/start.md:9: dead link `a.md`"),
        (
            "[Start](start.md)\n\n- [A](../book/a.md)\n",
            "book/SUMMARY.md:3: `../book/a.md` is no plain path",
        ),
        ("[Start](start.md)\n\n- [A](A.md)\n", "book/SUMMARY.md:3: can't read the page `A.md`"),
    ];
    for (summary, said) in cases {
        let small = Small::new();
        small.write("book/SUMMARY.md", summary);
        small.write("book/start.md", format!("{PAGE}\n[A](a.md)\n"));
        small.write("book/a.md", "# A\n");
        small.write("book/b.md", "# B\n");
        let problems = small.problems();
        assert!(problems.contains(said), "`{said}` is not in:\n{problems}");
    }
}

#[test]
fn options_of_the_parser_are_those_of_the_configuration() {
    let small = Small::new();
    small.write("book/start.md", format!("{PAGE}\n## a --b\n\n[x](#a-b) [y](#a---b)\n"));
    assert!(small.problems().contains("book/start.md:11: dead link `#a---b`"));
    small.write("book.toml", "[output.html]\nsmart-punctuation = false\n");
    assert!(small.problems().contains("book/start.md:11: dead link `#a-b`"));
}

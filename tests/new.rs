//! `cargo book new`, in a copy of this checkout: what it lays out is sound from the first moment, and
//! can be written to its end.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use weave::belongs;

/// A copy of this checkout, gone when this is dropped.
struct Checkout(TempDir);

impl Checkout {
    fn new() -> Checkout {
        let copy = Checkout(tempfile::tempdir().unwrap());
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for file in belongs::files(root).unwrap() {
            let to = copy.at(file.strip_prefix(root).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(&file, to).unwrap();
        }
        copy
    }

    fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(path)
    }

    fn book(&self, args: &[&str]) -> (bool, String) {
        let book = Command::new(env!("CARGO_BIN_EXE_book"))
            .args(args)
            .current_dir(self.0.path())
            .output()
            .unwrap();
        said(book)
    }

    fn cargo(&self, args: &[&str]) -> (bool, String) {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(args).current_dir(self.0.path()).env_remove("RUSTC");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new");
        said(
            command
                .env("CARGO_TARGET_DIR", target)
                .env("CARGO_NET_OFFLINE", "true")
                .output()
                .unwrap(),
        )
    }

    /// Replaces words that are there.
    fn edit(&self, file: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.at(file)).unwrap();
        assert!(text.contains(old), "`{old}` is not in {file}:\n{text}");
        fs::write(self.at(file), text.replace(old, new)).unwrap();
    }

    /// Every file with its content.
    fn all(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = belongs::files(self.0.path()).unwrap();
        files.into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect()
    }

    /// How many things the draft lacks, as `check` lists them.
    fn lacks(&self) -> usize {
        let (sound, said) = self.book(&["check"]);
        assert!(sound, "{said}");
        let is_lack = |line: &&str| line.starts_with("    ") && line.contains(": ");
        said.lines()
            .filter(is_lack)
            .filter(|line| line.contains(".md:") || line.contains(".rs:"))
            .count()
    }
}

fn said(output: Output) -> (bool, String) {
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

const PAGE: &str = "book/why/room.md";
const TEST: &str = "chapters-code/room/tests/room.rs";

#[test]
fn a_new_note_is_sound_and_can_be_written_to_its_end() {
    let copy = Checkout::new();
    let (made, said) = copy.book(&["new", "why/room", "--title", "Room at the `sender`"]);
    assert!(made, "{said}");

    // Sound, formatted, without a warning; and the claim is red, in words that say what to write.
    for args in [
        &["fmt", "-p", "room", "--check"][..],
        &["clippy", "-p", "room", "--all-targets", "--", "-Dwarnings"],
    ] {
        let (good, said) = copy.cargo(args);
        assert!(good, "{args:?}: {said}");
    }
    let (green, said) = copy.cargo(&["test", "-p", "room"]);
    assert!(!green && said.contains("WRITE: the experiment that would refute"), "{said}");
    let mut lacks = copy.lacks();
    let (_, said) = copy.book(&["check"]);
    assert!(said.contains("nothing of the kind under `Sources`"), "{said}");
    assert!(lacks > 10, "{lacks}");

    // Published as it is, it is refused.
    copy.edit(PAGE, "<!-- draft -->\n", "");
    let (sound, said) = copy.book(&["check"]);
    assert!(!sound && said.contains("book/why/room.md:4: to write: the plain sentence"), "{said}");
    copy.edit(PAGE, "# Room", "<!-- draft -->\n# Room");

    // Each thing that is written is one that it no longer lacks.
    let mut written = |file: &str, old: &str, new: &str| {
        copy.edit(file, old, new);
        let now = copy.lacks();
        assert!(now < lacks, "after `{old}` it still lacks {now} of {lacks}");
        lacks = now;
    };
    let todo = "todo!(\"WRITE: the experiment that would refute the claim; see it fail before it passes\");";
    fs::write(copy.at("chapters-code/room/src/lib.rs"), "//! Room.\n\n// ANCHOR: room\n/// Room.\npub fn room() -> u32 {\n    1\n}\n// ANCHOR_END: room\n").unwrap();
    written(TEST, todo, "assert_eq!(room::room(), 1);");
    written(TEST, "    // WRITE: a name that says the claim, here and on the page.\n", "");
    let text = fs::read_to_string(copy.at(PAGE)).unwrap();
    let comment = |of: &str| text.lines().find(|line| line.contains(of)).unwrap().to_owned();
    written(PAGE, &(comment("for whom it is") + "\n"), "");
    let plain = "WRITE: the plain sentence: at most 20 words, what a reader would repeat at work.";
    written(PAGE, plain, "There is room for one.");
    written(PAGE, "WRITE: the contract, which a test could refute.", "There is room for one.");
    let prose = "This is a short sentence of seven words. ".repeat(90);
    let program = "\n\n```rust\nfn main() {\n    assert_eq!(room::room(), 1);\n}\n```";
    written(PAGE, &comment("the plain case"), &(prose + program));
    written(PAGE, &comment("the surprise"), "The surprise.");
    written(PAGE, &comment("two to five lines"), "Do this.");
    written(PAGE, &comment("what is left"), "This is left.");
    let diff = "```diff,name=no-room,test=room::the_claim_of_room,fails=\"left: 2\"\n\
                --- chapters-code/room/src/lib.rs\n-    1\n+    2\n```";
    written(PAGE, &comment("the smallest change that breaks"), diff);
    written(
        PAGE,
        "WRITE: a question that asks why, or what would happen, and is understood without the page.",
        "Why is there room for one?",
    );
    written(PAGE, "WRITE: the answer, one fact.", "There is no more.");
    written(PAGE, &comment("man pages"), "- epoll(7)");
    assert_eq!(lacks, 0);
    let (_, said) = copy.book(&["check"]);
    assert!(said.contains("book/why/room.md: a draft that lacks nothing"), "{said}");

    copy.edit(PAGE, "<!-- draft -->\n", "");
    let (sound, said) = copy.book(&["check"]);
    assert!(sound && said.contains("(0 drafts)"), "{said}");
    let (green, said) = copy.cargo(&["test", "-p", "room"]);
    assert!(green, "{said}");
}

#[test]
fn what_can_not_be_made_leaves_nothing() {
    let copy = Checkout::new();
    fs::create_dir(copy.at("chapters-code/taken")).unwrap();
    fs::write(copy.at("chapters-code/taken/x"), "").unwrap();
    copy.edit("book/why/edges.md", "recall,edge-would-block", "recall,clash-why");
    let before = copy.all();
    let cases: &[(&[&str], &str)] = &[
        (&["room"], "names no part"),
        (&["why/Room"], "small letters"),
        (&["why/café"], "small letters"),
        (&["why/-room"], "small letters"),
        (&["../why/room"], "can't be a part"),
        (&["a/b/room"], "can't be a part or a page"),
        (&["why/edges"], "there is a page `edges`: book/why/edges.md"),
        (&["small-mio/edges"], "there is a page `edges`: book/why/edges.md"),
        (&["theme/room"], "book/theme is no part"),
        (&["why/test"], "no crate can be named `test`"),
        (&["why/async"], "no crate can be named `async`"),
        (&["why/con"], "no crate can be named `con`"),
        (&["why/lab"], "there is chapters-code/lab already"),
        (&["why/taken"], "there is chapters-code/taken already"),
        (&["why/libc"], "another crate that is named `libc`"),
        (&["why/on-trial"], "another crate that is named `on-trial`"),
        (&["why/short", "--crate", "gone"], "there is no crate `gone`"),
        (&["why/short", "--crate", "../src"], "there is no crate `../src`"),
        (
            &["why/cost-two", "--crate", "cost", "--part-title", "X"],
            "--part-title is for a new part",
        ),
        (&["why/room", "--title", "a](b.md) [c"], "no line for SUMMARY.md"),
        (&["why/room", "--title", "a\nb"], "can't be a title"),
        (&["why/room", "--title", ""], "can't be a title"),
        (&["why/clash"], "a second card `clash-why`"),
        (&["why/room", "--title", "<b>x</b>"], "can't be a title"),
        (&["room/room", "--part-title", "a\n\n# b"], "no line for SUMMARY.md"),
    ];
    for (args, words) in cases {
        let (made, said) = copy.book(&[&["new"], *args].concat());
        assert!(!made && said.contains(words), "{args:?}: {said}");
        assert_eq!(copy.all(), before, "{args:?}");
    }

    // The last file of all can't be written: what was made before it is taken back.
    let summary = copy.at("book/SUMMARY.md");
    let mut permissions = fs::metadata(&summary).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&summary, permissions).unwrap();
    let (made, said) = copy.book(&["new", "room/room"]);
    assert!(
        !made && said.contains("nothing was left behind: ") && said.contains("read-only"),
        "{said}"
    );
    assert_eq!(copy.all(), before);
    assert!(!copy.at("book/room").exists() && !copy.at("chapters-code/room").exists());
}

#[test]
fn a_note_in_a_crate_that_is_there_is_one_more_test_of_it() {
    let copy = Checkout::new();
    let (made, said) =
        copy.book(&["new", "more/half-close", "--crate", "edges", "--part-title", "More of *it*"]);
    assert!(made, "{said}");
    assert!(copy.lacks() > 10);
    assert!(copy.at("chapters-code/edges/tests/half_close.rs").exists());
    let summary = fs::read_to_string(copy.at("book/SUMMARY.md")).unwrap();
    assert!(
        summary.contains("\n# More of *it*\n\n- [Half close](more/half-close.md)\n"),
        "{summary}"
    );
    let (made, said) = copy.book(&["new", "more/half-close", "--crate", "edges"]);
    assert!(!made && said.contains("there is a page `half-close`"), "{said}");
}

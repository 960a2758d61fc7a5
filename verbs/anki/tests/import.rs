//! A package, imported by Anki's own library. `ANKI_PYTHON` names a Python that has it.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// A book of two parts with a card each, of which one says this.
fn write_book(root: &Path, question: &str) {
    let note = |id: &str, question: &str| {
        let sentences = "Of this there are many.\n".repeat(120);
        format!(
            "# The {id}\n<!-- needs: ; level: first -->\n\n> It is so.\n>\n\
             > **Exactly** (Linux): It is so. [Proof](test:one::it_is_so)\n\n{sentences}\n\
             ## Which and why\n\nWho asks why indeed gets a `Vec`.\n\n\
             ```rust\nfn main() {{}}\n```\n\n## What to do\n\nThis.\n\n## In one sentence\n\nThat.\n\n\
         ## Break it\n\n```diff,name={id},test=one::it_is_so,fails\n\
         --- chapters-code/one/tests/one.rs\n-    assert_eq!(1, 1);\n+    assert_eq!(1, 2);\n```\n\n\
         ## Recall\n\n```recall,{id}\n{question}\n---\nA `Vec<u8>`, [so](b.md).\n```\n\n\
             ## Sources\n\nepoll(7)\n"
        )
    };
    let test = "#[test]\nfn it_is_so() {\n    assert_eq!(1, 1);\n}\n";
    for (file, text) in [
        ("book.toml", "[book]\nsrc = \"book\"\n".to_owned()),
        (
            "book/SUMMARY.md",
            "# S\n\n# First::of all\n\n- [A](one/a.md)\n- [B](one/b.md)\n\n# Then\n\n- [C](two/c.md)\n"
                .into(),
        ),
        ("book/ledger.toml", "at_most = 0\n".into()),
        ("book/one/a.md", note("card-a", question)),
        ("book/one/b.md", note("card-b", "Why indeed?")),
        ("book/two/c.md", note("card-c", "Who?").replace("(b.md)", "(../one/b.md)")),
        ("chapters-code/one/Cargo.toml", "[package]\nname = \"one\"\nedition = \"2024\"\n".into()),
        ("chapters-code/one/tests/one.rs", test.into()),
    ] {
        let file = root.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
}

fn program(root: &Path, file: &str) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_verb-anki"));
    program.args(["recall", "--anki", file]).current_dir(root);
    program
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn a_second_import_updates_and_makes_no_doubles() {
    let dir = tempfile::tempdir().unwrap();
    write_book(dir.path(), "What is `&T`?");
    assert!(program(dir.path(), "one.apkg").status().unwrap().success());
    let first = seconds();
    write_book(dir.path(), "Which is it?");
    // Anki rewords a note where the other one is of a later second.
    while seconds() == first {
        thread::sleep(Duration::from_millis(20));
    }
    assert!(program(dir.path(), "two.apkg").status().unwrap().success());
    let python = env::var("ANKI_PYTHON").unwrap_or_else(|_| "python3".into());
    let has_anki = Command::new(&python).args(["-c", "import anki"]).output();
    if !has_anki.is_ok_and(|ended| ended.status.success()) {
        println!("skipped: {python} has no `anki`; ANKI_PYTHON names one that has");
        return;
    }
    let mut import = Command::new(python);
    import.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/import.py")).current_dir(dir.path());
    let ended = import.args(["one.apkg", "one.apkg", "two.apkg"]).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let said: Vec<Value> = ended
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    let [one, again, two] = &said[..] else { panic!("{said:?}") };
    let decks = serde_json::json!({
        "Async Rust, by Heart::First:of all": 2, "Async Rust, by Heart::Then": 1
    });
    assert_eq!(one["new"], 3);
    assert_eq!(again["new"], 0);
    assert_eq!(two["new"], 0);
    assert_eq!(two["updated"], 3);
    for import in [one, again, two] {
        assert_eq!(import["decks"], decks);
        assert_eq!(import["notes"].as_object().unwrap().len(), 3);
    }
    assert_eq!(one["notes"]["card-a"][0], "<p>What is <code>&amp;T</code>?</p>");
    assert_eq!(two["notes"]["card-a"][0], "<p>Which is it?</p>");
    let back = two["back"].as_str().unwrap();
    assert!(back.contains("A <code>Vec&lt;u8&gt;</code>, so."), "{back}");
    assert!(back.contains("The card-") && back.contains(", Which and why"), "{back}");
}

#[test]
fn no_other_file_is_written_over() {
    let dir = tempfile::tempdir().unwrap();
    write_book(dir.path(), "What?");
    let ended = program(dir.path(), "book/one/a.md").output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(!ended.status.success() && said.contains("Anki's end in .apkg"), "{said}");
    let ended = program(dir.path(), "gone/cards.apkg").output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(!ended.status.success() && said.contains("gone/cards.apkg can't be written"), "{said}");
}

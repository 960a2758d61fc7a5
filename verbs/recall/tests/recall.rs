//! `cargo book recall` in the terminal, on a book of four cards.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use book::recall::day::Day;
use book::recall::log::{Event, Grade, History, Log, What};

/// A checkout of a book with two notes of two cards each.
struct Reader(tempfile::TempDir);

fn note(name: &str) -> String {
    let card = |n| format!("```recall,{name}-{n}\nWhat is {n}?\n---\nIt is `{name}`.\n```\n\n");
    let sentences = "Of this there are many.\n".repeat(120);
    format!(
        "# The {name}\n<!-- needs: ; level: first -->\n\n> It is so.\n>\n\
         > **Exactly** (Linux): It is so. [Proof](test:one::it_is_so)\n\n{sentences}\n\
         ```rust\nfn main() {{}}\n```\n\n## What to do\n\nThis.\n\n## In one sentence\n\nThat.\n\n\
         ## Break it\n\n```diff,name={name},test=one::it_is_so,fails\n\
         --- chapters-code/one/tests/one.rs\n-    assert_eq!(1, 1);\n+    assert_eq!(1, 2);\n```\n\n\
         ## Recall\n\n{}{}## Sources\n\nepoll(7)\n",
        card("one"),
        card("two")
    )
}

impl Reader {
    fn new() -> Reader {
        let reader = Reader(tempfile::tempdir().unwrap());
        for (file, text) in [
            ("book.toml", "[book]\nsrc = \"book\"\n".to_owned()),
            (
                "book/SUMMARY.md",
                "# Summary\n\n# First\n\n- [A](one/a.md)\n\n# Then\n\n- [B](two/b.md)\n".into(),
            ),
            ("book/ledger.toml", "at_most = 0\n".into()),
            ("book/one/a.md", note("a")),
            ("book/two/b.md", note("b")),
            (
                "chapters-code/one/Cargo.toml",
                "[package]\nname = \"one\"\nedition = \"2024\"\n".into(),
            ),
            (
                "chapters-code/one/tests/one.rs",
                "#[test]\nfn it_is_so() {\n    assert_eq!(1, 1);\n}\n".into(),
            ),
        ] {
            reader.write(file, &text);
        }
        reader
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.0.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn log(&self) -> Log {
        Log::at(&self.0.path().join("recall.jsonl"))
    }

    fn reads(&self, note: &str) {
        self.log().append(|_| Ok(What::Read { note: note.into() })).unwrap();
    }

    fn program(&self, today: &str, args: &[&str]) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_verb-recall"));
        program.current_dir(self.0.path()).env_remove("BOOK_LOG").env("BOOK_TODAY", today);
        program.arg("recall").args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        program.stderr(Stdio::piped());
        program
    }

    /// What it prints when these keys are typed, each in a line of its own.
    fn types(&self, today: &str, args: &[&str], keys: &str) -> Output {
        let mut child = self.program(today, args).spawn().unwrap();
        let keys: String = keys.chars().flat_map(|key| [key, '\n']).collect();
        let _ = child.stdin.take().unwrap().write_all(keys.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn said(&self, today: &str, args: &[&str], keys: &str) -> String {
        let ended = self.types(today, args, keys);
        assert!(ended.status.success(), "{ended:?}");
        String::from_utf8(ended.stdout).unwrap()
    }

    fn days(&self) -> BTreeMap<String, String> {
        let history = self.log().read().unwrap();
        let days = history.cards.keys().map(|card| (card, history.due(card).unwrap()));
        days.map(|(card, due)| (card.clone(), due.to_string())).collect()
    }
}

const TODAY: &str = "2026-11-26";

#[test]
fn new_cards_are_those_of_notes_that_are_read() {
    let reader = Reader::new();
    let said = reader.said(TODAY, &[], "");
    assert!(said.starts_with("Nothing is due. Mark a note as read"), "{said}");
    reader.reads("b");
    let said = reader.said(TODAY, &[], " 3 4");
    assert!(said.starts_with("0 due, 2 new."), "{said}");
    assert!(said.contains("The b, *What to do* (book/two/b.md:"), "{said}");
    let right = [("b-one", "2026-11-28"), ("b-two", "2026-12-04")];
    assert_eq!(reader.days(), right.map(|(card, day)| (card.to_owned(), day.to_owned())).into());
    let said = reader.said(TODAY, &[], "");
    assert!(said.starts_with("Nothing is due. The next card is due on 2026-11-28."), "{said}");
    assert!(reader.said(TODAY, &["--all"], "").starts_with("0 due, 2 new."));
    assert!(reader.said(TODAY, &["--all", "--new", "1"], "").starts_with("0 due, 1 new (1 more"));
    assert!(reader.said("2026-12-05", &[], "").starts_with("2 due, 0 new."));
    assert!(reader.said("2026-12-05", &["--part", "two"], "").starts_with("2 due, 0 new."));
    assert!(reader.said("2026-12-05", &["--part", "first"], "").starts_with("Nothing is due."));
    let wrong = reader.types(TODAY, &["--part", "tow"], "");
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(!wrong.status.success() && said.contains("did you mean two?"), "{said}");
}

#[test]
fn the_longest_due_is_asked_first_and_its_answer_only_when_it_is_wanted() {
    let reader = Reader::new();
    reader.said(TODAY, &["--all", "--new", "2"], " 4 1");
    let said = reader.said("2027-01-01", &[], "");
    assert!(said.contains("What is two?") && !said.contains("What is one?"), "{said}");
    assert!(!said.contains("It is `a`."), "{said}");
    let said = reader.said("2027-01-01", &[], " ");
    assert!(said.contains("It is `a`."), "{said}");
}

#[test]
fn a_grade_can_be_taken_back_and_no_unknown_key_is_one() {
    let reader = Reader::new();
    let said = reader.said(TODAY, &["--all"], "3u x3 1u 4");
    for words in [
        "nothing was graded since you began",
        "the key '3' does nothing here",
        "no grade has the key 'x'",
        "taken back",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let right = [("a-one", "2026-11-28"), ("a-two", "2026-12-04")];
    assert_eq!(reader.days(), right.map(|(card, day)| (card.to_owned(), day.to_owned())).into());
    // After the last one too.
    let reader = Reader::new();
    let said = reader.said(TODAY, &["--all", "--new", "1"], " 4u 1x");
    assert!(said.contains("That was the last one."), "{said}");
    assert_eq!(reader.days()["a-one"], "2026-11-27");
}

#[test]
fn it_ends_at_once_and_at_the_end_of_its_input() {
    for (keys, graded) in [("", 0), ("q", 0), (" q", 0), (" 3q 3", 1), (" 3 ", 1), (" 3 3 3 3", 4)]
    {
        let reader = Reader::new();
        reader.said(TODAY, &["--all"], keys);
        assert_eq!(reader.days().len(), graded, "{keys}");
    }
}

#[test]
fn a_card_that_is_gone_is_retired_and_one_that_is_reworded_is_not() {
    let reader = Reader::new();
    reader.said(TODAY, &["--all"], " 3 3 3 3");
    let reworded =
        note("a").replace("What is one?", "Which one?").replace("recall,a-two", "recall,a-new");
    reader.write("book/one/a.md", &reworded);
    let said = reader.said("2027-01-01", &[], " ");
    assert!(said.starts_with("3 due, 0 new.") && said.contains("Which one?"), "{said}");
}

#[test]
fn a_log_that_can_not_be_written_is_named_and_keeps_what_it_has() {
    let reader = Reader::new();
    reader.write("recall.jsonl", "dear diary\n");
    let ended = reader.types(TODAY, &["--all"], " 3");
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(
        !ended.status.success() && said.contains("recall.jsonl can't be read: it is not a log"),
        "{said}"
    );
    assert_eq!(fs::read(reader.log().file()).unwrap(), b"dear diary\n");
}

/// Thirty days, on each of which all that is due is asked.
#[test]
fn a_month_of_days() {
    let reader = Reader::new();
    reader.reads("a");
    reader.reads("b");
    let first: Day = TODAY.parse().unwrap();
    let mut asked = BTreeMap::new();
    for day in 0..30 {
        let today = first.plus(day);
        // Good each time, but that the first card is forgotten on the third day it is asked.
        let keys = if day == 13 { " 1 3 3 3" } else { " 3 3 3 3" };
        reader.said(&today.to_string(), &[], keys);
        for (card, reviews) in &reader.log().read().unwrap().cards {
            let days: Vec<u32> = reviews.iter().map(|review| review.day.since(first)).collect();
            asked.insert(card.clone(), days);
        }
    }
    assert_eq!(asked["a-one"], [0, 2, 13, 15, 20], "{asked:?}");
    for card in ["a-two", "b-one", "b-two"] {
        assert_eq!(asked[card], [0, 2, 13], "{card}");
    }
}

fn grading(reader: &Reader, card: &str) -> Child {
    reader.program(TODAY, &["--grade", &format!("{card}=good")]).spawn().unwrap()
}

#[test]
fn writers_at_once_lose_nothing() {
    let reader = Reader::new();
    thread::scope(|scope| {
        for card in ["a-one", "a-two", "b-one"] {
            let reader = &reader;
            scope.spawn(move || {
                (0..40).for_each(|_| assert!(grading(reader, card).wait().unwrap().success()))
            });
        }
    });
    let text = fs::read_to_string(reader.log().file()).unwrap();
    assert_eq!(
        text.lines().filter(|line| serde_json::from_str::<Event>(line).is_ok()).count(),
        120
    );
    let history = reader.log().read().unwrap();
    assert!(history.cards.values().all(|reviews| reviews.len() == 40) && history.torn.is_empty());
}

#[test]
fn a_hundred_kills_cost_no_line_but_their_own() {
    let reader = Reader::new();
    let mut whole = 0;
    for kill in 0..100 {
        let mut child = grading(&reader, "a-one");
        thread::sleep(Duration::from_micros(kill * 80));
        let _ = child.kill();
        let killed = !child.wait().unwrap().success();
        let history = History::read(&fs::read(reader.log().file()).unwrap_or_default()).unwrap();
        let now = history.cards.get("a-one").map_or(0, Vec::len);
        assert!(now == whole || now == whole + 1, "{whole} and then {now}");
        assert!(killed || now == whole + 1, "what ended well is there");
        whole = now;
    }
    assert!(grading(&reader, "a-one").wait().unwrap().success());
    assert_eq!(reader.log().read().unwrap().cards["a-one"].len(), whole + 1);
}

#[test]
fn a_full_disk_takes_no_part_of_a_line() {
    let reader = Reader::new();
    reader.reads("a");
    let before = fs::read(reader.log().file()).unwrap();
    // The limit cuts a line in two, as a full disk does.
    let limit = before.len() + 20;
    let program = env!("CARGO_BIN_EXE_verb-recall");
    let script =
        format!("trap '' XFSZ; exec prlimit --fsize={limit} {program} recall --grade a-one=good");
    if Command::new("prlimit").arg("--version").output().is_err() {
        println!("skipped: there is no prlimit");
        return;
    }
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(reader.0.path()).env("BOOK_TODAY", TODAY);
    let ended = shell.env_remove("BOOK_LOG").output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(!ended.status.success() && said.contains("nothing was written to the log"), "{said}");
    assert_eq!(fs::read(reader.log().file()).unwrap(), before);
    assert!(said.contains(&Path::new("recall.jsonl").display().to_string()));
}

#[test]
fn a_grade_is_one_of_four_words() {
    let reader = Reader::new();
    for wrong in ["a-one", "a-one=great", "a-one="] {
        let ended = reader.types(TODAY, &["--grade", wrong], "");
        assert!(!ended.status.success(), "{wrong}");
    }
    assert_eq!(Grade::ALL.map(Grade::word), ["forgot", "hard", "good", "easy"]);
    assert!(reader.days().is_empty());
}

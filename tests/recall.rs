//! What is the reader's own on the served pages, and who may change it.

mod reader;
mod signals;

use std::fs;
use std::path::Path;

use reader::{Checkout, Reading, reader as program};
use serde_json::Value;

/// A book whose second note has a card.
fn checkout(name: &str) -> Checkout {
    let checkout = Checkout::new(name);
    let card = "## Recall\n\n```recall,edge-one\nWhat?\n---\nThat.\n```\n\n";
    checkout.edit("why/edges.md", &checkout.read("why/edges.md").replace("## Recall\n\n", card));
    checkout
}

/// The book, served, with a log of its own.
fn served(checkout: &Checkout) -> Reading {
    let mut program = program(&checkout.root, 0);
    program.env_remove("BOOK_LOG").env("BOOK_TODAY", "2026-11-26");
    Reading::of(program)
}

fn json(answer: &str) -> Value {
    let body = answer.split_once("\r\n\r\n").expect("an answer with a body").1;
    serde_json::from_str(body).expect(body)
}

fn mine(reading: &Reading) -> Value {
    json(&reading.page("/.book/mine"))
}

/// What a page of this server sends, with something changed in it.
fn posted(reading: &Reading, path: &str, body: &str, change: impl Fn(String) -> String) -> String {
    let (addr, mine) = (&reading.addr, mine(reading));
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {addr}\r\nOrigin: http://{addr}\r\nSec-Fetch-Site: same-origin\r\n\
         Content-Type: application/json\r\nX-Book-Token: {}\r\nContent-Length: {}\r\nConnection: close\r\n",
        mine["token"].as_str().unwrap(),
        body.len()
    );
    reading.ask(&format!("{}\r\n{body}", change(head)))
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("nothing")
}

#[test]
fn what_is_read_is_asked_and_what_is_unread_is_not() {
    let checkout = checkout("marked");
    let reading = served(&checkout);
    assert_eq!(mine(&reading)["fresh"], Value::Array(vec![]));
    let mark = |body: &str| posted(&reading, "/.book/read", body, |head| head);
    let answer = mark("{\"note\":\"edges\",\"read\":true}");
    assert_eq!((status(&answer), &json(&answer)["event"]), ("200", &"read".into()));
    let now = mine(&reading);
    assert_eq!(now["fresh"][0]["id"], "edge-one");
    assert_eq!(now["fresh"][0]["page"], "why/edges.html");
    assert_eq!(now["notes"]["why/edges.html"]["read"], true);
    assert_eq!(status(&mark("{\"note\":\"edges\",\"read\":false}")), "200");
    assert_eq!(mine(&reading)["fresh"], Value::Array(vec![]));
    let log = fs::read_to_string(checkout.root.join("recall.jsonl")).unwrap();
    assert_eq!(log.lines().count(), 2, "{log}");
    let unknown = mark("{\"note\":\"edgse\",\"read\":true}");
    assert_eq!(status(&unknown), "404");
    assert!(unknown.contains("did you mean edges?"), "{unknown}");
}

#[test]
fn what_is_due_is_listed_and_a_torn_log_is_told() {
    let checkout = checkout("due");
    let line = |due: &str| {
        format!(
            "{{\"at\":\"2026-11-01T00:00:00.000Z\",\"day\":\"2026-11-01\",\"event\":\"review\",\"card\":\"edge-one\",\"grade\":\"good\",\"due\":\"{due}\"}}\n"
        )
    };
    let log = checkout.root.join("recall.jsonl");
    fs::write(&log, line("2026-11-26") + "{\"at\":\"20").unwrap();
    let reading = served(&checkout);
    let now = mine(&reading);
    assert_eq!(
        (&now["due"][0]["id"], &now["days"]["edge-one"]),
        (&"edge-one".into(), &"2026-11-26".into())
    );
    assert_eq!(now["problem"], "line 2 of the log is torn and passed over");
    fs::write(&log, line("2026-11-27")).unwrap();
    let now = mine(&reading);
    assert_eq!((&now["due"], &now["next"]["day"]), (&Value::Array(vec![]), &"2026-11-27".into()));
    fs::write(&log, "dear diary\n").unwrap();
    assert!(mine(&reading)["problem"].as_str().unwrap().contains("it is not a log"));
    let answer = posted(&reading, "/.book/read", "{\"note\":\"edges\",\"read\":true}", |head| head);
    assert_eq!(status(&answer), "500");
    assert_eq!(fs::read_to_string(&log).unwrap(), "dear diary\n");
}

#[test]
fn a_review_is_taken_back_by_its_name_alone() {
    let checkout = checkout("undone");
    let line = "{\"at\":\"A\",\"day\":\"2026-11-01\",\"event\":\"review\",\"card\":\"edge-one\",\"grade\":\"good\",\"due\":\"2026-11-02\"}\n";
    fs::write(checkout.root.join("recall.jsonl"), line).unwrap();
    let reading = served(&checkout);
    let undo = |body: &str| posted(&reading, "/.book/undo", body, |head| head);
    assert_eq!(status(&undo("{\"card\":\"edge-one\",\"of\":\"B\"}")), "500");
    assert_eq!(mine(&reading)["due"][0]["id"], "edge-one");
    assert_eq!(status(&undo("{\"card\":\"edge-one\",\"of\":\"A\"}")), "200");
    assert_eq!(mine(&reading)["due"], Value::Array(vec![]));
    assert_eq!(status(&undo("{\"card\":\"edge-one\",\"of\":\"A\"}")), "500", "it is gone");
}

#[test]
fn nobody_else_can_change_anything() {
    let checkout = checkout("hostile");
    let reading = served(&checkout);
    let good = "{\"note\":\"edges\",\"read\":true}";
    type Change<'a> = &'a dyn Fn(String) -> String;
    let without = |name: &'static str| {
        move |head: String| {
            head.split_inclusive("\r\n").filter(|line| !line.starts_with(name)).collect::<String>()
        }
    };
    let changed =
        |old: &'static str, new: &'static str| move |head: String| head.replacen(old, new, 1);
    let wrong: [(&str, Change); 8] = [
        ("421", &changed("Host: 127.0.0.1", "Host: evil.example")),
        ("403", &changed("Origin: http://127.0.0.1", "Origin: http://evil.example")),
        ("403", &changed("same-origin", "cross-site")),
        ("403", &without("X-Book-Token")),
        ("403", &changed("X-Book-Token: ", "X-Book-Token: 0")),
        ("415", &changed("application/json", "text/plain")),
        ("405", &changed("POST", "DELETE")),
        ("405", &changed("POST", "OPTIONS")),
    ];
    for (right, change) in wrong {
        let answer = posted(&reading, "/.book/read", good, change);
        assert_eq!(status(&answer), right, "{answer}");
        assert!(!answer.contains("Access-Control"), "{answer}");
    }
    for body in [
        "",
        "{}",
        "[]",
        "null",
        "{\"note\":\"edges\"}",
        "{\"note\":1,\"read\":true}",
        "{\"note\":\"edges\",\"read\":true,\"x\":1}",
        "{\"note\":\"edges\",\"read\":true} {}",
    ] {
        let answer = posted(&reading, "/.book/read", body, |head| head);
        assert_eq!(status(&answer), "400", "{body}: {answer}");
    }
    for body in
        ["{\"card\":\"edge-one\",\"grade\":\"great\"}", "{\"card\":\"edge-one\",\"grade\":3}"]
    {
        assert_eq!(status(&posted(&reading, "/.book/grade", body, |head| head)), "400", "{body}");
    }
    let gone =
        posted(&reading, "/.book/grade", "{\"card\":\"edge-two\",\"grade\":\"good\"}", |head| head);
    assert_eq!(status(&gone), "404");
    assert!(gone.contains("did you mean edge-one?"), "{gone}");
    for path in ["/.book/mine", "/why/edges.html", "/.book/else"] {
        assert_eq!(status(&posted(&reading, path, good, |head| head)), "404", "{path}");
    }
    let deep = "[".repeat(4000);
    assert_eq!(status(&posted(&reading, "/.book/read", &deep, |head| head)), "400");
    assert!(!checkout.root.join("recall.jsonl").exists(), "nothing was written");
}

#[test]
fn what_cannot_be_built_is_told_and_grades_nothing() {
    // This checkout has no member that schedules.
    let checkout = checkout("unbuilt");
    let reading = served(&checkout);
    let answer =
        posted(&reading, "/.book/grade", "{\"card\":\"edge-one\",\"grade\":\"good\"}", |head| head);
    assert_eq!(status(&answer), "500");
    assert!(json(&answer)["error"].as_str().unwrap().contains("cargo"), "{answer}");
    assert!(!checkout.root.join("recall.jsonl").exists());
}

#[test]
fn nothing_of_it_is_in_a_site() {
    let checkout = checkout("site");
    fs::write(checkout.root.join("recall.jsonl"), "").unwrap();
    let to = checkout.root.join("site");
    book::read::build::build(&checkout.root, &to, false).unwrap();
    let page = fs::read_to_string(to.join("why/edges.html")).unwrap();
    assert!(
        page.contains("id=\"recall-edge-one\"") && !page.contains(".book/"),
        "the card unfolds"
    );
    assert!(served(&checkout).page("/why/edges.html").contains("/.book/recall.js"));
}

/// The one test that builds what schedules: in the repository itself, with a log elsewhere.
#[test]
fn a_grade_is_kept_with_the_day_on_which_the_card_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let mut program = program(Path::new(env!("CARGO_MANIFEST_DIR")), 0);
    program.env("BOOK_LOG", &log).env("BOOK_TODAY", "2026-11-26");
    let reading = Reading::of(program);
    let grade = "{\"card\":\"edge-drain-law\",\"grade\":\"good\"}";
    let answer = posted(&reading, "/.book/grade", grade, |head| head);
    assert_eq!(status(&answer), "200", "{answer}");
    let event = json(&answer);
    assert_eq!(
        (&event["day"], &event["due"]),
        (&"2026-11-26".into(), &"2026-11-28".into()),
        "{event}"
    );
    assert_eq!(mine(&reading)["days"]["edge-drain-law"], "2026-11-28");
    let written = fs::read_to_string(&log).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), event);
}

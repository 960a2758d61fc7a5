use std::os::unix::fs::PermissionsExt;

use super::*;

fn log() -> (tempfile::TempDir, Log) {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::at(&dir.path().join("recall.jsonl"));
    (dir, log)
}

fn review(card: &str, due: &str) -> What {
    What::Review { card: card.into(), grade: Grade::Good, due: due.parse().unwrap() }
}

#[test]
fn what_is_said_is_read_and_what_is_taken_back_does_not_count() {
    let (_dir, log) = log();
    assert!(log.read().unwrap().cards.is_empty(), "a log that is not there says nothing");
    log.append(|_| Ok(What::Read { note: "edges".into() })).unwrap();
    log.append(|_| Ok(review("a", "2026-12-01"))).unwrap();
    let second = log.append(|_| Ok(review("a", "2026-12-24"))).unwrap();
    assert_eq!(log.read().unwrap().due("a").unwrap().to_string(), "2026-12-24");
    log.append(|_| Ok(What::Undo { card: "a".into(), of: second.at.clone() })).unwrap();
    let history = log.read().unwrap();
    assert_eq!(history.due("a").unwrap().to_string(), "2026-12-01");
    assert!(history.read.contains("edges"));
    log.append(|_| Ok(What::Unread { note: "edges".into() })).unwrap();
    assert!(log.read().unwrap().read.is_empty());
}

#[test]
fn the_lines_are_those_of_the_documentation() {
    let documented: Vec<&str> = include_str!("../log.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! ").filter(|line| line.starts_with(BEGIN)))
        .collect();
    assert_eq!(documented.len(), 4);
    let readme = include_str!("../../../README.md");
    for line in documented {
        let event: Event = serde_json::from_str(line).expect(line);
        assert_eq!(serde_json::to_string(&event).unwrap(), line);
        assert!(readme.contains(&format!("\n{line}\n")), "README.md shows it: {line}");
    }
}

#[test]
fn a_torn_line_costs_that_line_alone_and_is_told() {
    let (_dir, log) = log();
    log.append(|_| Ok(review("a", "2026-12-01"))).unwrap();
    let whole = fs::read(log.file()).unwrap();
    for cut in 1..whole.len() {
        fs::write(log.file(), [&whole[..], &whole[..cut]].concat()).unwrap();
        log.append(|_| Ok(review("b", "2026-12-02"))).unwrap();
        let history = log.read().unwrap();
        // A line that lacks nothing but its end is whole.
        let torn = if cut == whole.len() - 1 { vec![] } else { vec![2] };
        assert_eq!(history.torn, torn, "{cut}");
        assert!(history.due("a").is_some() && history.due("b").is_some(), "{cut}");
    }
    fs::write(log.file(), &whole[..9]).unwrap();
    log.append(|_| Ok(review("b", "2026-12-02"))).expect("the first line may be torn too");
    assert_eq!(log.read().unwrap().torn().unwrap(), "line 1 of the log is torn and passed over");
}

#[test]
fn what_is_no_log_is_not_written_to() {
    let (dir, log) = log();
    for text in ["root:x:0:0:root\n", "{\"a\":1}\n", "\u{0}\u{1}", "[1,2]\n{\"at\":\"x\n"] {
        fs::write(log.file(), text).unwrap();
        let said = format!("{:#}", log.append(|_| Ok(review("a", "2026-12-01"))).unwrap_err());
        assert!(said.contains("recall.jsonl") && said.contains("its line 1 is no event"), "{said}");
        assert!(log.read().is_err());
        assert_eq!(fs::read(log.file()).unwrap(), text.as_bytes());
    }
    for (place, why) in [(dir.path(), "a folder"), (Path::new("/dev/full"), "no regular file")] {
        let said = format!("{:#}", Log::at(place).read().unwrap_err());
        assert!(said.contains(why) && said.contains("BOOK_LOG=FILE"), "{said}");
    }
    let nowhere = Log::at(&dir.path().join("gone/recall.jsonl"));
    assert!(nowhere.append(|_| Ok(review("a", "2026-12-01"))).is_err());
}

#[test]
fn a_log_that_is_read_only_is_read() {
    let (_dir, log) = log();
    log.append(|_| Ok(review("a", "2026-12-01"))).unwrap();
    fs::set_permissions(log.file(), fs::Permissions::from_mode(0o444)).unwrap();
    assert!(log.read().unwrap().due("a").is_some());
    if File::options().append(true).open(log.file()).is_ok() {
        println!("skipped: root may write to what is read-only");
        return;
    }
    assert!(log.append(|_| Ok(review("b", "2026-12-01"))).is_err());
}

#[test]
fn what_says_nothing_leaves_the_log_as_it_was() {
    let (_dir, log) = log();
    log.append(|_| Ok(review("a", "2026-12-01"))).unwrap();
    let before = fs::read(log.file()).unwrap();
    assert!(log.append(|_| bail!("no such card")).is_err());
    assert_eq!(fs::read(log.file()).unwrap(), before);
}

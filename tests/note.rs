//! `cargo book note`: the reader's own notes, opened, shown live, checked, and told from the author's.

mod reader;
mod signals;

use std::fs;

use reader::{Checkout, Reading, program};

/// What a verb says, on stdout and stderr, and whether it ended well.
fn said(checkout: &Checkout, args: &[&str], editor: Option<&str>) -> (bool, String) {
    let mut program = program(&checkout.root);
    program.args(args).env_remove("VISUAL").env_remove("EDITOR");
    if let Some(editor) = editor {
        program.env("VISUAL", editor);
    }
    let ended = program.output().unwrap();
    let all = [ended.stdout, ended.stderr].concat();
    (ended.status.success(), String::from_utf8(all).unwrap())
}

#[test]
fn it_opens_the_page_for_a_note_and_creates_it_once() {
    let checkout = Checkout::new("note");
    let page = checkout.root.join("notes/edges.md");
    let (good, told) = said(&checkout, &["note", "edges"], None);
    assert!(good && told.contains("notes/edges.md is yours to write; set VISUAL"), "{told}");
    assert_eq!(fs::read_to_string(&page).unwrap(), "# The edge, in my words\n");
    // An editor with arguments, and a page that is there.
    let editor = "sh -c 'echo More. >> \"$1\"' sh";
    let (good, told) = said(&checkout, &["note", "edges"], Some(editor));
    assert!(good, "{told}");
    assert_eq!(fs::read_to_string(&page).unwrap(), "# The edge, in my words\nMore.\n");
    let (good, told) = said(&checkout, &["note", "edges"], Some("exit 3 #"));
    assert!(
        !good && told.contains("ended badly (exit status: 3); notes/edges.md is there"),
        "{told}"
    );
    let (good, told) = said(&checkout, &["note"], None);
    assert!(good && told.starts_with("notes/edges.md"), "{told}");
}

#[test]
fn an_unknown_name_lists_near_ones_and_a_note_of_ones_own_is_asked_for() {
    let checkout = Checkout::new("note-names");
    let (good, told) = said(&checkout, &["note", "edgse"], None);
    assert!(
        !good && told.contains("did you mean edges?") && told.contains("note --new edgse"),
        "{told}"
    );
    for name in ["Edges", "a b", "../edges", "-", ""] {
        let (good, told) = said(&checkout, &["note", "--new", "--", name], None);
        assert!(!good && told.contains("no note can be called"), "{name}: {told}");
    }
    assert!(!checkout.root.join("notes").exists());
    let (good, told) = said(&checkout, &["note", "--new", "my-idea"], None);
    assert!(good, "{told}");
    let (good, _) = said(&checkout, &["note", "my-idea"], None);
    assert!(good && checkout.root.join("notes/my-idea.md").exists());
}

#[test]
fn a_note_is_checked_and_told_from_the_author_s() {
    let checkout = Checkout::new("note-checked");
    fs::create_dir_all(checkout.root.join("notes")).unwrap();
    fs::write(checkout.root.join("notes/edges.md"), "# Mine\n\n```ruts\n```\n").unwrap();
    let (good, told) = said(&checkout, &["check"], None);
    assert!(!good && told.contains("notes/edges.md:3: unknown fence `ruts`"), "{told}");
    let book = weave::Book::load(&checkout.root).unwrap();
    assert!(weave::check::check(&book).is_empty(), "the author's pages are as they were");
    fs::write(checkout.root.join("notes/edges.md"), "# Mine\n").unwrap();
    let (good, told) = said(&checkout, &["check"], None);
    assert!(good && told.contains("4 pages (0 drafts), and 1 of yours"), "{told}");
}

#[test]
fn it_is_shown_live_under_the_note_and_in_no_site() {
    let checkout = Checkout::new("note-live");
    let reading = Reading::start(&checkout);
    let first = reading.build();
    let notes = checkout.root.join("notes");
    fs::create_dir(&notes).unwrap();
    let card = "```recall,mine\nWhat?\n---\nThat.\n```\n";
    fs::write(notes.join("edges.md"), format!("# My edge\n\nMy sentence.\n\n{card}")).unwrap();
    fs::write(notes.join("idea.md"), "# My idea\n").unwrap();
    let second = reading.after(&first);
    let page = reading.page("/why/edges.html");
    for words in ["<section class=\"yours\"", "notes/edges.md", "My sentence.", "recall-mine"] {
        assert!(page.contains(words), "{words}");
    }
    assert!(reading.page("/yours/idea.html").contains("My idea"));
    assert!(
        reading.page("/.book/mine").contains("\"yours/idea.html\""),
        "it can be marked as read"
    );

    // What is wrong with it is shown in its place, and the book goes on.
    fs::write(notes.join("edges.md"), "# My edge\n\n```ruts\n```\n").unwrap();
    reading.after(&second);
    let page = reading.page("/why/edges.html");
    assert!(
        page.contains("notes/edges.md:3: unknown fence") && page.contains("It is so."),
        "{page}"
    );
    assert_eq!(reading.state()["error"], serde_json::Value::Null);
    reading.stop();
    assert!(
        Reading::start(&checkout).page("/why/edges.html").contains("unknown fence"),
        "at the start too"
    );

    let to = checkout.root.join("site");
    book::read::build::build(&checkout.root, &to, false).unwrap();
    assert!(!fs::read_to_string(to.join("why/edges.html")).unwrap().contains("class=\"yours\""));
    assert!(!to.join("yours").exists());
}

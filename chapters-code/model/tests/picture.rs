//! The table, and the drawing, which is drawn from the model.

use model::generate::nth;
use model::script::Kind;
use model::{Script, draw, picture, trial};

fn drawn(script: &str) -> String {
    picture::svg("T", "D.", &[("only", script.parse::<Script>().unwrap())])
}

/// What the drawing says after the names.
fn words(svg: &str) -> &str {
    svg.split_once("only: ").unwrap().1.split_once("</desc>").unwrap().0
}

#[test]
fn the_picture_follows_the_model() {
    let level = drawn("add IN; peer write 100; wait; read 50; wait");
    let edge = drawn("add IN|ET; peer write 100; wait; read 50; wait");
    let entries = |svg: &str| svg.matches("class=\"entry\"").count();
    // One in the interest list, and one in the ready list after each step or after the first.
    assert_eq!((entries(&level), entries(&edge)), (1 + 4, 1 + 1));
    assert_eq!((level.matches("→ 1 IN").count(), edge.matches("→ 1 IN").count()), (2, 1));
    assert!(words(&edge).ends_with("wait reports 1 IN; read 50; wait reports nothing."));
    assert!(words(&level).ends_with("read 50, and it is in the ready list; wait reports 1 IN."));
}

#[test]
fn other_steps_are_another_picture() {
    let edge = |read| drawn(&format!("add IN|ET; peer write 100; read {read}; wait"));
    assert!(words(&edge(50)).ends_with("wait reports 1 IN."));
    assert!(words(&edge(100)).ends_with("wait reports nothing."));
    assert_eq!(edge(50).matches("<title").count(), 1);
}

#[test]
fn the_table_fits_a_page_whatever_the_script() {
    let long = "unix; 2 add IN|PRI|OUT|RDHUP|ERR|HUP|EXCLUSIVE|WAKEUP|ONESHOT|ET; wait 1024; \
                asleep 2 peer write 16777216; 3 eventfd; 3 write 18446744073709551614; wait";
    let mut scripts: Vec<Script> = vec![long.parse().unwrap()];
    scripts.extend(Kind::ALL.into_iter().flat_map(|kind| (0..40).map(move |n| nth(5, kind, n))));
    for script in scripts {
        let table = draw::table(&script, &trial::run(&script).unwrap());
        let widest = table.lines().max_by_key(|line| line.chars().count()).unwrap();
        assert!(widest.chars().count() <= 100, "{widest}");
    }
}

#[test]
fn the_table_shows_both_lists_and_both_answers() {
    let script: Script =
        "unix; add IN|ET; peer write 5; read 5; wait; 2 add OUT; wait".parse().unwrap();
    let table = draw::table(&script, &trial::run(&script).unwrap());
    let expected = "\
unix          interest  ready  model    kernel
add IN|ET     1 IN|ET   -
peer write 5  1 IN|ET   1               5 bytes
read 5        1 IN|ET   1               5 bytes
wait          1 IN|ET   -      nothing  nothing
2 add OUT     1 IN|ET   2
              2 OUT
wait          1 IN|ET   2      2 OUT    2 OUT
              2 OUT
They agree.
";
    assert_eq!(table, expected, "{table}");
}

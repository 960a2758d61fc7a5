//! The drawing is drawn from the model.

use model::{Script, picture};

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

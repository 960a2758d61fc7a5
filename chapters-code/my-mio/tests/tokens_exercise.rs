//! What the slab owes its user. Each message says what was done and what had to come.

use my_mio::Token;
use slab::Slab;

#[path = "../examples/late_event/slab.rs"]
mod slab;

#[track_caller]
fn must(what: &str, right: Option<&str>, told: Option<&str>) {
    assert!(told == right, "{what}: expected {right:?}; got {told:?}");
}

fn there<'a>(slab: &'a mut Slab<&'static str>, token: Token) -> Option<&'a str> {
    slab.get_mut(token).map(|value| &**value)
}

#[test]
fn a_token_of_a_value_that_is_gone_finds_nothing() {
    let mut slab = Slab::default();
    let old = slab.insert("old");
    must("a value, by its token", Some("old"), there(&mut slab, old));
    must("taken out", Some("old"), slab.remove(old));
    must("by its token when it is gone", None, there(&mut slab, old));
    let new = slab.insert("new");
    must("another value came: the old token", None, there(&mut slab, old));
    must("another value came: taken out by the old token", None, slab.remove(old));
    must("the other value, by its own token", Some("new"), there(&mut slab, new));
}

#[test]
fn a_place_is_used_again_and_again() {
    let mut slab = Slab::default();
    let stays = slab.insert("stays");
    let mut tokens = Vec::new();
    for _ in 0..1_000 {
        let token = slab.insert("goes");
        must("a value, by its token", Some("goes"), there(&mut slab, token));
        must("taken out", Some("goes"), slab.remove(token));
        tokens.push(token);
    }
    must("a neighbour of 1000 others", Some("stays"), there(&mut slab, stays));
    // The place may not have an end of tokens, nor know one again after a while.
    let here = slab.insert("here");
    for old in &tokens {
        must(
            "1000 values came and went, another is here: an old token",
            None,
            there(&mut slab, *old),
        );
    }
    must("the one that is here, by its token", Some("here"), there(&mut slab, here));
    let places: Vec<usize> = tokens.iter().map(|token| token.0 & u32::MAX as usize).collect();
    let most = places.iter().max().copied().unwrap_or_default();
    assert!(most <= 1, "1000 values, 2 at a time: expected 2 places; place {most} was used");
    tokens.sort_unstable();
    tokens.dedup();
    let tokens = tokens.len();
    assert!(tokens == 1_000, "1000 values: expected 1000 tokens; got {tokens}");
}

#[test]
fn a_token_that_nobody_has_finds_nothing() {
    let mut slab = Slab::default();
    let token = slab.insert("here");
    for other in [Token(token.0 + 1), Token(99), Token(usize::MAX)] {
        must(&format!("one value, and {other:?}"), None, there(&mut slab, other));
        must(&format!("one value, taken out by {other:?}"), None, slab.remove(other));
    }
    must("one value, by its token", Some("here"), there(&mut slab, token));
}

#[test]
fn a_token_that_nobody_has_yet_frees_nothing() {
    let mut slab = Slab::default();
    let one = slab.insert("one");
    must("one is taken out", Some("one"), slab.remove(one));
    let next = slab.insert("next");
    must("next is taken out", Some("next"), slab.remove(next));
    // By now the place has had two values, so the token of a third is known before it comes.
    let third = Token(next.0 + (next.0 - one.0));
    must("taken out by the token that comes next", None, slab.remove(third));
    let [three, four] = ["three", "four"].map(|value| slab.insert(value));
    must("then two come: three, by its token", Some("three"), there(&mut slab, three));
    must("then two come: four, by its token", Some("four"), there(&mut slab, four));
}

#[test]
fn a_place_begins_anew_when_its_tokens_are_used_up() {
    let mut slab = Slab::with_the_last_of_its_tokens();
    let last = slab.insert("last");
    must("a place has one token left: its value, by that", Some("last"), there(&mut slab, last));
    must("a place has one token left: taken out by that", Some("last"), slab.remove(last));
    let next = slab.insert("next");
    must("then another came: it, by its own token", Some("next"), there(&mut slab, next));
    must("then another came: by the last token", None, there(&mut slab, last));
    must("then another came: taken out by its own token", Some("next"), slab.remove(next));
}

#[test]
fn two_values_that_are_gone_leave_two_places() {
    let mut slab = Slab::default();
    let [one, two] = ["one", "two"].map(|value| slab.insert(value));
    must("one is taken out", Some("one"), slab.remove(one));
    must("one is taken out again", None, slab.remove(one));
    must("two is taken out", Some("two"), slab.remove(two));
    let [three, four] = ["three", "four"].map(|value| slab.insert(value));
    must("three", Some("three"), there(&mut slab, three));
    must("four", Some("four"), there(&mut slab, four));
}

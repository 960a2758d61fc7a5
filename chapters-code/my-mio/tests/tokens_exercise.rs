//! What a slab owes those who keep values in it. Each message says what was kept and what had to come.

#[path = "../examples/late_event/slab.rs"]
mod slab;

use std::collections::HashSet;

use my_mio::Token;
use slab::Slab;

#[test]
fn many_values_are_kept_each_under_its_own_token() {
    let mut slab = Slab::default();
    let tokens: Vec<Token> = (0..1_000_u32).map(|n| slab.insert(n)).collect();
    let different = tokens.iter().collect::<HashSet<_>>().len();
    assert!(different == 1_000, "kept 1000 values: expected 1000 tokens; got {different}");
    let found = tokens
        .iter()
        .zip(0..)
        .filter(|(token, n)| slab.get_mut(**token).is_some_and(|kept| kept == n))
        .count();
    assert!(found == 1_000, "kept 1000 values: expected to find each by its token; found {found}");
}

#[test]
fn a_token_whose_value_is_gone_names_nothing_and_harms_nobody() {
    let mut slab = Slab::default();
    let old = slab.insert("old");
    assert_eq!(slab.remove(old), Some("old"), "kept, then removed");
    let new = slab.insert("new");
    let got = (slab.get_mut(old).copied(), slab.remove(old));
    assert!(
        got == (None, None),
        "an old token, whose place has a new value: expected nothing; got {got:?}"
    );
    let got = slab.get_mut(new).copied();
    assert!(got == Some("new"), "asked for by an old token, the new value stays; got {got:?}");
}

#[test]
fn a_token_that_the_slab_never_gave_names_nothing() {
    let mut slab = Slab::default();
    slab.insert(1);
    for token in [Token(7), Token(usize::MAX), Token(usize::MAX / 2)] {
        let got = (slab.get_mut(token).copied(), slab.remove(token));
        assert!(got == (None, None), "a token from elsewhere: expected nothing; got {got:?}");
    }
}

#[test]
fn places_that_are_free_are_used_again() {
    let mut slab = Slab::default();
    let tokens: Vec<Token> = (0..1_000)
        .map(|n| {
            let token = slab.insert(n);
            slab.remove(token);
            token
        })
        .collect();
    let half = usize::MAX >> (usize::BITS / 2);
    let places = tokens.iter().map(|token| token.0 & half).collect::<HashSet<_>>().len();
    assert!(places == 1, "a value at a time, 1000 times: expected one place; got {places}");
    let different = tokens.iter().collect::<HashSet<_>>().len();
    assert!(
        different == 1_000,
        "a value at a time, 1000 times: expected 1000 tokens; got {different}"
    );
}

//! The set of what to be told of.

use super::*;

const PRIORITY: Interest = Interest::PRIORITY;

#[test]
fn each_interest_is_what_it_is_called_and_nothing_else() {
    alone(|| {
        let is = |i: Interest| {
            [i.is_readable(), i.is_writable(), i.is_priority(), i.is_aio(), i.is_lio()]
        };
        assert_eq!(is(READABLE), [true, false, false, false, false]);
        assert_eq!(is(WRITABLE), [false, true, false, false, false]);
        assert_eq!(is(PRIORITY), [false, false, true, false, false]);
        assert_eq!(is(BOTH), [true, true, false, false, false]);
        assert_eq!(is(BOTH | PRIORITY), [true, true, true, false, false]);
    });
}

#[test]
fn add_is_a_union() {
    alone(|| {
        const ALL: Interest = READABLE.add(WRITABLE).add(PRIORITY);
        assert_eq!(READABLE.add(READABLE), READABLE);
        assert_eq!(WRITABLE.add(READABLE), BOTH);
        assert_eq!(READABLE | WRITABLE | PRIORITY, ALL);
        let mut interest = READABLE;
        interest |= PRIORITY;
        assert_eq!(interest, READABLE.add(PRIORITY));
        interest |= WRITABLE;
        assert_eq!(interest, ALL);
        interest |= WRITABLE;
        assert_eq!(interest, ALL);
    });
}

#[test]
fn remove_leaves_the_rest_and_of_nothing_none() {
    alone(|| {
        assert_eq!(BOTH.remove(READABLE), Some(WRITABLE));
        assert_eq!(BOTH.remove(WRITABLE), Some(READABLE));
        assert_eq!(BOTH.add(PRIORITY).remove(PRIORITY), Some(BOTH));
        assert_eq!(READABLE.remove(WRITABLE), Some(READABLE));
        assert_eq!(READABLE.add(PRIORITY).remove(BOTH), Some(PRIORITY));
        assert_eq!(READABLE.remove(READABLE), None);
        assert_eq!(READABLE.remove(BOTH), None);
    });
}

#[test]
fn interests_print_their_names() {
    alone(|| {
        assert_eq!(format!("{READABLE:?}"), "READABLE");
        assert_eq!(format!("{WRITABLE:?}"), "WRITABLE");
        assert_eq!(format!("{PRIORITY:?}"), "PRIORITY");
        assert_eq!(format!("{BOTH:?}"), "READABLE | WRITABLE");
        assert_eq!(format!("{:?}", WRITABLE | PRIORITY), "WRITABLE | PRIORITY");
        assert_eq!(format!("{:?}", BOTH | PRIORITY), "READABLE | WRITABLE | PRIORITY");
    });
}

#[test]
fn interests_have_an_order_and_a_byte() {
    alone(|| {
        let ascending = [READABLE, WRITABLE, BOTH, PRIORITY, BOTH | PRIORITY];
        assert!(ascending.is_sorted_by(|a, b| a < b));
        assert_eq!(size_of::<Interest>(), 1);
        assert_eq!(size_of::<Option<Interest>>(), 1);
    });
}

#[test]
fn a_token_is_its_number() {
    alone(|| {
        use std::collections::HashSet;
        assert_eq!(format!("{:?}", Token(7)), "Token(7)");
        assert_eq!(usize::from(Token(usize::MAX)), usize::MAX);
        assert!(Token(1) < Token(2) && Token(1) == Token(1) && Token(1) != Token(2));
        assert_eq!(size_of::<Token>(), size_of::<usize>());
        assert_eq!(HashSet::from([Token(1), Token(1), Token(2)]).len(), 2);
    });
}

#[test]
fn or_assign_is_a_union() {
    alone(|| {
        let mut interest = READABLE | Interest::PRIORITY;
        interest |= Interest::PRIORITY;
        assert_eq!(interest, READABLE | Interest::PRIORITY);
    });
}

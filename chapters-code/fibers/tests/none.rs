//! What the note *Why Rust has none* claims.
#![cfg(target_arch = "x86_64")]

use fibers::copied::{Found, run};

#[test]
fn in_a_copied_stack_the_reference_still_reaches_the_old_local() {
    assert_eq!(run(false).found, Found { local: 42, referred_to: 42 });
    let copied = run(true);
    assert_eq!(copied.found, Found { local: 1, referred_to: 42 });
    let (original, copy) = (copied.original, copied.copy.unwrap());
    assert_ne!(original.0, copy.0);
    assert_eq!((original.1[0], copy.1[0]), (42, 1));
}

#[test]
fn a_reference_and_an_integer_are_the_same_word() {
    let (place, [_, reference, integer]) = run(true).copy.unwrap();
    assert_eq!(reference, integer);
    assert_ne!(reference, place);
}

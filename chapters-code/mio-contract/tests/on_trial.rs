//! The contract, against the crate that the root's `Cargo.toml` puts on trial.

#![cfg(target_os = "linux")]

// From here on that is what `mio` means, in `suite` too.
extern crate on_trial as mio;

mod suite;

#[test]
fn this_is_the_crate_on_trial() {
    use std::any::TypeId;
    assert_eq!(TypeId::of::<mio::Poll>(), TypeId::of::<on_trial::Poll>());
}

//! The contract, against mio.

#![cfg(target_os = "linux")]

// Whatever cargo calls by that name: see the crate's page for how to put another one there.
extern crate mio;

mod suite;

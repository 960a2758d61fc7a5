//! `cargo book prove WHAT`: the proofs that build whole crates, and so take minutes.

pub mod contract;
pub mod faults;
pub mod suite;
pub mod tokio;

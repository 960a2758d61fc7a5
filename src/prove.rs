//! `cargo book prove WHAT`: the proofs that take minutes.

pub mod contract;
pub mod faults;
pub mod model;
pub mod suite;
pub mod tokio;

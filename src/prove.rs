//! `cargo book prove WHAT`: the proofs that build whole crates, and so take minutes.

pub mod contract;
pub mod faults;
mod linked;
#[cfg(test)]
mod rules;
pub mod suite;
pub mod tokio;

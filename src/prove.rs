//! `cargo book prove WHAT`: the proofs that take minutes.

pub mod contract;
pub mod faults;
pub mod model;
mod linked;
#[cfg(test)]
mod rules;
pub mod suite;
pub mod tokio;

//! `cargo book prove WHAT`: the proofs that take minutes.

pub mod contract;
pub mod exercises;
pub mod faults;
mod linked;
pub mod model;
#[cfg(test)]
mod rules;
pub mod share;
pub mod suite;
pub mod tokio;

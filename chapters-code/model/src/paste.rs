//! A script as a program to paste.
use crate::Script;
/// x
pub fn program(_script: &Script) -> String {
    String::new()
}

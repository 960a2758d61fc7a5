//! Flags in words.

use edges::{LEVEL, WRITE};

/// What is asked for, or reported.
pub fn interest(flags: u32) -> String {
    let known = [(WRITE, "room"), (LEVEL, "bytes")];
    let named = known.iter().filter(|(flag, _)| flags & flag != 0);
    let mut words: Vec<&str> = named.map(|(_, word)| *word).collect();
    if flags & !(WRITE | LEVEL) != 0 {
        words.push("something else");
    }
    if words.is_empty() { "nothing".into() } else { words.join(" and ") }
}

// Part of no crate; see sabotage.rs.
// ANCHOR: anchor
fn nobody_compiles_this() {}
// ANCHOR_END: anchor

//! The client in Rust, against each peer of the gauntlet.

mod modes;

use std::path::PathBuf;

modes::right_against!(Some(PathBuf::from(env!("CARGO_BIN_EXE_gauntlet-client"))));

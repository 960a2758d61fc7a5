//! `my-mio` under the name of mio.

pub use my_mio::*;

//! What the experiments of this book share.
//!
//! - [`bars`] draws how full some buffers were, moment by moment.
//! - [`cells`] draws stacks, and other columns of cells, moment by moment.
//! - [`crowd`] is a server's clients: a thousand at once, slow ones, ones that never read.
//! - [`doomed`] runs what may hang or crash in a child process and says how it ended.
//! - [`fatal`] says of which signal, with which code, a process dies.
//! - [`measure`] counts memory as the kernel does, and puts medians into tables.
//! - [`peer`] is a server that does what a server may do and a careless client does not expect.
//! - [`timeline`] records what ran when, on which thread, and tells concurrency from parallelism.

pub mod bars;
pub mod cells;
#[cfg(unix)]
pub mod crowd;
#[cfg(unix)]
pub mod doomed;
#[cfg(target_os = "linux")]
pub mod fatal;
#[cfg(target_os = "linux")]
pub mod measure;
#[cfg(target_os = "linux")]
pub mod peer;
mod svg;
#[cfg(unix)]
pub mod timeline;

//! What the experiments of this book share.
//!
//! - [`doomed`] runs what may hang or crash in a child process and says how it ended.
//! - [`measure`] counts memory as the kernel does, and puts medians into tables.
//! - [`peer`] is a server that does what a server may do and a careless client does not expect.
//! - [`timeline`] records what ran when, on which thread, and tells concurrency from parallelism.

#[cfg(unix)]
pub mod doomed;
#[cfg(target_os = "linux")]
pub mod measure;
#[cfg(target_os = "linux")]
pub mod peer;
#[cfg(unix)]
pub mod timeline;

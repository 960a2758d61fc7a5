//! What the experiments of this book share.
//!
//! - [`doomed`] runs what may hang or crash in a child process and says how it ended.
//! - [`measure`] counts memory as the kernel does, and puts medians into tables.
//! - [`peer`] is a server that does what a server may do and a careless client does not expect.
//! - [`reply`] says where a reply of HTTP/1.1 ends, for every client of the book.
//! - [`timeline`] records what ran when, on which thread, and tells concurrency from parallelism.

#[cfg(unix)]
pub mod doomed;
#[cfg(target_os = "linux")]
pub mod measure;
#[cfg(target_os = "linux")]
pub mod peer;
pub mod reply;
#[cfg(unix)]
pub mod timeline;

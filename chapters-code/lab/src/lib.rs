//! .

#[cfg(unix)]
pub mod doomed;
pub mod timeline;

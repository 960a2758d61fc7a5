//! .

#[cfg(unix)]
pub mod doomed;
#[cfg(target_os = "linux")]
pub mod peer;
pub mod timeline;

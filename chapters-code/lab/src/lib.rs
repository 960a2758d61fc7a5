//! .

#[cfg(unix)]
pub mod doomed;
#[cfg(target_os = "linux")]
pub mod peer;
#[cfg(unix)]
pub mod timeline;

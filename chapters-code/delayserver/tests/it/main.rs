//! What the server promises, asked of it over sockets.

mod client;
mod connections;
mod replies;
mod stopping;
mod waiting;

#[cfg(unix)]
mod binary;
#[cfg(unix)]
mod thousand;

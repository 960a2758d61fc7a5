//! What only Unix has: any descriptor as a source, and pipes.

use std::io;
use std::os::fd::RawFd;

use crate::event::Source;
use crate::{Interest, Registry, Token};

pub mod pipe;

// ANCHOR: source_fd
/// Any descriptor, by its number, as a source for the duration of one call. It keeps no record: the
/// kernel alone says whether it is registered.
#[derive(Debug)]
pub struct SourceFd<'a>(pub &'a RawFd);

impl Source for SourceFd<'_> {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        registry.add(*self.0, token, interests)
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        registry.modify(*self.0, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        registry.delete(*self.0)
    }
}
// ANCHOR_END: source_fd

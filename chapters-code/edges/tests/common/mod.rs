//! What the tests of the write side share.

use std::sync::LazyLock;

use edges::{Epoll, NOTHING};

/// How often an idle loop is looked at.
pub const WAITS: usize = 1_000;

/// The size of each of the two buffers of a narrow pair.
pub const BUFFER: i32 = 256 * 1024;

/// More than both buffers hold, and each position can be told from its neighbours.
pub fn message() -> Vec<u8> {
    static MESSAGE: LazyLock<Vec<u8>> =
        LazyLock::new(|| (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect());
    MESSAGE.clone()
}

/// How many of so many waits report something. None of them waits: the timeout is 0.
pub fn wakes(epoll: &Epoll) -> usize {
    (0..WAITS).filter(|_| epoll.wait(0).unwrap() != NOTHING).count()
}

//! How often memory is allocated.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

static COUNT: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, counted. A program that wants to know makes it the `global_allocator`.
pub struct Counted;

/// How often all threads have allocated or grown something so far; 0 where [`Counted`] is not in use.
pub fn allocations() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

/// How many bytes are allocated now.
pub fn allocated() -> u64 {
    BYTES.load(Ordering::Relaxed)
}

// SAFETY: every call is passed on to the system's allocator as it came, and its answer passed back.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: the caller keeps the rules of this method, which are those of the other.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: the memory came from `alloc` above, and so from the system's allocator.
        unsafe { System.dealloc(ptr, layout) }
    }
}

//! What it costs to touch a stack where memory comes in huge pages.

use std::io;
use std::ptr;

/// How far the stacks lie apart. Thirty-two of them are one huge page.
pub const STACK: usize = 64 << 10;

// ANCHOR: touched
/// Maps so many stacks, for which the kernel is advised to take huge pages or not to, writes to the
/// highest byte of each, and calls `looking` while they are there.
///
/// # Errors
/// Those of `mmap(2)` and `madvise(2)`: a kernel without huge pages refuses the advice.
pub fn touched<T>(count: usize, huge: bool, looking: impl FnOnce() -> T) -> io::Result<T> {
    let (bytes, protection) = (count * STACK, libc::PROT_READ | libc::PROT_WRITE);
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let advice = if huge { libc::MADV_HUGEPAGE } else { libc::MADV_NOHUGEPAGE };
    // SAFETY: the kernel chooses the place, and all that is written to is in the mapping.
    unsafe {
        let start = libc::mmap(ptr::null_mut(), bytes, protection, kind, -1, 0);
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let advised = libc::madvise(start, bytes, advice);
        let result = match advised {
            0 => {
                let tops = (1..=count).map(|at| start.cast::<u8>().add(at * STACK - 1));
                tops.for_each(|top| top.write_volatile(1));
                Ok(looking())
            }
            _ => Err(io::Error::last_os_error()),
        };
        libc::munmap(start, bytes);
        result
    }
}
// ANCHOR_END: touched

//! Stacks that are too small for what runs on them, and what lies below.

use std::hint::black_box;
use std::io;
use std::ptr;

use crate::switch::{First, StackPointer, plain};

/// The stack's size, and that of the memory below it.
const STACK: usize = 16 << 10;
const BELOW: usize = 4 << 20;
const PAGE: usize = 64 << 10;

/// What each byte below the stack is before.
const FILL: u8 = 0xaa;

/// Runs `first` on a stack of 16 KiB, with a guard below it or without, and counts the bytes of the
/// 4 MiB below that have changed.
///
/// # Errors
/// Those of `mmap(2)` and `mprotect(2)`.
///
/// # Safety
/// `first` uses no more of what is below than there is.
pub unsafe fn changed_below(first: First, guard: bool) -> io::Result<usize> {
    let (bytes, kind) = (BELOW + PAGE + STACK, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the kernel chooses the place.
    let start = unsafe { libc::mmap(ptr::null_mut(), bytes, protection, kind, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let start = start.cast::<u8>();
    // SAFETY: all of it is in the mapping, which nobody else uses, and its end is a multiple of 16.
    unsafe {
        start.write_bytes(FILL, BELOW + PAGE);
        // The guard is the last page only, as large as a page is where this runs.
        let page = libc::sysconf(libc::_SC_PAGESIZE) as usize;
        let last = start.add(BELOW + PAGE - page);
        if guard && libc::mprotect(last.cast(), page, libc::PROT_NONE) != 0 {
            return Err(io::Error::last_os_error());
        }
        let mut other = plain::prepare(start.add(bytes), first);
        plain::switch(&mut other);
        let readable = if guard { BELOW + PAGE - page } else { BELOW + PAGE };
        let below = std::slice::from_raw_parts(start, readable);
        let changed = below.iter().filter(|byte| **byte != FILL).count();
        libc::munmap(start.cast(), bytes);
        Ok(changed)
    }
}

/// Goes back to whoever resumed this side, once.
fn back(other: *mut StackPointer) -> ! {
    // SAFETY: each caller was resumed through `other`.
    unsafe { plain::switch(other) };
    unreachable!("it is resumed once")
}

// ANCHOR: frames
/// A hundred calls, each with 512 bytes in its frame.
///
/// # Safety
/// It was resumed through `other`.
pub unsafe extern "C" fn many_frames(other: *mut StackPointer) -> ! {
    fn deep(calls: usize) -> usize {
        let frame = black_box([calls as u8; 512]);
        let below = if calls == 1 { 0 } else { deep(calls - 1) };
        below + frame.len() // used after the call, so this is no loop
    }
    assert_eq!(black_box(deep(black_box(100))), 51_200);
    back(other)
}

/// One call with 64 KiB in its frame, of which it uses one byte.
///
/// # Safety
/// It was resumed through `other`.
pub unsafe extern "C" fn one_large_frame(other: *mut StackPointer) -> ! {
    #[inline(never)]
    fn large() -> u8 {
        let mut frame = std::mem::MaybeUninit::<[u8; 64 << 10]>::uninit();
        let lowest = black_box(&mut frame).as_mut_ptr().cast::<u8>();
        // SAFETY: it is the frame's first byte, and is read after it was written.
        unsafe {
            lowest.write(1);
            lowest.read()
        }
    }
    assert_eq!(black_box(large()), 1);
    back(other)
}

/// The same, as a compiler makes it that does not probe: one subtraction, one store.
///
/// # Safety
/// It was resumed through `other`.
pub unsafe extern "C" fn one_large_frame_without_probes(other: *mut StackPointer) -> ! {
    // SAFETY: the stack pointer is as it was afterwards. Where it points meanwhile is the caller's
    // promise.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!("sub rsp, 65536", "mov byte ptr [rsp], 1", "add rsp, 65536");
    }
    // SAFETY: the same.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        std::arch::asm!("sub sp, sp, #16, lsl #12", "strb wzr, [sp]", "add sp, sp, #16, lsl #12",);
    }
    back(other)
}
// ANCHOR_END: frames

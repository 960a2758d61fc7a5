//! The switch of the textbooks, on aarch64: store, swap, load, `ret`.

use std::arch::naked_asm;

use super::{First, StackPointer};

// ANCHOR: switch
/// Goes on where `*other` points, and leaves there where this side stopped.
///
/// # Safety
/// `*other` was left there by a switch away from a stack that still stands, or made by [`prepare`].
#[unsafe(naked)]
pub unsafe extern "C" fn switch(other: *mut StackPointer) {
    naked_asm!(
        "sub sp, sp, #160",
        "stp x19, x20, [sp, #0]",
        "stp x21, x22, [sp, #16]",
        "stp x23, x24, [sp, #32]",
        "stp x25, x26, [sp, #48]",
        "stp x27, x28, [sp, #64]",
        "stp x29, x30, [sp, #80]",
        "stp d8, d9, [sp, #96]",
        "stp d10, d11, [sp, #112]",
        "stp d12, d13, [sp, #128]",
        "stp d14, d15, [sp, #144]",
        "mov x9, sp",
        "ldr x10, [x0]",
        "str x9, [x0]",
        "mov sp, x10",
        "ldp x19, x20, [sp, #0]",
        "ldp x21, x22, [sp, #16]",
        "ldp x23, x24, [sp, #32]",
        "ldp x25, x26, [sp, #48]",
        "ldp x27, x28, [sp, #64]",
        "ldp x29, x30, [sp, #80]",
        "ldp d8, d9, [sp, #96]",
        "ldp d10, d11, [sp, #112]",
        "ldp d12, d13, [sp, #128]",
        "ldp d14, d15, [sp, #144]",
        "add sp, sp, #160",
        "ret",
    )
}
// ANCHOR_END: switch

/// Lets the fiber that was suspended at `*other` run: [`switch`] is its own way back.
///
/// # Safety
/// As for [`switch`].
#[inline]
pub unsafe fn resume(other: *mut StackPointer) {
    // SAFETY: the caller's promise is the one that is asked for.
    unsafe { switch(other) }
}

/// Goes back to whoever resumed this fiber through `other`.
///
/// # Safety
/// As for [`switch`].
#[inline]
pub unsafe fn suspend(other: *mut StackPointer) {
    // SAFETY: the caller's promise is the one that is asked for.
    unsafe { switch(other) }
}

/// Writes the first frame of a stack that ends below `top`: what the first switch to it will load.
///
/// # Safety
/// `top` is a multiple of 16, and the 160 bytes below it may be written.
pub unsafe fn prepare(top: *mut u8, first: First) -> StackPointer {
    let mut frame = [0; 20];
    frame[0] = first as usize; // x19
    frame[11] = begin as *const () as usize; // x30, where `ret` goes
    // SAFETY: it is 160 bytes, and those below `top` may be written.
    unsafe {
        let low = top.cast::<[usize; 20]>().sub(1);
        low.write(frame);
        low.cast()
    }
}

/// Goes to the first function with no address to return to, so that a backtrace ends there. x0 is
/// still the switch's argument.
#[unsafe(naked)]
unsafe extern "C" fn begin() {
    naked_asm!("mov x30, xzr", "br x19")
}

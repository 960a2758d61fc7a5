//! The switch of the textbooks, on x86-64: push, swap, pop, `ret`.

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
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov rax, rsp",
        "mov rsp, [rdi]",
        "mov [rdi], rax",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
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

// ANCHOR: prepare
/// Writes the first frame of a stack that ends below `top`: what the first switch to it will pop.
///
/// # Safety
/// `top` is a multiple of 16, and the 64 bytes below it may be written.
pub unsafe fn prepare(top: *mut u8, first: First) -> StackPointer {
    // The psABI, 3.2.2: where a function begins, the stack pointer and 8 make a multiple of 16. The
    // highest word stands where the address to return to would be.
    let frame = [0, 0, 0, 0, 0, 0, first as usize, 0];
    // SAFETY: it is 64 bytes, and those below `top` may be written.
    unsafe {
        let low = top.cast::<[usize; 8]>().sub(1);
        low.write(frame);
        low.cast()
    }
}
// ANCHOR_END: prepare

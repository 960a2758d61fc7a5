//! The switch of the textbooks, on x86-64: push, swap, pop, `ret`.

use std::arch::naked_asm;

use super::{First, StackPointer, paired};

// ANCHOR: switch
/// Goes on where `*other` points, and leaves there where this side stopped.
///
/// # Safety
/// `*other` was left there by a switch away from a stack that still stands, or made by [`prepare`].
#[unsafe(naked)]
pub unsafe extern "C" fn switch(other: *mut StackPointer) {
    // FORK switch: put `#[unsafe(naked)]` above this and write it as one `naked_asm!`: save what a call must
    //   keep on this stack, exchange the stack pointer with the word at rdi, go on with what the other saved
    // HINT: Which registers may a function not change, besides the stack pointer? The note names six; the
    //   psABI has them in 3.2.1, in the column "callee saved".
    // HINT: What was pushed last lies lowest. So which of the six does the other stack give back first?
    // HINT: Two words change places, one in a register and one in memory, and no instruction does it at a sane
    //   price. Which register may be lost on the way, as nobody expects it to be kept?
    // HINT: Six pushes; the stack pointer into a register that may be lost; the stack pointer from the word;
    //   the word from that register; six pops in the order that turns back; and the return, which takes the
    //   address that the other side's call left.
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
/// Writes the first frame of a stack that ends below `top`: what [`paired`] needs, and below it six words for
/// the first six pops.
///
/// # Safety
/// `top` is a multiple of 16, and the 64 bytes below it may be written.
pub unsafe fn prepare(top: *mut u8, first: First) -> StackPointer {
    // SAFETY: these 48 bytes and what `paired` writes are 64, and those below `top` may be written.
    unsafe {
        let low = paired::prepare(top, first).sub(6);
        low.write_bytes(0, 6);
        low
    }
}
// ANCHOR_END: prepare

//! The switch that calls and returns, on x86-64. A processor guesses where a `ret` will go from the
//! calls that it has seen, so the way back is a `ret` only because the way there was a `call`.

use std::arch::asm;

use super::{First, StackPointer};

// ANCHOR: resume
/// Lets the fiber that was suspended at `*other` run, until it suspends.
///
/// # Safety
/// `*other` was left there by [`suspend`] on a stack that still stands, or made by [`prepare`].
#[inline(always)]
pub unsafe fn resume(other: *mut StackPointer) {
    // SAFETY: all registers are named as changed but rbx and rbp, which can't be, and are saved
    // here. The stack pointer comes back as it was, as `suspend` exchanges what was exchanged here.
    unsafe {
        asm!(
            "push rbp; push rbx",
            "call 2f", // leaves the address of the next line, here and in the predictor
            "pop rbx; pop rbp; jmp 3f",
            "2:",
            "mov rax, rsp; mov rsp, [rdi]; mov [rdi], rax",
            "pop rax; jmp rax",
            "3:",
            in("rdi") other,
            lateout("r12") _, lateout("r13") _, lateout("r14") _, lateout("r15") _,
            clobber_abi("sysv64"),
        );
    }
}
// ANCHOR_END: resume

// ANCHOR: suspend
/// Goes back to whoever resumed this fiber, and returns when it is resumed again.
///
/// # Safety
/// This runs on the stack that a [`resume`] with the same `other` went to.
#[inline(always)]
pub unsafe fn suspend(other: *mut StackPointer) {
    // SAFETY: as in `resume`. It must not be a function: its own call would lie between the `call`
    // there and the `ret` here.
    unsafe {
        asm!(
            "push rbp; push rbx",
            "lea rax, [rip + 2f]; push rax",
            "mov rax, rsp; mov rsp, [rdi]; mov [rdi], rax",
            "ret",
            "2:",
            "pop rbx; pop rbp",
            in("rdi") other,
            lateout("r12") _, lateout("r13") _, lateout("r14") _, lateout("r15") _,
            clobber_abi("sysv64"),
        );
    }
}
// ANCHOR_END: suspend

// ANCHOR: prepare
/// Writes the first frame of a stack that ends below `top`: what the first [`resume`] will pop.
///
/// # Safety
/// `top` is a multiple of 16, and the 16 bytes below it may be written.
pub unsafe fn prepare(top: *mut u8, first: First) -> StackPointer {
    // FORK first-frame: write below `top` what the first `resume` takes from there, so that the function begins
    //   where a called one would, and give back where the stack goes on
    // HINT: `resume` pops one word and jumps to it. Where is the stack pointer when the function begins, if that
    //   word is the highest of the stack?
    // HINT: Behind a call the stack pointer is 8 above a multiple of 16: psABI, 3.2.2. How many bytes must the
    //   frame have then, if `top` is a multiple of 16?
    // HINT: Two words. The lower one is where to begin. The higher one stands where a caller's address would be,
    //   and is 0, as nobody called. The result is the address of the lower one.
    // The psABI, 3.2.2: where a function begins, the stack pointer and 8 make a multiple of 16. The
    // higher word stands where the address to return to would be.
    let frame = [first as usize, 0];
    // SAFETY: it is 16 bytes, and those below `top` may be written.
    unsafe {
        let low = top.cast::<[usize; 2]>().sub(1);
        low.write(frame);
        low.cast()
    }
}
// ANCHOR_END: prepare

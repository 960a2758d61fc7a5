//! The switch that calls and returns, on aarch64. A processor guesses where a `ret` will go from
//! the calls that it has seen, so the way back is a `ret` only because the way there was a `bl`.

use std::arch::{asm, naked_asm};

use super::{First, StackPointer};

// ANCHOR: resume
/// Lets the fiber that was suspended at `*other` run, until it suspends.
///
/// # Safety
/// `*other` was left there by [`suspend`] on a stack that still stands, or made by [`prepare`].
#[inline(always)]
pub unsafe fn resume(other: *mut StackPointer) {
    // SAFETY: all registers are named as changed but x19 and x29, which can't be, and are saved
    // here. The stack pointer comes back as it was, as `suspend` exchanges what was exchanged here.
    unsafe {
        asm!(
            "stp x19, x29, [sp, #-32]!",
            "bl 2f", // leaves the address of the next line, in x30 and in the predictor
            "ldp x19, x29, [sp], #32",
            "b 3f",
            "2:",
            "str x30, [sp, #16]",
            "mov x9, sp",
            "ldr x10, [x0]",
            "str x9, [x0]",
            "mov sp, x10",
            "ldr x9, [sp, #16]",
            "br x9",
            "3:",
            in("x0") other,
            lateout("x20") _, lateout("x21") _, lateout("x22") _, lateout("x23") _,
            lateout("x24") _, lateout("x25") _, lateout("x26") _, lateout("x27") _,
            lateout("x28") _, lateout("x30") _,
            lateout("v8") _, lateout("v9") _, lateout("v10") _, lateout("v11") _,
            lateout("v12") _, lateout("v13") _, lateout("v14") _, lateout("v15") _,
            clobber_abi("C"),
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
    // SAFETY: as in `resume`. It must not be a function: its own call would lie between the `bl`
    // there and the `ret` here.
    unsafe {
        asm!(
            "stp x19, x29, [sp, #-32]!",
            "adr x9, 2f",
            "str x9, [sp, #16]",
            "mov x9, sp",
            "ldr x10, [x0]",
            "str x9, [x0]",
            "mov sp, x10",
            "ldr x30, [sp, #16]",
            "ret",
            "2:",
            "ldp x19, x29, [sp], #32",
            in("x0") other,
            lateout("x20") _, lateout("x21") _, lateout("x22") _, lateout("x23") _,
            lateout("x24") _, lateout("x25") _, lateout("x26") _, lateout("x27") _,
            lateout("x28") _, lateout("x30") _,
            lateout("v8") _, lateout("v9") _, lateout("v10") _, lateout("v11") _,
            lateout("v12") _, lateout("v13") _, lateout("v14") _, lateout("v15") _,
            clobber_abi("C"),
        );
    }
}
// ANCHOR_END: suspend

/// Writes the first frame of a stack that ends below `top`: what the first [`resume`] will take.
///
/// # Safety
/// `top` is a multiple of 16, and the 32 bytes below it may be written.
pub unsafe fn prepare(top: *mut u8, first: First) -> StackPointer {
    let frame = [first as usize, 0, begin as *const () as usize, 0];
    // SAFETY: it is 32 bytes, and those below `top` may be written.
    unsafe {
        let low = top.cast::<[usize; 4]>().sub(1);
        low.write(frame);
        low.cast()
    }
}

/// Goes to the first function with no address to return to, so that a backtrace ends there. x0 is
/// still the argument of [`resume`].
#[unsafe(naked)]
unsafe extern "C" fn begin() {
    naked_asm!("ldr x9, [sp], #32", "mov x30, xzr", "mov x29, xzr", "br x9")
}

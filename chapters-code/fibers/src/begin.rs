//! Where a function finds its stack pointer when it begins: what the first frame has to get right.
//!
//! The psABI, 3.2.2: at a function's first instruction the stack pointer and 8 make a multiple of 16.

use std::arch::naked_asm;

use crate::switch::{StackPointer, plain};

/// How far the stack pointer and 8 are above a multiple of 16, where this begins.
#[unsafe(naked)]
pub extern "C" fn remainder() -> usize {
    naked_asm!("lea rax, [rsp + 8]", "and eax, 15", "ret")
}

/// A first function for a fiber of [`plain`]: stores what it finds, as [`remainder`] does, in the word
/// behind `other`, and switches away.
///
/// # Safety
/// It was resumed through `other`, behind which is one word more.
#[unsafe(naked)]
pub unsafe extern "C" fn finds(other: *mut StackPointer) -> ! {
    naked_asm!(
        "lea rax, [rsp + 8]",
        "and eax, 15",
        "mov [rdi + 8], rax",
        "call {switch}", // nobody resumes it
        "ud2",
        switch = sym plain::switch,
    )
}

// A local whose address is a multiple of 8, of 16 or of 32.
macro_rules! aligned_local {
    ($name:ident, $align:literal, $words:literal, $store:literal) => {
        /// A first function for a fiber of [`plain`]: stores to a local variable with this alignment,
        /// by the instruction that faults where the address has another.
        ///
        /// # Safety
        /// It was resumed through `other`.
        pub unsafe extern "C" fn $name(other: *mut StackPointer) -> ! {
            #[repr(align($align))]
            struct Local([u64; $words]);
            let mut local = std::hint::black_box(Local([0; $words]));
            let place = local.0.as_mut_ptr();
            // SAFETY: it stores no more bytes than the local has.
            unsafe {
                std::arch::asm!($store, in("rax") place, out("rcx") _, out("xmm0") _);
            }
            std::hint::black_box(&local);
            // SAFETY: this side was resumed through `other`, and is not resumed again.
            unsafe { plain::switch(other) };
            unreachable!("it is resumed once")
        }
    };
}

aligned_local!(stores_8, 8, 1, "mov [rax], rcx");
aligned_local!(stores_16, 16, 2, "movaps [rax], xmm0");
aligned_local!(stores_32, 32, 4, "movaps [rax], xmm0");

/// Runs a first function on a stack whose pointer is right, or off by eight.
pub fn on_a_stack(first: crate::switch::First, off_by: usize) -> usize {
    let mut stack = vec![0_u128; 4096];
    let top = stack.as_mut_ptr_range().end.cast::<u8>().wrapping_sub(off_by);
    let mut other = [std::ptr::null_mut(); 2];
    // SAFETY: the stack is this fiber's alone and large enough. That its top is no multiple of 16 is
    // what is tried.
    unsafe {
        other[0] = plain::prepare(top, first);
        plain::switch(other.as_mut_ptr());
    }
    other[1] as usize
}

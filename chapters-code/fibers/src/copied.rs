//! A suspended fiber whose stack is copied, and the copy resumed. All of the fiber is assembly: in
//! Rust it would be undefined, and what comes out would be the optimiser's choice.

use std::arch::naked_asm;

use crate::switch::{StackPointer, plain};

/// A fiber with a local variable, a reference to it, and an integer that happens to have its address.
#[derive(Debug)]
#[repr(C)]
struct Shared {
    other: StackPointer,
    found: Found,
    /// Where the frame was when it was made.
    frame: usize,
}

/// What the fiber found when it was resumed, after it had written 42 through the reference.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Found {
    /// The local variable, read by its own name.
    pub local: u64,
    /// What the reference refers to.
    pub referred_to: u64,
}

// ANCHOR: fiber
/// `let mut x = 1; let r = &mut x; let n = r as *mut u64 as usize; switch(); *r = 42;`
#[unsafe(naked)]
unsafe extern "C" fn refers_to_itself(other: *mut StackPointer) -> ! {
    naked_asm!(
        "sub rsp, 40",
        "mov [rsp + 24], rdi",          // shared
        "mov qword ptr [rsp], 1",       // x
        "mov [rsp + 8], rsp",           // r
        "mov [rsp + 16], rsp",          // n
        "mov [rdi + 24], rsp",          // shared.frame
        "call {switch}",                // perhaps it goes on in a copy
        "mov rdi, [rsp + 24]",
        "mov rax, [rsp + 8]",
        "mov qword ptr [rax], 42",      // *r = 42
        "mov rcx, [rsp]; mov [rdi + 8], rcx",   // shared.found.local = x
        "mov rcx, [rax]; mov [rdi + 16], rcx",  // shared.found.referred_to = *r
        "call {switch}",                // nobody resumes it
        "ud2",
        switch = sym plain::switch,
    )
}
// ANCHOR_END: fiber

/// What lies in the fiber's frame: `x`, `r` and `n`, from the lowest address.
pub type Frame = [usize; 3];

/// What a run has shown.
#[derive(Clone, Debug)]
pub struct Run {
    /// What the fiber found.
    pub found: Found,
    /// The frame on the stack on which the fiber began, and where it is.
    pub original: (usize, Frame),
    /// The frame in the copy, if there is one.
    pub copy: Option<(usize, Frame)>,
}

/// Suspends the fiber and resumes it; in between copies its stack, if it is told to, and has it go on
/// in the copy.
pub fn run(copies: bool) -> Run {
    const WORDS: usize = 512;
    let mut stack = vec![0_u128; WORDS];
    // SAFETY: the stack is 8 KiB that nobody else uses, and its end is a multiple of 16.
    let other = unsafe { plain::prepare(stack.as_mut_ptr_range().end.cast(), refers_to_itself) };
    let mut shared = Shared { other, found: Found::default(), frame: 0 };
    let word = (&raw mut shared).cast::<StackPointer>();
    // SAFETY: it was just prepared.
    unsafe { plain::switch(word) };
    let copy = copies.then(|| stack.clone());
    let place = |stack: &Vec<u128>| stack.as_ptr() as usize;
    let moved_by = copy.as_ref().map_or(0, |copy| place(copy).wrapping_sub(place(&stack)));
    // SAFETY: the fiber waits, and `word` is read and written through this pointer alone. The copy has
    // its return addresses and its saved registers, and the old stack still stands.
    unsafe {
        *word = (*word).wrapping_byte_add(moved_by);
        plain::switch(word);
    }
    let frame = |at: usize| {
        // SAFETY: `at` is the fiber's frame, or the same place in the copy.
        (at, unsafe { (at as *const Frame).read() })
    };
    let original = frame(shared.frame);
    let copy = copy.as_ref().map(|_| frame(shared.frame.wrapping_add(moved_by)));
    Run { found: shared.found, original, copy }
}

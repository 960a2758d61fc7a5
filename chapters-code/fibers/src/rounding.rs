//! How the processor rounds, and a fiber that changes it: MXCSR for SSE, the control word for x87.
//!
//! The psABI, 3.2.1, gives their control bits to the callee, as it does rbx. A switch that does not
//! save them leaves them to whoever runs next. Rust's own code may assume that they are as they are at
//! the start of a program, so here none of it runs while they are not.

use std::arch::naked_asm;

use crate::switch::{StackPointer, plain};

/// What a side finds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Rounding {
    /// 1/3, divided by SSE.
    pub third: f32,
    /// MXCSR, without the bits that say what has happened.
    pub mxcsr: u32,
    /// The x87 control word.
    pub x87: u16,
}

/// As it is now.
pub fn now() -> Rounding {
    let mut found = Rounding::default();
    // SAFETY: it writes to the value that it is given.
    unsafe { look(&mut found) };
    found
}

/// Switches to the fiber at `other`, and looks when that switches back. Then all is as before.
///
/// # Safety
/// As for [`plain::switch`].
pub unsafe fn after(other: *mut StackPointer) -> Rounding {
    let mut found = Rounding::default();
    // SAFETY: the caller's promise for the switch; and it writes to the value that it is given.
    unsafe { switch_and_look(other, &mut found) };
    found
}

// ANCHOR: rude
/// The fiber: rounds towards zero from here on, and switches away.
///
/// # Safety
/// It was resumed through `other`.
#[unsafe(naked)]
pub unsafe extern "C" fn rude(other: *mut StackPointer) -> ! {
    naked_asm!(
        "push rdi",
        "call {towards_zero}",
        "mov rdi, [rsp]",
        "call {switch}", // nobody resumes it
        "ud2",
        towards_zero = sym towards_zero,
        switch = sym plain::switch,
    )
}

/// Sets both control words to round towards zero: two bits in each.
#[unsafe(naked)]
pub extern "C" fn towards_zero() {
    naked_asm!(
        "push rax",
        "mov dword ptr [rsp], 0x7f80",
        "ldmxcsr [rsp]",
        "mov word ptr [rsp], 0xf7f",
        "fldcw [rsp]",
        "pop rax",
        "ret",
    )
}
// ANCHOR_END: rude

/// Switches and looks with nothing of Rust's in between.
#[unsafe(naked)]
unsafe extern "C" fn switch_and_look(other: *mut StackPointer, found: *mut Rounding) {
    naked_asm!(
        "push rsi",
        "call {switch}",
        "pop rdi",
        "jmp {look}",
        switch = sym plain::switch,
        look = sym look,
    )
}

/// Looks, and makes both control words as they are at the start of a program.
#[unsafe(naked)]
unsafe extern "C" fn look(found: *mut Rounding) {
    naked_asm!(
        "stmxcsr [rdi + 4]",
        "and dword ptr [rdi + 4], ~0x3f",
        "fnstcw [rdi + 8]",
        "mov eax, 0x3f800000; movd xmm0, eax", // 1
        "mov eax, 0x40400000; movd xmm1, eax", // 3
        "divss xmm0, xmm1",
        "movss [rdi], xmm0",
        "push rax",
        "mov dword ptr [rsp], 0x1f80; ldmxcsr [rsp]",
        "mov word ptr [rsp], 0x37f; fldcw [rsp]",
        "pop rax",
        "ret",
    )
}

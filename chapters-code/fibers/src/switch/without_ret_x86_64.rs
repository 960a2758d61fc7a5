//! [`plain`](super::plain), with its last instruction written as two: the same registers, the same
//! stacks, and another guess of the processor.

use std::arch::naked_asm;

use super::StackPointer;

// ANCHOR: jump
/// Goes on where `*other` points, and leaves there where this side stopped.
///
/// # Safety
/// As for [`plain::switch`](super::plain::switch), which it can stand in for.
#[unsafe(naked)]
pub unsafe extern "C" fn switch_by_jump(other: *mut StackPointer) {
    // FORK switch: the same in a naked function, with its return written as what it does: take the address, and
    //   jump there
    naked_asm!(
        "push rbx; push rbp; push r12; push r13; push r14; push r15",
        "mov rax, rsp",
        "mov rsp, [rdi]",
        "mov [rdi], rax",
        "pop r15; pop r14; pop r13; pop r12; pop rbp; pop rbx",
        "pop rcx",
        "jmp rcx",
    )
}
// ANCHOR_END: jump

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
    // HINT: A return takes the address off the stack. Where does the stack pointer stand behind it?
    // HINT: The address needs a register on the way. Which may be lost, and which of those does a function look at
    //   that begins on the other stack?
    // HINT: All of `switch` but its last instruction. For that two: pop into a register that a call may change and
    //   that holds no argument, and jump to where it points.
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

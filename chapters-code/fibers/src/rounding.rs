//! How the processor rounds, and a fiber that changes it: MXCSR for SSE, the control word for x87.
//!
//! The psABI, 3.2.1, gives their control bits to the callee, as it does rbx. A switch that does not
//! save them leaves them to whoever runs next. All here is assembly, since Rust's own code may assume
//! that the floating-point environment is the default one.

use std::arch::{asm, naked_asm};

use crate::switch::{StackPointer, plain};

/// What a side finds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Rounding {
    /// 1/3, divided by SSE.
    pub third: f32,
    /// MXCSR.
    pub mxcsr: u32,
    /// The x87 control word.
    pub x87: u16,
}

impl Rounding {
    /// As it is now.
    pub fn now() -> Rounding {
        let (mut mxcsr, mut x87, mut third) = (0_u32, 0_u16, 1.0_f32);
        // SAFETY: it stores to two variables, divides, and changes no control bit.
        unsafe {
            asm!(
                "stmxcsr [{mxcsr}]",
                "fnstcw [{x87}]",
                "divss {third}, {three}",
                mxcsr = in(reg) &raw mut mxcsr,
                x87 = in(reg) &raw mut x87,
                third = inout(xmm_reg) third,
                three = in(xmm_reg) 3.0_f32,
            );
        }
        Rounding { third, mxcsr: mxcsr & !FLAGS, x87 }
    }

    /// Makes it as Rust's code expects it.
    pub fn reset() {
        set_default();
    }
}

/// The bits of MXCSR that say what has happened, and not what should.
const FLAGS: u32 = 0x3f;

// ANCHOR: rude
/// Rounds towards zero from here on, and switches away. It has no Rust code in it.
#[unsafe(naked)]
pub extern "C" fn rude(other: *mut StackPointer) -> ! {
    naked_asm!(
        "push rdi",
        "call {rounds}",
        "mov rdi, [rsp]",
        "call {switch}", // nobody resumes it
        "ud2",
        rounds = sym towards_zero,
        switch = sym plain::switch,
    )
}

/// Sets both control words to round towards zero.
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

#[unsafe(naked)]
extern "C" fn set_default() {
    naked_asm!(
        "push rax",
        "mov dword ptr [rsp], 0x1f80",
        "ldmxcsr [rsp]",
        "mov word ptr [rsp], 0x37f",
        "fldcw [rsp]",
        "pop rax",
        "ret",
    )
}

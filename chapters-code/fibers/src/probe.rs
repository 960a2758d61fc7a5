//! What a switch keeps, seen by assembly on both sides of it.
//!
//! A test in Rust can't see it: whether a value is in a register, and in which, is the compiler's
//! choice. So here one function gives every register a value, switches, and looks again.

use crate::switch::{First, StackPointer, paired, plain};

#[cfg(target_arch = "x86_64")]
mod registers {
    use std::arch::naked_asm;

    use super::{Values, Way};
    use crate::switch::StackPointer;

    /// The registers of a call that belong to the caller: System V psABI, 3.2.1.
    pub const NAMES: [&str; 6] = ["rbx", "rbp", "r12", "r13", "r14", "r15"];

    // ANCHOR: across
    /// Gives the six registers the values of `before`, calls `way`, and stores in `after` what is in
    /// them then. Its own caller's six are kept on the stack meanwhile.
    ///
    /// # Safety
    /// `way` may be called with `other`, and both values outlive the call.
    #[unsafe(naked)]
    pub unsafe extern "C" fn across(
        before: *const Values,
        after: *mut Values,
        way: Way,
        other: *mut StackPointer,
    ) {
        naked_asm!(
            "push rbx; push rbp; push r12; push r13; push r14; push r15; push rsi",
            "mov rbx, [rdi]; mov rbp, [rdi + 8]; mov r12, [rdi + 16]",
            "mov r13, [rdi + 24]; mov r14, [rdi + 32]; mov r15, [rdi + 40]",
            "mov rdi, rcx",
            "call rdx",
            "pop rsi",
            "mov [rsi], rbx; mov [rsi + 8], rbp; mov [rsi + 16], r12",
            "mov [rsi + 24], r13; mov [rsi + 32], r14; mov [rsi + 40], r15",
            "pop r15; pop r14; pop r13; pop r12; pop rbp; pop rbx",
            "ret",
        )
    }
    // ANCHOR_END: across
}

#[cfg(target_arch = "aarch64")]
mod registers {
    use std::arch::naked_asm;

    use super::{Values, Way};
    use crate::switch::StackPointer;

    /// The registers of a call that belong to the caller: AAPCS64, 6.1.1 and 6.1.2.
    pub const NAMES: [&str; 19] = [
        "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "d8", "d9",
        "d10", "d11", "d12", "d13", "d14", "d15",
    ];

    /// Gives the registers the values of `before`, calls `way`, and stores in `after` what is in them
    /// then. Its own caller's are kept on the stack meanwhile.
    ///
    /// # Safety
    /// `way` may be called with `other`, and both values outlive the call.
    #[unsafe(naked)]
    pub unsafe extern "C" fn across(
        before: *const Values,
        after: *mut Values,
        way: Way,
        other: *mut StackPointer,
    ) {
        naked_asm!(
            "stp x29, x30, [sp, #-176]!",
            "stp x19, x20, [sp, #16]",
            "stp x21, x22, [sp, #32]",
            "stp x23, x24, [sp, #48]",
            "stp x25, x26, [sp, #64]",
            "stp x27, x28, [sp, #80]",
            "stp d8, d9, [sp, #96]",
            "stp d10, d11, [sp, #112]",
            "stp d12, d13, [sp, #128]",
            "stp d14, d15, [sp, #144]",
            "str x1, [sp, #160]",
            "ldp x19, x20, [x0]",
            "ldp x21, x22, [x0, #16]",
            "ldp x23, x24, [x0, #32]",
            "ldp x25, x26, [x0, #48]",
            "ldp x27, x28, [x0, #64]",
            "ldr x29, [x0, #80]",
            "ldp d8, d9, [x0, #88]",
            "ldp d10, d11, [x0, #104]",
            "ldp d12, d13, [x0, #120]",
            "ldp d14, d15, [x0, #136]",
            "mov x0, x3",
            "blr x2",
            "ldr x1, [sp, #160]",
            "stp x19, x20, [x1]",
            "stp x21, x22, [x1, #16]",
            "stp x23, x24, [x1, #32]",
            "stp x25, x26, [x1, #48]",
            "stp x27, x28, [x1, #64]",
            "str x29, [x1, #80]",
            "stp d8, d9, [x1, #88]",
            "stp d10, d11, [x1, #104]",
            "stp d12, d13, [x1, #120]",
            "stp d14, d15, [x1, #136]",
            "ldp x19, x20, [sp, #16]",
            "ldp x21, x22, [sp, #32]",
            "ldp x23, x24, [sp, #48]",
            "ldp x25, x26, [sp, #64]",
            "ldp x27, x28, [sp, #80]",
            "ldp d8, d9, [sp, #96]",
            "ldp d10, d11, [sp, #112]",
            "ldp d12, d13, [sp, #128]",
            "ldp d14, d15, [sp, #144]",
            "ldp x29, x30, [sp], #176",
            "ret",
        )
    }
}

pub use registers::{NAMES, across};

/// A value for each register of [`NAMES`].
pub type Values = [u64; NAMES.len()];

/// One direction of a switch.
pub type Way = unsafe extern "C" fn(*mut StackPointer);

/// A switch that can be tried.
#[derive(Clone, Copy, Debug)]
pub struct Switch {
    /// To the fiber.
    pub resume: Way,
    /// Back.
    pub suspend: Way,
    /// Makes the first frame.
    pub prepare: unsafe fn(*mut u8, First) -> StackPointer,
}

/// [`plain`], which is the same in both directions.
pub const PLAIN: Switch =
    Switch { resume: plain::switch, suspend: plain::switch, prepare: plain::prepare };

/// [`paired`], each direction in a function of its own.
pub const PAIRED: Switch =
    Switch { resume: paired_resume, suspend: paired_suspend, prepare: paired::prepare };

unsafe extern "C" fn paired_resume(other: *mut StackPointer) {
    // SAFETY: the caller's promise is the one that is asked for.
    unsafe { paired::resume(other) }
}

unsafe extern "C" fn paired_suspend(other: *mut StackPointer) {
    // SAFETY: the caller's promise is the one that is asked for.
    unsafe { paired::suspend(other) }
}

/// Two sides that switch to each other with every register known.
#[repr(C)]
#[derive(Debug)]
pub struct Trial {
    /// The word: see [`crate::switch`]. First, as the fiber's function gets its address.
    pub other: StackPointer,
    suspend: Way,
    /// What main and the fiber put into the registers before they switched away.
    pub before: [Values; 2],
    /// What they found there afterwards.
    pub after: [Values; 2],
    /// The words at `other` while the fiber ran: what main had left on its stack.
    pub mains: Vec<usize>,
}

/// How many words of the stack that waits a trial looks at.
pub const WORDS: usize = NAMES.len() + 1;

impl Trial {
    /// Switches to a fiber and back, twice, with `switch`. Main's registers are given 101, 102 and so
    /// on, the fiber's 201.
    ///
    /// `looking` is called while the fiber is suspended.
    pub fn of(switch: Switch, looking: impl FnOnce(&Trial)) -> Trial {
        let mut stack = vec![0_u128; 4096];
        let before = [101, 201].map(|from| std::array::from_fn(|at| from + at as u64));
        let (after, mains) = ([[0; NAMES.len()]; 2], Vec::with_capacity(WORDS));
        // SAFETY: the stack is 64 KiB that nobody else uses, and its end is a multiple of 16.
        let other = unsafe { (switch.prepare)(stack.as_mut_ptr_range().end.cast(), answer) };
        let mut trial = Trial { other, suspend: switch.suspend, before, after, mains };
        let this = &raw mut trial;
        let (mains, mut unseen) = (&raw const trial.before[0], [0; NAMES.len()]);
        // SAFETY: `other` is where the fiber stopped, `answer` goes back by the way that belongs to
        // `resume`, and all that is pointed at outlives both calls.
        unsafe {
            across(mains, &raw mut (*this).after[0], switch.resume, this.cast());
            looking(&*this);
            // Now the fiber sees what it finds. It comes back with registers that it does not know.
            across(mains, &raw mut unseen, switch.resume, this.cast());
        }
        trial
    }

    /// The registers that were not kept, on either side: name, value before, value after.
    pub fn lost(&self) -> Vec<(&'static str, u64, u64)> {
        let sides = self.before.iter().zip(&self.after);
        let all = sides.flat_map(|(before, after)| NAMES.into_iter().zip(before.iter().zip(after)));
        all.filter(|(_, (before, after))| before != after).map(|(n, (b, a))| (n, *b, *a)).collect()
    }
}

/// The words on a stack from its lowest in use on.
///
/// # Safety
/// So many words lie there.
pub unsafe fn words(from: StackPointer, count: usize) -> Vec<usize> {
    // SAFETY: the caller's promise.
    (0..count).map(|at| unsafe { from.add(at).read() }).collect()
}

/// The fiber's side of a trial.
extern "C" fn answer(other: *mut StackPointer) -> ! {
    let trial = other.cast::<Trial>();
    // SAFETY: `other` is the first field of a trial that outlives this fiber's turns. Main is
    // suspended, so nobody else uses it.
    unsafe {
        let mains = words(*other, WORDS);
        (*trial).mains = mains;
        let (before, after) = (&raw const (*trial).before[1], &raw mut (*trial).after[1]);
        across(before, after, (*trial).suspend, other);
        ((*trial).suspend)(other);
    }
    unreachable!("a trial resumes its fiber twice")
}

//! Going from one stack to another: two ways, in assembly.
//!
//! A fiber that does not run is a stack, and one word that says where in it. Everything else that
//! it needs lies on that stack: the registers which a call must leave as they were, and the address
//! to go on at. So a switch puts the registers on the stack that it leaves, exchanges the stack
//! pointer for the word, and takes the registers from the other stack.
//!
//! The word belongs to both sides: it holds the stack pointer of the side that does not run.
//!
//! | | how the other side goes on |
//! |---|---|
//! | [`plain`] | `ret`, one function for both directions: what texts show |
//! | `jump` | the same, with an indirect jump for the `ret`; x86-64 only, to measure what that changes |
//! | [`paired`] | `resume` does `call`, and `suspend` does the `ret` that belongs to it |
//!
//! The registers are those of the System V psABI for x86-64, section 3.2.1, and of AAPCS64, section
//! 6.1. Not among those that are saved: MXCSR and the x87 control word, FPCR on aarch64. Their
//! control bits belong to the callee as well, but Rust forbids to change them.

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("a switch is assembly: there is one for x86-64 and one for aarch64");

#[cfg_attr(target_arch = "x86_64", path = "switch/plain_x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "switch/plain_aarch64.rs")]
pub mod plain;

#[cfg_attr(target_arch = "x86_64", path = "switch/paired_x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "switch/paired_aarch64.rs")]
pub mod paired;

#[cfg(target_arch = "x86_64")]
#[path = "switch/without_ret_x86_64.rs"]
pub mod jump;

// ANCHOR: used
/// The one that this crate's fibers use.
pub(crate) use paired as used;
// ANCHOR_END: used

/// Where a stack goes on: its lowest word in use.
pub type StackPointer = *mut usize;

/// The first function on a stack. It is given the address of the word that it was resumed through, and
/// must never return.
pub type First = unsafe extern "C" fn(*mut StackPointer) -> !;

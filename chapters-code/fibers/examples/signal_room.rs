//! How much of a fiber's stack a signal takes, with an empty handler: on that stack, and on an
//! alternate one.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

use fibers::fiber::Fiber;

extern "C" fn empty(_: i32) {}

// ANCHOR: signal
fn main() -> io::Result<()> {
    println!("a signal for an empty handler takes");
    for (on, flags) in [("the fiber's stack", 0), ("an alternate one", libc::SA_ONSTACK)] {
        let mut fiber =
            Fiber::new(64 << 10, move || println!("{:>6} bytes, on {on}", deepest(flags)))?;
        let _ = fiber.resume();
    }
    Ok(())
}

/// Sends this thread a signal, and looks how far below this frame the stack has changed.
fn deepest(flags: i32) -> usize {
    // SAFETY: sigaction is integers and pointers, for which all zeroes are valid values.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = empty as *const () as usize;
    action.sa_flags = flags;
    let here = (&raw const action).cast_mut().cast::<u8>();
    let (deep, near) = (here.wrapping_sub(32 << 10), here.wrapping_sub(1 << 10));
    // SAFETY: the handler calls nothing. Between `deep` and `near` is stack that no frame uses yet.
    unsafe {
        libc::sigaction(libc::SIGUSR1, &action, ptr::null_mut());
        deep.write_bytes(0xaa, near.offset_from_unsigned(deep));
        libc::raise(libc::SIGUSR1);
        let untouched =
            (0..32 << 10).take_while(|at| deep.add(*at).read_volatile() == 0xaa).count();
        (32 << 10) - untouched
    }
}
// ANCHOR_END: signal

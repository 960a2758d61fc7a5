//! What a fiber that rounds towards zero leaves to the side that runs next.

// ANCHOR: rounding
use fibers::rounding::{Rounding, rude};
use fibers::switch::plain;

fn main() {
    let mut stack = vec![0_u128; 1024];
    let before = Rounding::now();
    // SAFETY: the stack is `rude`'s alone, its end is a multiple of 16, and it goes back once.
    unsafe {
        let mut other = plain::prepare(stack.as_mut_ptr_range().end.cast(), rude);
        plain::switch(&mut other);
    }
    let after = Rounding::now();
    Rounding::reset();

    println!("main divides               1/3    MXCSR  x87 control word");
    for (when, now) in [("before the switch", before), ("after it", after)] {
        println!("{when:<18} {:e}  {:#06x}            {:#06x}", now.third, now.mxcsr, now.x87);
    }
}
// ANCHOR_END: rounding

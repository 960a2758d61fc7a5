//! What a fiber that rounds towards zero leaves to the side that runs next.

// ANCHOR: rounding
use fibers::rounding;
use fibers::switch::plain;

fn main() {
    let mut stack = vec![0_u128; 1024];
    let before = rounding::now();
    // SAFETY: the stack is `rude`'s alone, its end is a multiple of 16, and it goes back once.
    let after = unsafe {
        let top = stack.as_mut_ptr_range().end.cast();
        rounding::after(&mut plain::prepare(top, rounding::rude))
    };
    println!("main divides                1/3    MXCSR   x87 control word");
    for (when, found) in [("before the switch", before), ("after it", after)] {
        let third = format!("{:e}", found.third);
        println!("{when:<17}  {third:>12}   {:#06x}   {:#06x}", found.mxcsr, found.x87);
    }
}
// ANCHOR_END: rounding

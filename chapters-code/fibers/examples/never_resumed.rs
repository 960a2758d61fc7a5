//! What becomes of a value on the stack of a fiber that is not resumed.

use fibers::unseen::{End, destructors_after};

fn main() {
    println!("a suspended fiber is      destructors that ran");
    let ends = [
        ("freed, stack and all", End::Freed),
        ("forgotten", End::Forgotten),
        ("unwound", End::Unwound),
    ];
    for (name, end) in ends {
        println!("{name:<24}  {} of 1", destructors_after(end));
    }
}

//! What three switches cost, there and back.

// ANCHOR: costs
use fibers::cost::{best_of, by_jump, by_paired, by_plain};

fn main() {
    let [ret, jmp, paired] = best_of(200, [&mut by_plain(), &mut by_jump(), &mut by_paired()]);
    println!("{}", lab::measure::machine());
    println!("there and back           ns   times paired");
    for (way, ns) in [("ends in ret", ret), ("ends in jmp", jmp), ("call and ret", paired)] {
        println!("{way:<18}  {ns:>7.1}   {:>12.1}", ns / paired);
    }
}
// ANCHOR_END: costs

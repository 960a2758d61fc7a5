//! Whose thread-local a fiber finds after its thread has changed.

use fibers::unseen::{Asks, Whose, thread_local_after};

fn main() {
    println!("the fiber asks           on the same thread   on a second thread");
    let ways = [
        ("in its own code", Asks::Inline),
        ("by a call", Asks::ByACall),
        ("by a call of a pointer", Asks::ByAnUnknownCall),
    ];
    for (name, asks) in ways {
        let [same, second] = [false, true].map(|change| match thread_local_after(change, asks) {
            Whose::Own => "its thread's",
            Whose::First => "the first thread's",
        });
        println!("{name:<23}  {same:<19}  {second}");
    }
}

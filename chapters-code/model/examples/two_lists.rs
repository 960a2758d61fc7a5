//! Prints a drawing of epoll's two lists: 100 bytes come, and a read takes 50, on a level and on an
//! edge.

use model::{Script, picture};

fn main() {
    let steps = "peer write 100; wait; read 50; wait; read 50; wait";
    let script = |asks: &str| -> Script {
        format!("add {asks}; {steps}").parse().expect("the steps are right")
    };
    let scripts = [("level-triggered", script("IN")), ("edge-triggered", script("IN|ET"))];
    let does = "100 bytes arrive and a read takes 50 of them. The level-triggered entry is put back \
                into the ready list after each report, the edge-triggered one is not.";
    print!("{}", picture::svg("The interest list and the ready list", does, &scripts));
}

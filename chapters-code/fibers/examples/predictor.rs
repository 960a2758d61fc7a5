//! Prints a drawing of the return back to main, in two switches: what the processor guesses from, and
//! what lies on the stack.

use fibers::predictor::{PAIRED, PLAIN, Returned, returns};
use lab::cells::{Cell, Column, Moment, svg};

fn main() {
    // The last return is that of main's own function; the one before it goes back from the fiber.
    let back =
        |steps| returns(steps).iter().rev().nth(1).expect("it goes back by a return").clone();
    let moments = [("push, swap, pop, ret", PLAIN), ("call there, ret back", PAIRED)]
        .map(|(what, steps)| moment(what, &back(steps)));
    let does = "The return from the fiber to main. The predictor holds the addresses behind the calls \
                that it has seen. After a switch by ret alone its last is not the one on the stack; \
                after a call it is.";
    print!("{}", svg("Where will this return go?", does, &moments));
}

fn moment(what: &str, back: &Returned) -> Moment {
    let columns = vec![
        column("the predictor", "guess", &back.predictor),
        column("the stack", "goes to", &back.stack),
    ];
    let note = if back.missed() { "They differ: a miss." } else { "They are the same." };
    Moment { what: what.into(), columns, note: note.into() }
}

fn column(name: &str, pointer: &str, words: &[&str]) -> Column {
    let mut cells: Vec<Cell> = words.iter().map(|&word| Cell::plain(word)).collect();
    let last = cells.last_mut().expect("it is not empty");
    last.marked = true;
    Column { name: name.into(), pointers: vec![(cells.len() - 1, pointer.into())], cells }
}

//! Prints a drawing of the words that the plain switch leaves on the stack that waits, read from a
//! run: once while main runs, and once while the fiber does.

use fibers::probe::{PLAIN, Trial, WORDS, words};
use lab::cells::{Cell, Column, Moment, svg};

/// In the order in which they lie on the stack, from the lowest address.
const SAVED: [&str; WORDS] = ["r15", "r14", "r13", "r12", "rbp", "rbx", "return to"];

fn main() {
    let mut fibers = Vec::new();
    let trial = Trial::of(PLAIN, |trial| {
        // SAFETY: the fiber waits, with what the switch has pushed at its stack pointer.
        fibers = unsafe { words(trial.other, WORDS) };
    });
    let moments = [
        Moment {
            what: "The fiber runs".into(),
            columns: vec![waits("main's stack", &trial.mains), runs("the fiber's stack")],
            note: String::new(),
        },
        Moment {
            what: "It has switched: main runs".into(),
            columns: vec![runs("main's stack"), waits("the fiber's stack", &fibers)],
            note: String::new(),
        },
    ];
    let does = "The side that does not run has its six registers and its return address on its stack, \
                and the word `other` points at the lowest. Main's registers held 101 to 106, the \
                fiber's 201 to 206.";
    print!("{}", svg("Two stacks and one word", does, &moments));
}

/// The stack that waits: the highest address first, so that it grows downwards.
fn waits(name: &str, saved: &[usize]) -> Column {
    let cell = |(name, word): (&str, &usize)| match name {
        "return to" => Cell::marked("return address"),
        _ => Cell::marked(format!("{name}  {word}")),
    };
    let saved = SAVED.into_iter().zip(saved).map(cell).rev();
    let cells: Vec<Cell> = [Cell::plain("its frames")].into_iter().chain(saved).collect();
    Column { name: name.into(), pointers: vec![(cells.len() - 1, "other".into())], cells }
}

/// The stack that is used: the registers are in the processor.
fn runs(name: &str) -> Column {
    let pointers = vec![(0, "rsp".to_owned())];
    Column { name: name.into(), cells: vec![Cell::plain("its frames")], pointers }
}

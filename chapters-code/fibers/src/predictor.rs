//! The return-stack predictor: a processor's guess where a `ret` will go.
//!
//! It keeps the addresses behind the calls that it has seen, and guesses that a return goes to the
//! last of them. It does not look at the memory in which the return address lies, and knows nothing
//! of a stack pointer that was exchanged. Here it is a list, and a switch the calls, returns and
//! exchanges that it is made of.

use Step::{Call, Exchange, Jump, Push, Return};

// ANCHOR: step
/// What matters of an instruction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Calls: the address behind it goes onto the stack, and into the predictor.
    Call(&'static str),
    /// Pushes an address: not the predictor's business.
    Push(&'static str),
    /// Exchanges the stack for the other one.
    Exchange,
    /// Takes an address off the stack and jumps there: not the predictor's business.
    Jump,
    /// Takes an address off the stack and goes there, with a guess.
    Return,
}
// ANCHOR_END: step

// ANCHOR: switches
/// The switch that ends in `ret`, there and back.
pub const PLAIN: &[Step] = &[
    Call("main, behind the switch"),
    Exchange,
    Return,
    Call("fiber, behind the switch"),
    Exchange,
    Return,
];

/// The same with `jmp`.
pub const JUMP: &[Step] = &[
    Call("main, behind the switch"),
    Exchange,
    Jump,
    Call("fiber, behind the switch"),
    Exchange,
    Jump,
];

/// The switch that calls and returns.
pub const PAIRED: &[Step] = &[
    Call("main, behind the switch"),
    Exchange,
    Jump,
    Push("fiber, behind the switch"),
    Exchange,
    Return,
];
// ANCHOR_END: switches

/// What a return did.
#[derive(Clone, Debug, PartialEq)]
pub struct Returned {
    /// The predictor before it, the last call at the end.
    pub predictor: Vec<&'static str>,
    /// The stack before it, the word that it takes at the end.
    pub stack: Vec<&'static str>,
}

impl Returned {
    /// Where the processor thought it would go.
    pub fn guess(&self) -> Option<&'static str> {
        self.predictor.last().copied()
    }

    /// Where it went.
    pub fn target(&self) -> Option<&'static str> {
        self.stack.last().copied()
    }

    /// Whether it had to throw away what it had begun.
    pub fn missed(&self) -> bool {
        self.guess() != self.target()
    }
}

// ANCHOR: returns
/// Every return of these steps, and the one of the function in main that did them.
pub fn returns(steps: &[Step]) -> Vec<Returned> {
    let (mut stack, mut other) = (vec!["main's caller"], vec!["fiber, earlier"]);
    let (mut predictor, mut returned) = (stack.clone(), Vec::new());
    for step in steps.iter().chain(&[Return]) {
        match step {
            Call(behind) => {
                stack.push(*behind);
                predictor.push(*behind);
            }
            Push(address) => stack.push(*address),
            Exchange => std::mem::swap(&mut stack, &mut other),
            Jump => drop(stack.pop()),
            Return => {
                returned.push(Returned { predictor: predictor.clone(), stack: stack.clone() });
                stack.pop();
                predictor.pop();
            }
        }
    }
    returned
}
// ANCHOR_END: returns

//! Prints a drawing of the top of two stacks that were prepared for their first switch, as it lies in
//! memory: with the word above the address, and without it.

use fibers::begin::finds;
use fibers::switch::plain::prepare;
use lab::cells::{Cell, Column, Moment, svg};

fn main() {
    let mut stack = vec![0_u128; 1024];
    let top = stack.as_mut_ptr_range().end.cast::<u8>();
    let columns = [("sixteen bytes", 0), ("eight bytes", 8)].map(|(name, missing)| {
        // SAFETY: the stack is large enough, and nobody runs on it.
        let low = unsafe { prepare(top.wrapping_add(missing).wrapping_sub(16), finds) };
        column(name, top as usize - 16, low as usize)
    });
    let moments = [Moment {
        what: "Before the first switch".into(),
        columns: columns.into(),
        note: String::new(),
    }];
    let does = "Where the first function begins, the stack pointer must be 8 above a multiple of 16, as \
                behind a call. With one word above the address it is; without it, it is a multiple of \
                16 itself.";
    print!("{}", svg("The first frame", does, &moments));
}

/// The words from the end of the stack down to `low`, each with the last digit of its address.
fn column(name: &str, end: usize, low: usize) -> Column {
    let mut cells = vec![Cell::plain(format!("…{:x}   the end", end % 16))];
    let mut pointers = Vec::new();
    for address in (low..end).step_by(8).rev() {
        // SAFETY: it is a word of the stack, which `prepare` has written.
        let word = unsafe { (address as *const usize).read() };
        let what = match word {
            0 if cells.len() == 1 => "one word",
            0 => "0, for a register",
            _ => "the function",
        };
        let text = format!("…{:x}   {what}", address % 16);
        cells.push(if word == 0 { Cell::plain(text) } else { Cell::marked(text) });
        if word != 0 {
            // `ret` takes this word, so the function begins with the one above it.
            pointers.push((cells.len() - 2, "rsp".to_owned()));
        }
    }
    Column { name: name.into(), cells, pointers }
}

//! Prints a drawing of a fiber's frame and of its copy, after the fiber has gone on in the copy.

use fibers::copied::{Frame, run};
use lab::cells::{Cell, Column, Moment, svg};

fn main() {
    let done = run(true);
    let copy = done.copy.expect("it was copied");
    let columns = vec![
        column("the old stack", done.original, done.original.0),
        column("the copy", copy, done.original.0),
    ];
    let what = "Resumed in the copy, the fiber has written 42 through r".into();
    let moments = [Moment { what, columns, note: String::new() }];
    let does = "Both frames hold a local x, a reference r to it, and an integer n with its address. In \
                the copy, r and n still have the address of the old x. So 42 went there.";
    print!("{}", svg("A copied stack", does, &moments));
}

fn column(name: &str, (_, [x, r, n]): (usize, Frame), old: usize) -> Column {
    let to = |word: usize| if word == old { "the old x" } else { "elsewhere" };
    let cells = vec![
        Cell::plain(format!("n = address of {}", to(n))),
        Cell::marked(format!("r → {}", to(r))),
        Cell::plain(format!("x = {x}")),
    ];
    Column { name: name.into(), cells, pointers: Vec::new() }
}

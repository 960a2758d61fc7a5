//! Prints the timelines of the four programs, and of the two threads on one core; with the name of a
//! program, only its timeline; with `--svg` before the name, as an SVG. Each program runs ten times,
//! and the shortest run is printed: the one in which the kernel gave the least time to other
//! processes.

use std::env;
use std::process;
use std::thread;

use lab::timeline::Timeline;
use timeline::{
    both, on_one_core, one_after_the_other, side_by_side, taking_turns, until_parallel,
};

type Program = fn() -> Timeline;

/// The programs, and what they do, for who can't see the drawing.
const PROGRAMS: [(&str, Program, &str); 5] = [
    ("one_after_the_other", one_after_the_other, "One thread finishes A before it starts B."),
    ("taking_turns", taking_turns, "One thread turns to its other task at each await."),
    (
        "side_by_side",
        || until_parallel(side_by_side),
        "Two threads run side by side, each with one task.",
    ),
    (
        "both",
        || until_parallel(both),
        "Two threads run side by side, and each turns to its other task at each await.",
    ),
    ("on_one_core", on_one_core, "Two threads, each with one task, on one core."),
];

fn main() {
    let mut arguments = env::args().skip(1).peekable();
    let svg = arguments.next_if(|argument| argument == "--svg").is_some();
    let name = arguments.next();
    let mut programs = PROGRAMS.to_vec();
    programs.retain(|program| name.as_ref().is_none_or(|name| name == program.0));
    if programs.is_empty() {
        eprintln!("[--svg] and a program: {}", PROGRAMS.map(|program| program.0).join(", "));
        process::exit(2);
    }
    let one_core = thread::available_parallelism().is_ok_and(|cores| cores.get() == 1);
    for (name, program, does) in programs {
        if one_core && ["side_by_side", "both"].contains(&name) {
            println!("skipped: {name}, which takes two cores, and one may be used here\n");
        } else {
            show(name, program, svg.then_some(does));
        }
    }
}

/// Shows the shortest of ten runs: drawn, if there is a description, or else as text.
fn show(name: &str, program: Program, description: Option<&str>) {
    let length = |timeline: &Timeline| timeline.all().last().map(|slice| slice.end);
    let runs = (0..10).map(|_| program());
    let timeline = runs.min_by_key(length).expect("ten runs");

    let concurrent = if timeline.concurrent() { "concurrent" } else { "not concurrent" };
    let evidence = timeline.parallel();
    let (parallel, of) =
        if evidence.proven() { ("parallel", "proof") } else { ("not parallel", "in all") };
    let title = format!("{name}: {concurrent}, {parallel}");
    match description {
        Some(description) => print!("{}", timeline.svg(&title, description)),
        None => println!("{title}\n{timeline}   {of}: {evidence}\n"),
    }
}

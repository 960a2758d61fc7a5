//! Prints the timelines of the four programs, and of the two threads on one core; with the name of a
//! program, only its timeline. Each program runs ten times, and the shortest run is printed: the one
//! in which the kernel gave the least time to other processes.

use std::env;
use std::process;
use std::thread;

use lab::timeline::Timeline;
use timeline::{
    both, on_one_core, one_after_the_other, side_by_side, taking_turns, until_parallel,
};

type Program = fn() -> Timeline;

const PROGRAMS: [(&str, Program); 5] = [
    ("one_after_the_other", one_after_the_other),
    ("taking_turns", taking_turns),
    ("side_by_side", || until_parallel(side_by_side)),
    ("both", || until_parallel(both)),
    ("on_one_core", on_one_core),
];

fn main() {
    let name = env::args().nth(1);
    let mut programs = PROGRAMS.to_vec();
    programs.retain(|program| name.as_ref().is_none_or(|name| name == program.0));
    if programs.is_empty() {
        eprintln!("the programs are {}", PROGRAMS.map(|program| program.0).join(", "));
        process::exit(2);
    }
    let one_core = thread::available_parallelism().is_ok_and(|cores| cores.get() == 1);
    for (name, program) in programs {
        if one_core && ["side_by_side", "both"].contains(&name) {
            println!("skipped: {name}, which takes two cores, and one may be used here\n");
        } else {
            show(name, program);
        }
    }
}

fn show(name: &str, program: Program) {
    let length = |timeline: &Timeline| timeline.all().last().map(|slice| slice.end);
    let runs = (0..10).map(|_| program());
    let timeline = runs.min_by_key(length).expect("ten runs");

    let concurrent = if timeline.concurrent() { "concurrent" } else { "not concurrent" };
    let evidence = timeline.parallel();
    let (parallel, of) =
        if evidence.proven() { ("parallel", "proof") } else { ("not parallel", "in all") };
    println!("{name}: {concurrent}, {parallel}\n{timeline}   {of}: {evidence}\n");
}

//! Prints the timelines of the four programs, and of the two threads on one core. With the name of
//! a program, only its timeline.

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
    if thread::available_parallelism().is_ok_and(|cores| cores.get() == 1) {
        println!("skipped: nothing can be parallel on the one core that may be used here\n");
    }
    let name = env::args().nth(1);
    let mut programs = PROGRAMS.to_vec();
    programs.retain(|program| name.as_ref().is_none_or(|name| name == program.0));
    if programs.is_empty() {
        eprintln!(
            "the programs are {}",
            PROGRAMS.map(|program| program.0).join(", ")
        );
        process::exit(2);
    }
    for (name, program) in programs {
        show(name, &program());
    }
}

fn show(name: &str, timeline: &Timeline) {
    let concurrent = if timeline.concurrent() {
        "concurrent"
    } else {
        "not concurrent"
    };
    let evidence = timeline.parallel();
    let (parallel, of) = if evidence.proven() {
        ("parallel", "proof")
    } else {
        ("not parallel", "in all")
    };
    println!("{name}: {concurrent}, {parallel}\n{timeline}   {of}: {evidence}\n");
}

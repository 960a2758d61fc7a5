//! Draws the four programs as one SVG; with the name of a program, that one alone, with its processor
//! time. Each program runs fifty times, and the shortest run is drawn: the one in which the kernel
//! gave the least time to other processes.

use std::env;
use std::process;
use std::thread;

use lab::timeline::{Timeline, figure};
use timeline::{
    both, on_one_core, one_after_the_other, side_by_side, taking_turns, until_parallel,
};

type Program = fn() -> Timeline;

/// The programs by name.
const PROGRAMS: [(&str, Program); 5] = [
    ("one after the other", one_after_the_other),
    ("taking turns", taking_turns),
    ("side by side", || until_parallel(side_by_side)),
    ("both", || until_parallel(both)),
    ("on one core", || on_one_core().timeline),
];

const DESCRIPTION: &str = "Four timelines of the same tasks, on one scale. One thread finishes A \
    before it starts B. One thread turns to its other task at each await, and takes as long. Two \
    threads run side by side, each with one task, in half the time. Two threads run side by side, \
    and each turns between two tasks.";

fn main() {
    let name = env::args().nth(1).map(|name| name.replace('_', " "));
    if thread::available_parallelism().is_ok_and(|cores| cores.get() == 1) {
        println!("skipped: parallel takes two cores, and one may be used here");
        return;
    }
    let Some(name) = name else { return print!("{}", draw_four()) };
    let Some((_, program)) = PROGRAMS.into_iter().find(|program| program.0 == name) else {
        eprintln!("one of these, or nothing: {}", PROGRAMS.map(|program| program.0).join(", "));
        process::exit(2);
    };
    let timeline = shortest(program);
    let caption = format!("{name}: {}", timeline.parallel());
    print!("{}", figure(&name, "One of the runs, alone.", &[(caption, &timeline)]));
}

fn draw_four() -> String {
    let timelines: Vec<_> =
        PROGRAMS[..4].iter().map(|(name, run)| (name, shortest(*run))).collect();
    let four = timelines.iter().map(|(name, timeline)| (words(name, timeline), timeline));
    figure("Four combinations", DESCRIPTION, &four.collect::<Vec<_>>())
}

/// The shortest of fifty runs.
fn shortest(program: Program) -> Timeline {
    let length = |timeline: &Timeline| timeline.all().last().map(|slice| slice.end);
    (0..50).map(|_| program()).min_by_key(length).expect("fifty runs")
}

fn words(name: &str, timeline: &Timeline) -> String {
    let concurrent = if timeline.concurrent() { "concurrent" } else { "not concurrent" };
    let parallel = if timeline.parallel().proven() { "parallel" } else { "not parallel" };
    format!("{name}: {concurrent}, {parallel}")
}

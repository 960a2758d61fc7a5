//! Prints who let the other run: the kernel, between two threads on one core, or with the argument
//! `tasks` the executor, between two tasks on one thread.

use std::env;
use std::process;

use preempt::{awaiting_nothing, awaiting_pending, awaiting_ready, two_threads};

fn main() {
    match env::args().nth(1).as_deref() {
        Some("threads") => threads(),
        Some("tasks") => tasks(),
        _ => {
            eprintln!("say `threads` or `tasks`");
            process::exit(2);
        }
    }
}

fn threads() {
    for run in 1..=3 {
        println!("run {run}: the other ran; interruptions of the loop: {}", two_threads());
    }
}

fn tasks() {
    println!("A awaits in each round   B ran during A's loop   slices");
    for (awaits, (saw, timeline)) in [
        ("nothing", awaiting_nothing()),
        ("what is ready", awaiting_ready()),
        ("what is pending", awaiting_pending()),
    ] {
        let slices: Vec<String> = timeline.all().into_iter().map(|slice| slice.task).collect();
        let saw = if saw { "yes" } else { "no" };
        println!("{awaits:<25}{saw:<24}{}", slices.join(" "));
    }
}

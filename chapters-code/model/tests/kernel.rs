//! Some thousand scripts of each kind: the kernel does what the model predicts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use model::generate::{nth, shrink};
use model::script::{Kind, What};
use model::{Script, draw, program, trial};

/// Another one than 1 tries other scripts: `MODEL_SEED=2 cargo test -p model`.
fn seed() -> u64 {
    std::env::var("MODEL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

/// Whether a script was found on which they differ. One is enough: the other tests end then.
static FOUND: AtomicBool = AtomicBool::new(false);

/// Tries so many scripts, some at once, since the network lets them wait; shows the shortest to which
/// one that differs shrinks.
fn tries(kind: Kind, count: u64) {
    const AT_ONCE: usize = 4;
    println!("seed {}", seed());
    thread::scope(|scope| {
        for first in 0..AT_ONCE as u64 {
            scope.spawn(move || (first..count).step_by(AT_ONCE).try_for_each(|n| tried(kind, n)));
        }
    });
    if FOUND.load(Ordering::Relaxed) {
        println!("ended early: another test has found a difference");
    }
}

/// Tries one. Nothing where all shall end.
fn tried(kind: Kind, n: u64) -> Option<()> {
    let script = nth(seed(), kind, n);
    if FOUND.load(Ordering::Relaxed) {
        return None;
    }
    if trial::differs(&script).unwrap() {
        FOUND.store(true, Ordering::Relaxed);
        // Once more is not enough where two threads are in it.
        let differs = |script: &Script| (0..5).any(|_| trial::differs(script).unwrap());
        let short = shrink(script.clone(), differs);
        let lines = trial::run(&short).unwrap();
        let table = draw::table(&short, &lines);
        let program = program(&short, &lines);
        panic!("script {n}: {script}\n\nshrunk: {short}\n\n{table}\n{program}");
    }
    Some(())
}

#[test]
fn tcp_does_what_the_model_predicts() {
    tries(Kind::Tcp, 4000);
}

#[test]
fn unix_streams_do_what_the_model_predicts() {
    tries(Kind::Unix, 10_000);
}

#[test]
fn the_reading_end_of_a_pipe_does_what_the_model_predicts() {
    tries(Kind::Reader, 6000);
}

#[test]
fn the_writing_end_of_a_pipe_does_what_the_model_predicts() {
    tries(Kind::Writer, 12_000);
}

#[test]
fn eventfds_do_what_the_model_predicts() {
    tries(Kind::Eventfd, 5000);
}

#[test]
fn udp_does_what_the_model_predicts() {
    tries(Kind::Udp, 4000);
}

#[test]
fn listeners_do_what_the_model_predicts() {
    tries(Kind::Listener, 3000);
}

#[test]
fn a_seed_and_a_number_are_one_script_and_scripts_are_read_as_they_are_printed() {
    for kind in Kind::ALL {
        for n in 0..500 {
            let script = nth(7, kind, n);
            assert_eq!(script, nth(7, kind, n));
            assert_eq!(script.to_string().parse::<Script>().as_ref(), Ok(&script));
        }
    }
}

#[test]
fn what_differs_shrinks_to_the_steps_that_matter() {
    let long = "unix; add OUT|ONESHOT; 2 add IN; write 100; 2 peer write 7000; wait; mod IN|ET; \
                peer write 5000; wait 2; dup 3; 3 add OUT; wait; read 5; peer shutdown; wait";
    // As if the model knew nothing of a one-shot entry that is changed.
    let once = |what: &What| matches!(what, What::Add(asks) if asks.meets(model::Flags::ONESHOT));
    let matters = |script: &Script| {
        let added = script.steps.iter().position(|step| once(&step.what));
        let changed = script.steps.iter().rposition(|step| matches!(step.what, What::Mod(_)));
        added.is_some() && changed > added
    };
    let shrunk = shrink(long.parse().unwrap(), matters);
    assert_eq!(shrunk.to_string(), "unix; add ONESHOT; mod 0");
}

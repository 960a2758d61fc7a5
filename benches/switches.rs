//! `cargo bench --bench switches`: what the switches and the stacks of this book's fibers cost beside
//! corosensei's, as ratios with their noise.

use std::thread;
use std::time::Instant;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult};
#[cfg(target_arch = "x86_64")]
use fibers::cost::by_jump;
#[cfg(not(target_arch = "x86_64"))]
use fibers::cost::by_plain as by_jump;
use fibers::cost::{best_of, by_paired, by_plain};
use fibers::fiber::{Fiber, suspend};

/// The best of so many rounds is one measure, and of each there are so many.
const ROUNDS: usize = 50;
const MEASURES: usize = 11;

fn main() {
    println!("{}", lab::measure::machine());
    switches();
    stacks();
}

fn switches() {
    let (mut plain, mut jump, mut paired) = (by_plain(), by_jump(), by_paired());
    let mut theirs = Coroutine::<(), (), ()>::new(|yielder, ()| {
        loop {
            yielder.suspend(());
        }
    });
    let mut corosensei = |times: u32| {
        for _ in 0..times {
            assert!(matches!(theirs.resume(()), CoroutineResult::Yield(())));
        }
    };
    let measures: Vec<[f64; 4]> = (0..MEASURES)
        .map(|_| best_of(ROUNDS, [&mut plain, &mut jump, &mut paired, &mut corosensei]))
        .collect();
    println!("there and back, ns        median   times corosensei");
    tell(["plain, by ret", "plain, by jmp", "paired", "corosensei"], &measures);
}

/// How many fibers are made at once, on stacks of this size.
const FIBERS: usize = 10_000;
const STACK: usize = 64 << 10;

/// Makes fibers that have run to their first suspension, and drops them: for the first time in their
/// thread, and for the second.
fn stacks() {
    let ours = || {
        let make = || {
            let mut fiber = Fiber::new(STACK, suspend).expect("a stack");
            let _ = fiber.resume();
            fiber
        };
        timed(|| (0..FIBERS).map(|_| make()).collect::<Vec<_>>())
    };
    let theirs = || {
        let make = || {
            let stack = DefaultStack::new(STACK).expect("a stack");
            let mut fiber =
                Coroutine::<(), (), (), _>::with_stack(stack, |yielder, ()| yielder.suspend(()));
            let _ = fiber.resume(());
            fiber
        };
        timed(|| (0..FIBERS).map(|_| make()).collect::<Vec<_>>())
    };
    let measure = || {
        let [first, second] = thread::spawn(move || [ours(), ours()]).join().expect("no panic");
        let corosensei = thread::spawn(theirs).join().expect("no panic");
        [first, second, corosensei]
    };
    let measures: Vec<[f64; 3]> = (0..MEASURES).map(|_| measure()).collect();
    println!("\n10,000 made, ns each      median   times corosensei");
    tell(["first in a thread", "second", "corosensei"], &measures);
}

/// What the making of each took, in nanoseconds.
fn timed<T>(make: impl FnOnce() -> Vec<T>) -> f64 {
    let from = Instant::now();
    let made = make();
    let took = from.elapsed().as_nanos() as f64 / made.len() as f64;
    drop(made);
    took
}

/// A line for each way: the median, and its ratio to the last way.
fn tell<const N: usize>(names: [&str; N], measures: &[[f64; N]]) {
    for (at, name) in names.iter().enumerate() {
        let (ns, _) = spread(measures.iter().map(|of| of[at]));
        let (ratio, noise) = spread(measures.iter().map(|of| of[at] / of[N - 1]));
        println!("{name:<24}  {ns:>6.1}   {ratio:.2} ± {noise:.2}");
    }
}

/// The median, and the largest distance from it.
fn spread(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let values: Vec<f64> = values.collect();
    let median = lab::measure::median(&values);
    (median, values.iter().map(|value| (value - median).abs()).fold(0.0, f64::max))
}

//! `cargo bench --bench switches`: what the switches of this book's fibers cost there and back, beside
//! corosensei's, as ratios with their noise.

use corosensei::{Coroutine, CoroutineResult};
use fibers::cost::{best_of, by_jump, by_paired, by_plain};

/// The best of so many rounds is one measure, and of each there are so many.
const ROUNDS: usize = 50;
const MEASURES: usize = 11;

fn main() {
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
    println!("{}", lab::measure::machine());
    println!("there and back, ns        median   times corosensei");
    for (at, name) in ["plain, by ret", "plain, by jmp", "paired", "corosensei"].iter().enumerate()
    {
        let (ns, _) = spread(measures.iter().map(|of| of[at]));
        let (ratio, noise) = spread(measures.iter().map(|of| of[at] / of[3]));
        println!("{name:<24}  {ns:>6.1}   {ratio:.2} ± {noise:.2}");
    }
}

/// The median, and the largest distance from it.
fn spread(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let values: Vec<f64> = values.collect();
    let median = lab::measure::median(&values);
    (median, values.iter().map(|value| (value - median).abs()).fold(0.0, f64::max))
}

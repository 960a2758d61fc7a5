//! t
use model::generate::{nth, shrink};
use model::script::Kind;
use model::trial;

#[test]
fn quick() {
    let seed = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    let n: u64 = std::env::var("N").ok().and_then(|s| s.parse().ok()).unwrap_or(2000);
    for kind in Kind::ALL {
        let start = std::time::Instant::now();
        let mut bad = 0;
        for i in 0..n {
            let script = nth(seed, kind, i);
            assert_eq!(script.to_string().parse::<model::Script>().unwrap(), script, "{script}");
            if trial::differs(&script).unwrap() {
                bad += 1;
                if bad <= 4 {
                    let short = shrink(script.clone(), |s| trial::differs(s).unwrap());
                    println!("{i}: {short}");
                    for line in trial::run(&short).unwrap() {
                        println!(
                            "   {} told {:?}\n      model {:?}\n      kernel {:?}",
                            line.step,
                            line.told,
                            line.outcomes(),
                            line.kernel
                        );
                    }
                }
            }
        }
        println!("{kind}: {bad} of {n} differ, {:?}", start.elapsed());
    }
}

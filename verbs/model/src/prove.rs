//! `cargo book prove model`: random scripts, in the model of epoll and on the kernel.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, anyhow};
use model::generate::{nth, shrink};
use model::script::Kind;
use model::{Script, draw, program, trial};

/// How many scripts of each kind: a million where nothing goes over a network, and then TCP. The two
/// kinds about which fewer sentences are said come last.
const SCRIPTS: [(Kind, u64); 7] = [
    (Kind::Unix, 400_000),
    (Kind::Reader, 200_000),
    (Kind::Writer, 200_000),
    (Kind::Eventfd, 200_000),
    (Kind::Tcp, 50_000),
    (Kind::Udp, 50_000),
    (Kind::Listener, 50_000),
];

/// How often a kind of step was made, and how often a wait, a call or a poll came out so.
type Counts = BTreeMap<String, u64>;

/// Tries the model on the kernel, and prints what occurred and how often.
///
/// Fails with the shortest script on which the two differ.
pub fn run(seed: Option<u64>, scripts: Option<u64>) -> Result<()> {
    let seed = seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        now.as_secs() ^ u64::from(now.subsec_nanos()) << 20
    });
    println!("seed {seed}");
    let (mut steps, mut outcomes) = (Counts::new(), Counts::new());
    for (kind, usual) in SCRIPTS {
        let count = scripts.unwrap_or(usual);
        let since = Instant::now();
        let found = all_of(seed, kind, count)?;
        add(&mut steps, found.steps);
        add(&mut outcomes, found.outcomes);
        if let Some((n, script)) = found.different {
            return Err(different(seed, n, &script)?);
        }
        println!(
            "{kind:<12} {count:>8} scripts, none differs, {:.0} s",
            since.elapsed().as_secs_f64()
        );
    }
    print!("\nsteps\n{}\noutcomes\n{}", listed(&steps), listed(&outcomes));
    Ok(())
}

/// What the scripts of a kind did.
#[derive(Default)]
struct Found {
    steps: Counts,
    outcomes: Counts,
    /// The first that differs, with its number.
    different: Option<(u64, Script)>,
}

/// Runs all scripts of a kind, on as many threads as there are cores.
fn all_of(seed: u64, kind: Kind, count: u64) -> Result<Found> {
    let (next, stop, found) =
        (AtomicU64::new(0), AtomicBool::new(false), Mutex::new(Found::default()));
    let work = || -> Result<()> {
        let mut mine = Found::default();
        while !stop.load(Ordering::Relaxed) {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= count {
                break;
            }
            let script = nth(seed, kind, n);
            let lines = trial::run(&script)?;
            lines.iter().for_each(|line| {
                *mine.steps.entry(step_kind(line)).or_default() += 1;
                outcome_kinds(line, |outcome| *mine.outcomes.entry(outcome).or_default() += 1);
            });
            if lines.iter().any(|line| !line.agrees()) {
                stop.store(true, Ordering::Relaxed);
                mine.different = Some((n, script));
            }
        }
        let mut found = found.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        add(&mut found.steps, mine.steps);
        add(&mut found.outcomes, mine.outcomes);
        found.different = found.different.take().or(mine.different);
        Ok(())
    };
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let mut told = Instant::now();
        while workers.iter().any(|worker| !worker.is_finished()) {
            thread::sleep(Duration::from_millis(20));
            if told.elapsed() > Duration::from_secs(10) {
                told = Instant::now();
                let _ = writeln!(
                    std::io::stderr(),
                    "{kind}: {} of {count}…",
                    next.load(Ordering::Relaxed).min(count)
                );
            }
        }
        workers.into_iter().try_for_each(|worker| worker.join().expect("a worker does not panic"))
    })?;
    Ok(found.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()))
}

/// The step without its numbers.
fn step_kind(line: &trial::Line) -> String {
    let step = line.step.to_string();
    let words = step.split(' ').filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase()));
    words.collect::<Vec<_>>().join(" ")
}

/// What is to be counted of a step's outcome.
fn outcome_kinds(line: &trial::Line, mut count: impl FnMut(String)) {
    let outcome = &line.kernel;
    let several = line.outcomes().len() > 1;
    for (what, events) in [("wait", &outcome.events), ("asleep", &outcome.asleep)] {
        let Some(events) = events else { continue };
        count(format!("{what}: {} events", events.len()));
        events.iter().for_each(|(_, flags)| count(format!("{what}: {flags}")));
        if several {
            count(format!("{what}: one of several outcomes"));
        }
    }
    if let Some(flags) = outcome.polled {
        count(format!("poll: {flags}"));
    }
    if let Some(errno) = outcome.errno.filter(|errno| *errno != 0) {
        count(format!("refused: {}", draw::error(errno)));
    }
    if line.told.errno != 0 {
        count(format!("told: {}", draw::error(line.told.errno)));
    }
    if line.told.refused > 0 {
        count("told: EAGAIN, or less than was asked".into());
    }
    if line.told.late > 0 {
        count("told: not all has arrived".into());
    }
}

fn add(to: &mut Counts, counts: Counts) {
    for (what, count) in counts {
        *to.entry(what).or_default() += count;
    }
}

fn listed(counts: &Counts) -> String {
    counts.iter().map(|(what, count)| format!("  {count:>9}  {what}\n")).collect()
}

/// The error that shows a script on which the two differ, shrunk.
fn different(seed: u64, n: u64, script: &Script) -> Result<anyhow::Error> {
    book::progress("they differ; looking for the shortest script on which they do…");
    const AGAIN: usize = 20;
    let again = (0..AGAIN).filter(|_| trial::differs(script).unwrap_or(false)).count();
    let differs = |script: &Script| (0..3).any(|_| trial::differs(script).unwrap_or(false));
    let short = if again > 0 { shrink(script.clone(), differs) } else { script.clone() };
    let lines = trial::run(&short)?;
    Ok(anyhow!(
        "the model and the kernel differ on script {n} of seed {seed}, and in {again} of {AGAIN} runs \
         more:\n  {script}\nshrunk:\n  {short}\n\n{}\n{}",
        draw::table(&short, &lines),
        program(&short, &lines)
    ))
}

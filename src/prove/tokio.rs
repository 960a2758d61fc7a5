//! `cargo book prove tokio`: tokio's own tests pass on `my-mio` as they do on mio.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};

use super::suite::{AS_MIO, Plan, Suite, Test, Verdict, version};

/// When a test is given up on. The slowest needs a few seconds.
const DEADLINE: Duration = Duration::from_secs(60);

/// Builds and runs tokio's tests on both, and compares them test by test.
pub fn run(root: &Path) -> Result<()> {
    let (tokio, mio) = (version(root, "tokio")?, version(root, "mio")?);
    let on_mio = verdicts(root, "on-mio", None, &format!("tokio {tokio} on mio {mio}"))?;
    let as_mio = root.join(AS_MIO);
    let on_mine = verdicts(root, "on-my-mio", Some(&as_mio), &format!("tokio {tokio} on my-mio"))?;
    println!("tokio {tokio}, unmodified, its own tests, each in a process of its own");
    println!("  on mio {mio}:  {}", count(&on_mio));
    println!("  on my-mio:     {}", count(&on_mine));
    let differ: Vec<&Test> = on_mio
        .iter()
        .filter_map(|(test, verdict)| (on_mine.get(test) != Some(verdict)).then_some(test))
        .collect();
    let extra = on_mine.keys().filter(|test| !on_mio.contains_key(*test)).count();
    println!("  tests that end otherwise on my-mio: {}", differ.len() + extra);
    for (program, test) in &differ {
        println!("    {program}::{test}");
    }
    let failed = on_mio.iter().filter(|(_, verdict)| failed(**verdict));
    for ((program, test), _) in failed {
        println!("  fails on mio as well: {program}::{test}");
    }
    match differ.len() + extra {
        0 => Ok(()),
        n => bail!("{n} of tokio's tests tell my-mio from mio"),
    }
}

fn verdicts(
    root: &Path,
    name: &str,
    mio: Option<&Path>,
    what: &str,
) -> Result<BTreeMap<Test, Verdict>> {
    crate::progress(&format!("building {what}, and its tests…"));
    let suite = Suite::build(root, &Plan { name, mio, tokio: true, swappable: false })?;
    crate::progress(&format!("running {what}…"));
    suite.run(DEADLINE, |_| true)
}

fn failed(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Failed | Verdict::Hung | Verdict::TooLong)
}

fn count(verdicts: &BTreeMap<Test, Verdict>) -> String {
    let count = |of: &dyn Fn(Verdict) -> bool| verdicts.values().filter(|v| of(**v)).count();
    format!(
        "{} pass, {} fail, {} ignore themselves",
        count(&|verdict| verdict == Verdict::Passed),
        count(&failed),
        count(&|verdict| verdict == Verdict::Ignored)
    )
}

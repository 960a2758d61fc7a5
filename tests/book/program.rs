//! A program compiles without a warning, and runs to its end.
//!
//! A good verdict is kept while the program and all that was built stay the same.

use std::process::Command;
use std::time::Duration;

use anyhow::bail;
use lab::doomed::{self, Ending};
use weave::{Block, Fence, Page};

use crate::works::Works;
use crate::{Outcome, Proof, rustc};

/// How long a program of a page may run.
const DEADLINE: Duration = Duration::from_secs(30);

pub fn prove(works: &Works, page: &Page, block: &Block) -> Outcome {
    let verdict = rustc::verdict(works, page, block)?;
    if verdict.stands() {
        return Ok(Proof::Holds);
    }
    let compiled = rustc::compile(works, page, block, true)?;
    let Some(program) = compiled.program else {
        let said = compiled.diagnostics.iter().filter_map(|d| d.rendered.as_deref());
        bail!("the program does not compile\n{}", said.collect::<String>());
    };
    if block.fence != (Fence::Rust { run: false }) {
        let ended = doomed::watch(Command::new(program), DEADLINE)?;
        if ended.how != Ending::Passed {
            bail!("the program {}\n{}{}", ended.how, ended.stdout, ended.stderr);
        }
    }
    verdict.keep()?;
    Ok(Proof::Holds)
}

//! A program compiles without a warning, and runs to its end.

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
    let compiled = rustc::compile(works, page, block, true)?;
    let Some(program) = compiled.program else {
        let said = compiled.diagnostics.iter().filter_map(|d| d.rendered.as_deref());
        bail!("the program does not compile\n{}", said.collect::<String>());
    };
    if block.fence == (Fence::Rust { run: false }) {
        return Ok(Proof::Holds);
    }
    let ended = doomed::watch(Command::new(program), DEADLINE)?;
    match ended.how {
        Ending::Passed => Ok(Proof::Holds),
        how => bail!("the program {how}\n{}{}", ended.stdout, ended.stderr),
    }
}

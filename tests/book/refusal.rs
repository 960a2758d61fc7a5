//! A block that must not compile does not, and for the stated reason alone.
//!
//! A good verdict is kept while the block and all that was built stay the same.

use anyhow::bail;
use weave::fence::Refusal;
use weave::{Block, Fence, Page};

use crate::rustc::{self, Diagnostic};
use crate::works::Works;
use crate::{Outcome, Proof};

pub fn prove(works: &Works, page: &Page, block: &Block) -> Outcome {
    let Fence::Refusal(refusal) = &block.fence else { bail!("not a refusal") };
    let verdict = rustc::verdict(works, page, block)?;
    if verdict.stands() {
        return Ok(Proof::Holds);
    }
    let compiled = rustc::compile(works, page, block, false)?;
    if compiled.program.is_some() {
        bail!("this must be refused ({refusal:?}), and it compiles");
    }
    // rustc closes with a count of its errors, which has no rendered place.
    let is_error =
        |d: &&Diagnostic| d.level == "error" && !d.message.starts_with("aborting due to");
    let other = compiled.diagnostics.iter().filter(is_error).find(|d| !is_reason(d, refusal));
    match other {
        Some(other) => {
            let said = other.rendered.as_deref().unwrap_or(&other.message);
            bail!("refused for another reason than {refusal:?}:\n{said}")
        }
        None => {
            verdict.keep()?;
            Ok(Proof::Holds)
        }
    }
}

fn is_reason(diagnostic: &Diagnostic, refusal: &Refusal) -> bool {
    let code = diagnostic.code.as_ref().map(|code| code.code.as_str());
    match refusal {
        Refusal::Code(wanted) => code == Some(wanted),
        Refusal::Says(words) => diagnostic.message.contains(words),
    }
}

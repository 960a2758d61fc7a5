//! A recorded command, run again, prints what the page shows, or draws it.

use anyhow::bail;
use book::console::{Printed, differences, run, slow, steps};
use weave::{Block, Fence, Page};

use crate::works::Works;
use crate::{Outcome, Proof, skipped};

pub fn prove(works: &Works, page: &Page, block: &Block) -> Outcome {
    let exact = block.fence == Fence::Console { varies: false };
    if block.fence == Fence::Slow && !slow(&block.body) {
        return Ok(Proof::Skipped("it takes minutes; BOOK_SLOW=1 runs it".into()));
    }
    for step in steps(&block.body) {
        let printed = match run(works.root(), works.built()?, step.command)? {
            Printed::Skipped(why) => return Ok(Proof::Skipped(why)),
            Printed::Output(printed) => printed,
        };
        if let Some(why) = skipped(&printed) {
            return Ok(Proof::Skipped(why.to_owned()));
        }
        if let Some(differences) = differences(&step.output, &printed, !exact) {
            bail!(
                "`{}` prints something else now; `cargo book record {}` writes it down\n{}",
                step.command,
                page.name(),
                differences
            );
        }
    }
    Ok(Proof::Holds)
}

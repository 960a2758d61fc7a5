//! A recorded command, run again, prints what the page shows, or draws it.

use anyhow::bail;
use book::console::{Printed, differences, run, steps};
use weave::{Block, Fence, Page};

use crate::works::Works;
use crate::{Outcome, Proof, skipped};

pub fn prove(works: &Works, page: &Page, block: &Block) -> Outcome {
    let varies = matches!(block.fence, Fence::Console { varies: true } | Fence::Drawing);
    for step in steps(&block.body) {
        let printed = match run(works.root(), works.built()?, step.command)? {
            Printed::Skipped(why) => return Ok(Proof::Skipped(why)),
            Printed::Output(printed) => printed,
        };
        if let Some(why) = skipped(&printed) {
            return Ok(Proof::Skipped(why.to_owned()));
        }
        if let Some(differences) = differences(&step.output, &printed, varies) {
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

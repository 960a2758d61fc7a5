//! A recorded command, run again, prints what the page shows, or draws it.
//!
//! A good verdict is kept while the block, the programs and where others are looked for stay the same,
//! but for what takes minutes: who asks for that gets it.

use std::env;

use anyhow::bail;
use book::console::{Printed, normalise, run, slow, steps, varies};
use book::verdict::Verdict;
use similar::TextDiff;
use weave::{Block, Fence, Page, Varies};

use crate::works::Works;
use crate::{Outcome, Proof, skipped};

pub fn prove(works: &Works, page: &Page, block: &Block) -> Outcome {
    // `cargo book run` runs what stands on the pages.
    let programs = works.book().pages.iter().flat_map(|page| &page.blocks);
    let programs = programs.filter(|block| matches!(block.fence, Fence::Rust { .. }));
    let own: Vec<String> = match block.body.contains("cargo book run") {
        true => programs.map(Block::code).collect(),
        false => Vec::new(),
    };
    if block.fence == Fence::Slow && !slow(&block.body) {
        return Ok(Proof::Skipped("it takes minutes; BOOK_SLOW=1 runs it".into()));
    }
    let on = (&block.body, &own, works.programs()?, env::var_os("PATH"));
    let verdict = Verdict::new(
        works.root(),
        &format!("{}-{}", page.name(), block.name.replace("::", "-")),
        on,
    );
    if block.fence != Fence::Slow && verdict.stands() {
        return Ok(Proof::Holds);
    }
    for step in steps(&block.body) {
        let printed = match run(works.root(), works.built()?, step.command)? {
            Printed::Skipped(why) => return Ok(Proof::Skipped(why)),
            Printed::Output(printed) => printed,
        };
        if let Some(why) = skipped(&printed) {
            return Ok(Proof::Skipped(why.to_owned()));
        }
        if let Some(differences) = differences(&step.output, &printed, varies(&block.fence)) {
            bail!(
                "`{}` prints something else now; `cargo book record {}{}` writes it down\n{}",
                step.command,
                if page.yours { "notes/" } else { "" },
                page.name(),
                differences
            );
        }
    }
    verdict.keep()?;
    Ok(Proof::Holds)
}

/// `None` if both say the same after normalising, else the differences.
fn differences(recorded: &str, printed: &str, varies: &Varies) -> Option<String> {
    let (recorded, printed) = (normalise(recorded, varies), normalise(printed, varies));
    (recorded != printed).then(|| {
        let diff = TextDiff::from_lines(&recorded, &printed);
        diff.unified_diff().header("on the page", "printed now").to_string()
    })
}

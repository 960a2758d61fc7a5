//! A diff makes its test end as it says.

use anyhow::{Context, anyhow};
use book::broken::Diff;
use weave::patch::Patch;
use weave::{Block, Page};

use crate::works::Works;
use crate::{Outcome, Proof};

pub fn prove(works: &Works, _page: &Page, block: &Block) -> Outcome {
    let diff = Diff::of(block).context("not a diff")?;
    Patch::parse(diff.body)
        .and_then(|patch| patch.apply(works.root()))
        .map_err(|(_, fault)| anyhow!("{fault}"))?;
    works.copies()?.prove(works.root(), diff)?;
    Ok(Proof::Holds)
}

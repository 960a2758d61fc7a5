//! An excerpt of a Go program is of a file that Go's own checker accepts. That it runs, and what it
//! prints, is proven by the console block that every such page has.

use std::process::Command;

use anyhow::{Context, anyhow, bail};
use weave::source::Include;
use weave::{Block, Page};

use crate::works::Works;
use crate::{Outcome, Proof};

pub fn prove(works: &Works, page: &Page, block: &Block) -> Outcome {
    let include = Include::parse(&block.body).context("not an excerpt")?;
    let excerpt = include
        .and_then(|include| include.resolve(works.root(), &page.file))
        .map_err(|fault| anyhow!("{fault}"))?;
    let mut vet = Command::new("go");
    vet.current_dir(works.root()).env("GO111MODULE", "off").arg("vet").arg(&excerpt.file);
    match vet.output() {
        Err(_) => Ok(Proof::Skipped("go not found".into())),
        Ok(vetted) if vetted.status.success() => Ok(Proof::Holds),
        Ok(vetted) => bail!("go vet: {}", String::from_utf8_lossy(&vetted.stderr)),
    }
}

//! An excerpt is a piece of a file that a crate is really compiled from.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

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
    if !compiled_from(works)?.contains(&excerpt.file) {
        bail!(
            "{} is in no crate: nothing compiles it",
            excerpt.file.display()
        );
    }
    Ok(Proof::Holds)
}

/// The files that the workspace's programs and tests are compiled from, as rustc lists them
/// (`*.d`) beside each.
fn compiled_from(works: &Works) -> anyhow::Result<HashSet<PathBuf>> {
    let mut files = HashSet::new();
    for executable in &works.built()?.executables {
        for listed in [executable.path.with_extension("d")]
            .iter()
            .filter(|list| list.exists())
        {
            let list = fs::read_to_string(listed)?;
            files.extend(
                list.lines()
                    .filter_map(|line| line.strip_suffix(':'))
                    .map(|file| {
                        Path::new(file)
                            .strip_prefix(works.root())
                            .unwrap_or(Path::new(file))
                            .to_owned()
                    }),
            );
        }
    }
    Ok(files)
}

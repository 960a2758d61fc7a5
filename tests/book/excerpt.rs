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
        bail!("{} is in no crate: nothing compiles it", excerpt.file.display());
    }
    Ok(Proof::Holds)
}

/// The files that the workspace's programs and tests are compiled from, as rustc and cargo list
/// them (`*.d`, in the form of a makefile) beside each.
fn compiled_from(works: &Works) -> anyhow::Result<HashSet<PathBuf>> {
    let mut files = HashSet::new();
    for executable in &works.built()?.executables {
        let list = fs::read_to_string(executable.path.with_extension("d")).unwrap_or_default();
        let listed = list.split_whitespace().map(|file| Path::new(file.trim_end_matches(':')));
        files.extend(listed.map(|file| file.strip_prefix(works.root()).unwrap_or(file).to_owned()));
    }
    Ok(files)
}

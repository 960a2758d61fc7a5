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
    let (compiled, file) = (works.sources()?, &excerpt.file);
    if compiled.contains(file) {
        return Ok(Proof::Holds);
    }
    if is_for_other_systems(works.root(), file, compiled) {
        let why = format!("{} is compiled for other systems, by .ci/other-queues", file.display());
        return Ok(Proof::Skipped(why));
    }
    bail!("{} is in no crate: nothing compiles it", file.display());
}

/// Whether a file that is compiled here declares this one as a module under a condition.
fn is_for_other_systems(root: &Path, file: &Path, compiled: &HashSet<PathBuf>) -> bool {
    let (Some(folder), Some(module)) = (file.parent(), file.file_stem()) else {
        return false;
    };
    let declaration = format!("mod {};", module.to_string_lossy());
    let parents = [folder.with_extension("rs"), folder.join("mod.rs"), folder.join("lib.rs")];
    parents.iter().filter(|parent| compiled.contains(*parent)).any(|parent| {
        let text = fs::read_to_string(root.join(parent)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().map(|line| line.trim_start_matches("pub ")).collect();
        lines.windows(2).any(|two| two[0].starts_with("#[cfg(") && two[1] == declaration)
    })
}

//! Verdicts that are kept from one run to the next, so that what has not changed costs nothing.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context, Result};

use crate::{RUSTC, target};

/// The kernel, with its build: what is proven of it is proven of this one.
static KERNEL: LazyLock<Vec<u8>> = LazyLock::new(|| fs::read("/proc/version").unwrap_or_default());

/// The place of one good verdict: a file whose name has the hash of all that it rests on.
#[derive(Debug)]
pub struct Verdict(PathBuf);

impl Verdict {
    /// The verdict called `name`, as long as all that it rests `on` is the same, and the kernel and
    /// the compiler are.
    pub fn new(root: &Path, name: &str, on: impl Hash) -> Verdict {
        let mut hash = DefaultHasher::new();
        (on, &*KERNEL, RUSTC).hash(&mut hash);
        let file = format!("{name}-{:016x}", hash.finish());
        Verdict(target(root).join("book/verdicts").join(file))
    }

    /// Whether it was good before and that still counts: with `BOOK_FRESH=1` it does not.
    pub fn stands(&self) -> bool {
        let fresh = std::env::var_os("BOOK_FRESH").is_some_and(|value| value != "0");
        !fresh && self.0.exists()
    }

    /// Keeps it.
    pub fn keep(&self) -> Result<()> {
        let dir = self.0.parent().unwrap_or(&self.0);
        let kept = fs::create_dir_all(dir).and_then(|()| fs::write(&self.0, ""));
        kept.with_context(|| format!("can't write {}", self.0.display()))
    }
}

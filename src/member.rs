//! Verbs that live in a crate of their own, a member of the workspace under `verbs/`, with what they
//! alone need: it is built when one of them is run, and the first page does not wait for it.

use std::convert::Infallible;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use crate::{cargo, target};

/// A build that takes no longer is not talked of.
const SOON: Duration = Duration::from_secs(1);

/// Builds the member `package`, where it is not built, and becomes its program, which is called the
/// same and gets the words that this program got. The exit code, the signals and the input are its
/// own. Returns only where it can't be built or started.
pub fn run(root: &Path, package: &str) -> Result<Infallible> {
    let program = build(root, package)?;
    let error = Command::new(&program).args(std::env::args_os().skip(1)).exec();
    Err(error).with_context(|| format!("{} could not be started", program.display()))
}

/// Builds the program, and says so where that takes long.
fn build(root: &Path, package: &str) -> Result<PathBuf> {
    let target = target(root);
    let target = target.to_str().context("the target folder's path is not UTF-8")?;
    let args = ["build", "--package", package, "--bin", package, "--target-dir", target];
    let built = thread::scope(|scope| {
        let (building, done) = mpsc::channel::<Infallible>();
        scope.spawn(move || {
            if done.recv_timeout(SOON) == Err(RecvTimeoutError::Timeout) {
                crate::progress("building what only this verb needs…");
            }
        });
        let built = cargo::build(root, &args);
        drop(building);
        built
    })?;
    if let Some((dir, error)) = built.errors.first() {
        bail!("{} does not compile:\n{error}", dir.display());
    }
    let program = built.find("bin", package);
    Ok(program.ok_or_else(|| anyhow!("cargo built no program `{package}`"))?.path.clone())
}

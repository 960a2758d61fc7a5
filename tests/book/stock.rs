//! Stock mdBook builds the same book from the same checkout, and leaves the prose alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use libtest_mimic::{Completion, Failed, Trial};
use weave::belongs;

use crate::rustc;
use crate::works::Works;

pub fn trial(works: &Arc<Works>) -> Trial {
    let works = Arc::clone(works);
    Trial::ignorable_test("book::stock_mdbook_builds_the_same_book", move || {
        match Command::new("mdbook").arg("--version").output() {
            Err(_) => Ok(Completion::ignored_with("skipped: mdbook is not installed")),
            Ok(version) if !version.stdout.starts_with(b"mdbook v0.5.") => {
                let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
                Ok(Completion::ignored_with(format!("skipped: this is {version}, not 0.5")))
            }
            Ok(_) => match prove(&works) {
                Ok(()) => Ok(Completion::Completed),
                Err(error) => Err(Failed::from(format!("{error:#}"))),
            },
        }
    })
}

fn prove(works: &Works) -> Result<()> {
    let (ours, stock) = (works.scratch("ours")?, works.scratch("stock")?);
    let prose = || texts(&works.root().join(weave::book::SRC), "md");
    let before = prose()?;
    let mut mdbook = Command::new("mdbook");
    mdbook.arg("build").arg(works.root()).arg("--dest-dir").arg(&stock);
    let built = rustc::uninstall(&mut mdbook).output()?;
    if !built.status.success() || prose()? != before {
        bail!("mdbook build: {}", String::from_utf8_lossy(&built.stderr));
    }
    book::read::build::build(works.root(), &ours, false)?;
    let (ours, stock) = (texts(&ours, "html")?, texts(&stock, "html")?);
    if ours.is_empty() || ours.keys().ne(stock.keys()) {
        bail!("not the same pages: {:?} and {:?}", ours.keys(), stock.keys());
    }
    for (page, text) in &ours {
        let lines = text.lines().zip(stock[page].lines());
        if let Some((ours, stock)) = lines.into_iter().find(|(ours, stock)| ours != stock) {
            bail!("{page} is not the same:\n    ours:  {ours}\n    stock: {stock}");
        }
        if text.len() != stock[page].len() {
            bail!("{page} is not as long");
        }
    }
    Ok(())
}

/// The files below `dir` with this extension, by their path inside it.
fn texts(dir: &Path, extension: &str) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for path in belongs::files(dir)? {
        if path.extension().is_some_and(|e| e == extension) {
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            found.insert(path.strip_prefix(dir)?.display().to_string(), text);
        }
    }
    Ok(found)
}

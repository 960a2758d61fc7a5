//! `cargo book record [PAGE]`: runs the console blocks again and writes their output back.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};
use weave::{Book, Fence, Page};

use crate::cargo::{self, Built};
use crate::console::{self, Printed};

/// Records the pages whose name or path contains `only`, or all of them.
pub fn run(root: &Path, only: Option<&str>) -> Result<()> {
    let book = Book::load(root)?;
    let wanted = |page: &&Page| only.is_none_or(|only| page.file.to_string_lossy().contains(only));
    let pages: Vec<&Page> = book.pages.iter().filter(wanted).collect();
    if pages.is_empty() {
        let names: Vec<String> = book.pages.iter().map(Page::name).collect();
        bail!("no page `{}`; the pages are: {}", only.unwrap_or_default(), names.join(", "));
    }
    crate::progress("building the examples…");
    let built = cargo::build_workspace(root)?;
    for page in pages {
        let text = rerun(root, &built, page)?;
        if text != page.text {
            fs::write(root.join(&page.file), text)?;
            println!("{}: recorded anew", page.file.display());
        } else {
            println!("{}: nothing to change", page.file.display());
        }
    }
    Ok(())
}

/// Whether a command's output says that it ended badly, as some are shown to.
fn fails(output: &str) -> bool {
    let last = output.lines().last().unwrap_or_default();
    last.starts_with("[exit status ") || last.starts_with("[killed by ")
}

/// The page's text with every console block's output as it is now.
fn rerun(root: &Path, built: &Built, page: &Page) -> Result<String> {
    let mut text = page.text.clone();
    for block in page.blocks.iter().rev() {
        if !matches!(block.fence, Fence::Console { .. } | Fence::Slow | Fence::Drawing) {
            continue;
        }
        if block.fence == Fence::Slow && !console::slow(&block.body) {
            eprintln!("{}:{}: kept: set BOOK_SLOW=1", page.file.display(), block.line);
            continue;
        }
        let mut body = String::new();
        for step in console::steps(&block.body) {
            eprintln!("{}:{}: $ {}", page.file.display(), block.line, step.command);
            let output = match console::run(root, built, step.command)? {
                Printed::Output(output) if fails(&output) && !fails(&step.output) => {
                    bail!("`{}` fails now, and nothing is recorded:\n{output}", step.command)
                }
                Printed::Output(output) => output,
                Printed::Skipped(why) => {
                    eprintln!("    kept as it is: {why}");
                    step.output
                }
            };
            body.extend(["$ ", step.command, "\n", &output]);
        }
        let old = text[block.range.clone()].find(&block.body).map(|at| block.range.start + at);
        if let Some(start) = old {
            text.replace_range(start..start + block.body.len(), &body);
        }
    }
    Ok(text)
}

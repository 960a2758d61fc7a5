//! The picture in README.md: what the start page shows first, and a mistake one diff away. It is
//! drawn from the pages, so that it says what they say: `cargo book record start` draws it again.

use std::path::Path;

use anyhow::{Context, Result};
use weave::{Block, Book, Fence};

/// Where it lies, relative to the root.
pub const PICTURE: &str = "book/theme/page.svg";

/// The page whose first console block it shows.
const PAGE: &str = "book/start.md";

/// The diff that it shows.
const DIFF: &str = "one-read-per-edge";

const LINE: usize = 22;
const LEFT: usize = 24;

/// The picture as the pages are now.
pub fn picture(book: &Book) -> Result<String> {
    let console = |block: &&Block| matches!(block.fence, Fence::Console { .. });
    let start = book.pages.iter().find(|page| page.file == Path::new(PAGE));
    let console = start.and_then(|page| page.blocks.iter().find(console));
    let console = console.with_context(|| format!("{PAGE} has no console block to draw"))?;
    let of_name = |block: &&Block| matches!(&block.fence, Fence::Diff { name, .. } if name == DIFF);
    let diff = book.pages.iter().flat_map(|page| &page.blocks).find(of_name);
    let diff = diff.with_context(|| format!("no page has the diff `{DIFF}` to draw"))?;

    let command = format!("$ cargo book break {DIFF}");
    let lines = console.body.lines().chain(["", &command]).chain(diff.body.lines().skip(1));
    let lines: Vec<&str> = lines.collect();
    let rows: String = lines.iter().enumerate().map(|(row, line)| drawn(row, line)).collect();
    let height = (lines.len() + 2) * LINE;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"{height}\" \
         viewBox=\"0 0 760 {height}\" role=\"img\">\n\
         <title>A client that reads once for each event, with levels and with edges, and the diff \
         that brings the mistake back</title>\n\
         <rect width=\"760\" height=\"{height}\" rx=\"8\" fill=\"#1b1e28\"/>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, monospace\" \
         font-size=\"14\" fill=\"#e6e6ea\">\n{rows}</g>\n</svg>\n"
    ))
}

/// A line of text. What is typed, taken out and put in differ by weight or sign, not by colour alone.
fn drawn(row: usize, line: &str) -> String {
    let style = match line.as_bytes().first() {
        Some(b'$') => " font-weight=\"bold\"",
        Some(b'-') => " fill=\"#f0a3a3\"",
        Some(b'+') => " fill=\"#a5d6a7\"",
        _ => "",
    };
    let y = (row + 2) * LINE - 6;
    let text = line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<text x=\"{LEFT}\" y=\"{y}\" xml:space=\"preserve\"{style}>{text}</text>\n")
}

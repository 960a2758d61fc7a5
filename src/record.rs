//! `cargo book record [PAGE]`: runs the console blocks again and writes their output back.
//!
//! Commands take minutes, and authors go on writing. So a page is read again when its output is
//! there, each block is found again by what it says, and only its output is replaced.

use std::path::Path;

use anyhow::{Result, bail};
use weave::mdbook::Markdown;
use weave::yours::{NOTES, Yours};
use weave::{Book, Fence, Page};

use crate::cargo::{self, Built};
use crate::console::{self, Printed};
use crate::picture::{PICTURE, picture};
use crate::say;
use crate::write;

/// Records the pages whose name or path contains `only`, or all of them.
pub fn run(root: &Path, only: Option<&str>) -> Result<()> {
    let book = Book::load(root)?;
    let wanted = |page: &&Page| only.is_none_or(|only| page.file.to_string_lossy().contains(only));
    let yours = Yours::load(&book);
    // The reader's own are recorded where they are asked for.
    let own = yours.pages.iter().filter(|_| only.is_some_and(|only| only.starts_with(NOTES)));
    let pages: Vec<&Page> = book.pages.iter().chain(own).filter(wanted).collect();
    if pages.is_empty() {
        let names: Vec<String> = book.pages.iter().map(Page::name).collect();
        bail!("no page `{}`; the pages are: {}", only.unwrap_or_default(), names.join(", "));
    }
    crate::progress("building the examples…");
    let built = cargo::build_workspace(root)?;
    let mut missed = 0;
    for page in pages {
        let recorded = rerun(root, &built, page)?;
        let mut gone = Vec::new();
        let changed = write::update(&root.join(&page.file), |text| {
            let (text, missing) = merge(book.markdown, page, text, &recorded)?;
            gone = missing;
            Ok(text)
        })?;
        let what = if changed { "recorded anew" } else { "nothing to change" };
        say::line(&mut std::io::stdout(), format_args!("{}: {what}", page.file.display()));
        for block in &gone {
            eprintln!(
                "{}: `$ {}`, at line {} when this began, was changed while it ran; its output is \
                 not written",
                page.file.display(),
                block.command(),
                block.line
            );
        }
        missed += gone.len();
    }
    redraw(root)?;
    match missed {
        0 => Ok(()),
        1 => bail!("1 block was not recorded: run this again"),
        n => bail!("{n} blocks were not recorded: run this again"),
    }
}

/// Draws the picture in README.md again, where there is one.
fn redraw(root: &Path) -> Result<()> {
    let file = root.join(PICTURE);
    if !file.exists() {
        return Ok(());
    }
    let drawn = picture(&Book::load(root)?)?;
    if write::update(&file, |_| Ok(drawn.clone()))? {
        say::line(&mut std::io::stdout(), format_args!("{PICTURE}: drawn anew"));
    }
    Ok(())
}

/// Whether a command's output says that it ended badly, as some are shown to.
fn fails(output: &str) -> bool {
    let last = output.lines().last().unwrap_or_default();
    last.starts_with("[exit status ") || last.starts_with("[killed by ")
}

/// A block, as it was when its commands were started and as it is to be.
#[derive(Debug, Clone, PartialEq)]
struct Recorded {
    fence: Fence,
    line: usize,
    old: String,
    new: String,
}

impl Recorded {
    fn command(&self) -> &str {
        self.old.lines().next().unwrap_or_default().trim_start_matches("$ ")
    }
}

/// Runs the commands of all console blocks of a page.
fn rerun(root: &Path, built: &Built, page: &Page) -> Result<Vec<Recorded>> {
    let mut recorded = Vec::new();
    for block in &page.blocks {
        if !matches!(block.fence, Fence::Console { .. } | Fence::Slow | Fence::Drawing) {
            continue;
        }
        if block.fence == Fence::Slow && !console::slow(&block.body) {
            eprintln!("{}:{}: kept: set BOOK_SLOW=1", page.file.display(), block.line);
            continue;
        }
        let mut new = String::new();
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
            new.extend(["$ ", step.command, "\n", &output]);
        }
        let (fence, old) = (block.fence.clone(), block.body.clone());
        recorded.push(Recorded { fence, line: block.line, old, new });
    }
    Ok(recorded)
}

/// The text of the page as it is now with the new outputs, and the blocks that it no longer has.
fn merge<'a>(
    markdown: Markdown,
    page: &Page,
    text: &str,
    recorded: &'a [Recorded],
) -> Result<(String, Vec<&'a Recorded>)> {
    let parse = |text: &str| Page::parse_as(markdown, &page.file, &page.path, text.to_owned());
    let now = parse(text);
    let mut places = Vec::new();
    let mut gone = Vec::new();
    for one in recorded {
        let is_it = |at: &usize| {
            let block = &now.blocks[*at];
            block.fence == one.fence
                && block.body == one.old
                && places.iter().all(|(taken, _)| taken != at)
        };
        match (0..now.blocks.len()).find(is_it) {
            Some(at) => places.push((at, one)),
            None => gone.push(one),
        }
    }
    places.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let mut merged = text.to_owned();
    for (at, one) in &places {
        let range = now.blocks[*at].range.clone();
        let block = with_body(&text[range.clone()], &one.old, &one.new);
        merged.replace_range(range, &block);
    }
    // What a page says is what its parser reads: an output may end its block, or a comment.
    let then = parse(&merged);
    for (at, one) in places {
        if now.blocks.len() != then.blocks.len() || then.blocks[at].body != one.new {
            bail!(
                "{}: what `{}` prints can't stand in its block, at line {}; nothing is recorded:\n{}",
                page.file.display(),
                one.command(),
                now.blocks[at].line,
                one.new
            );
        }
    }
    Ok((merged, gone))
}

/// A block, fences included, with other lines in it: with the line ends of the page, and as far in
/// as the old ones stand, in a list or a quotation.
fn with_body(block: &str, old: &str, new: &str) -> String {
    let lines: Vec<&str> = block.split_inclusive('\n').collect();
    let end = if lines[0].ends_with("\r\n") { "\r\n" } else { "\n" };
    let body = old.lines().count();
    let first = lines.get(1).map_or("", |line| line.trim_end_matches(['\r', '\n']));
    let margin = first.strip_suffix(old.lines().next().unwrap_or_default()).unwrap_or_default();
    let mut out = lines[0].to_owned();
    for line in new.lines() {
        out.push_str(if line.is_empty() { margin.trim_end() } else { margin });
        out.extend([line, end]);
    }
    out.extend(lines.iter().skip(1 + body).copied());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "$ a\n1\n\n2\n";
    const NEW: &str = "$ a\n3\n\n4\n5\n";

    fn recorded() -> [Recorded; 1] {
        let fence = Fence::Console { varies: weave::Varies::Nothing };
        [Recorded { fence, line: 3, old: OLD.into(), new: NEW.into() }]
    }

    fn merged(text: &str) -> Result<(String, usize)> {
        let page = Page::parse(Path::new("book/p.md"), Path::new("p.md"), String::new());
        let recorded = recorded();
        let (text, gone) = merge(Markdown::default(), &page, text, &recorded)?;
        Ok((text, gone.len()))
    }

    fn page(body: &str) -> String {
        format!("# T\n\n```console\n{body}```\n\nText.\n")
    }

    #[test]
    fn what_was_typed_meanwhile_stays() {
        let typed = |body| page(body).replace("Text.", "More.").replace("# T", "# T\n\n- new\n");
        assert_eq!(merged(&typed(OLD)).unwrap(), (typed(NEW), 0));
    }

    #[test]
    fn a_block_that_was_changed_meanwhile_is_left_alone_and_told() {
        for other in ["$ b\n1\n\n2\n", "$ a\n1\n\n2, by hand\n", "$ a\n"] {
            assert_eq!(merged(&page(other)).unwrap(), (page(other), 1), "{other}");
        }
        let another_fence = page(OLD).replace("console", "console,varies");
        assert_eq!(merged(&another_fence).unwrap(), (another_fence, 1));
    }

    #[test]
    fn line_ends_and_margins_are_the_page_s_own() {
        let crlf = |body| page(body).replace('\n', "\r\n");
        assert_eq!(merged(&crlf(OLD)).unwrap(), (crlf(NEW), 0));
        let indented = |body: &str| {
            let inner = page(body).replace('\n', "\n  ").replace("\n  \n", "\n\n");
            format!("- {inner}").trim_end().to_owned()
        };
        assert_eq!(merged(&indented(OLD)).unwrap(), (indented(NEW), 0));
        let quoted = |body: &str| {
            let lines = format!("```console\n{body}```\n");
            lines.lines().map(|line| format!("> {line}").trim_end().to_owned() + "\n").collect()
        };
        let (old, new): (String, String) = (quoted(OLD), quoted(NEW));
        assert_eq!(merged(&old).unwrap(), (new, 0));
    }

    #[test]
    fn an_output_that_ends_its_own_block_is_refused() {
        let [mut one] = recorded();
        one.new = "$ a\n```\nb\n".into();
        let empty = Page::parse(Path::new("book/p.md"), Path::new("p.md"), String::new());
        let error = merge(Markdown::default(), &empty, &page(OLD), &[one]).unwrap_err();
        assert!(error.to_string().contains("book/p.md: what `a` prints can't stand"), "{error}");
    }

    #[test]
    fn two_blocks_alike_are_both_recorded() {
        let twice = |body| page(body) + &page(body);
        let both = [recorded(), recorded()].concat();
        let empty = Page::parse(Path::new("book/p.md"), Path::new("p.md"), String::new());
        let (text, gone) = merge(Markdown::default(), &empty, &twice(OLD), &both).unwrap();
        assert_eq!((text, gone.len()), (twice(NEW), 0));
    }
}

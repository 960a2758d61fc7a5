//! `cargo book measure`: what waiting costs on this machine, beside what the page has recorded.

use std::path::Path;

use anyhow::{Context, Result, bail};
use lab::measure::Table;
use weave::{Book, Fence};

use crate::cargo;
use crate::console::{self, Printed};

/// The example that measures.
const EXAMPLE: &str = "what_waiting_costs";

/// The rows that are compared. The others are not the process's own, or too small for a ratio.
const ROWS: [&str; 4] =
    ["memory, bytes", "to create, ns", "to switch, ns", "to switch by a byte, ns"];

/// Beyond this factor a ratio differs.
const FACTOR: f64 = 2.0;

/// Runs the example and prints its table, and its ratios beside those of the page.
pub fn run(root: &Path) -> Result<()> {
    let command = format!("cargo run -q --example {EXAMPLE}");
    let recorded = recorded(&Book::load(root)?, &command)?;
    crate::progress("building the example, then measuring for some seconds…");
    let built = cargo::build(root, &["build", "--example", EXAMPLE])?;
    if let Some((_, error)) = built.errors.first() {
        bail!("the example does not compile:\n{error}");
    }
    let printed = match console::run(root, &built, &command)? {
        Printed::Output(printed) => printed,
        Printed::Skipped(why) => bail!("it can't be measured here: {why}"),
    };
    print!("{printed}");
    if let Some(here) = Table::parse(&printed) {
        print!("\non the page, {}\n\n{}", machine(&recorded), compare(&here, &table(&recorded)?));
    }
    Ok(())
}

/// What a page has recorded below `command`.
fn recorded(book: &Book, command: &str) -> Result<String> {
    let blocks = book.pages.iter().flat_map(|page| &page.blocks);
    let consoles = blocks.filter(|block| matches!(block.fence, Fence::Console { .. }));
    let mut steps = consoles.flat_map(|block| console::steps(&block.body));
    let found = steps.find(|step| step.command == command);
    Ok(found.with_context(|| format!("no page has a console block with `$ {command}`"))?.output)
}

fn table(printed: &str) -> Result<Table> {
    Table::parse(printed).context("the page has recorded no table")
}

fn machine(printed: &str) -> &str {
    printed.lines().find(|line| line.starts_with("machine: ")).unwrap_or("machine: not recorded")
}

/// The ratios of both tables, and which of them differ.
fn compare(here: &Table, page: &Table) -> String {
    let mut text = format!("{:<32}  {:>8}  {:>8}\n", "times a task", "here", "page");
    let mut differ = Vec::new();
    for row in ROWS {
        for waiter in ["goroutine", "fiber", "thread"] {
            let ratio = |table: &Table| table.ratio(row, waiter, "task");
            let (Some(here), Some(page)) = (ratio(here), ratio(page)) else {
                continue;
            };
            let name = format!("{waiter}: {}", row.split(',').next().unwrap_or(row));
            text += &format!("{name:<32}  {here:>8.1}  {page:>8.1}\n");
            if here > FACTOR * page || page > FACTOR * here {
                differ.push(name);
            }
        }
    }
    text + &match &differ[..] {
        [] => format!("no ratio differs by more than {FACTOR} times\n"),
        _ => format!("more than {FACTOR} times different: {}\n", differ.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_that_is_more_than_twice_another_differs() {
        let table = |thread: u64| {
            let mut table = Table::new("one", &["task", "thread"]);
            for (row, thread) in ROWS.into_iter().zip([9_000, 400, thread, 200]) {
                table.add(row, "task", 100);
                table.add(row, "thread", thread);
            }
            table
        };
        assert!(
            compare(&table(300), &table(500)).ends_with("no ratio differs by more than 2 times\n")
        );
        let said = compare(&table(300), &table(700));
        assert!(said.ends_with("more than 2 times different: thread: to switch\n"), "{said}");
    }
}

//! The entries of a note in `SUMMARY.md` and in `Cargo.toml`: one line each, where an author would
//! put it, and nothing else touched.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use toml::Table;
use weave::source::CRATES;
use weave::summary::{Entry, Summary};
use weave::text;

/// Names that cargo, rustc or some file system keeps for itself.
const KEPT: &str = "\
abstract as async await become box break const continue crate do dyn else enum extern false final fn \
for gen if impl in let loop macro match mod move mut override priv pub ref return self static struct \
super trait true try type typeof unsafe unsized use virtual where while yield \
alloc book core proc-macro std test build deps examples incremental target \
aux con nul prn com1 com2 com3 com4 com5 com6 com7 com8 com9 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9";

/// Refuses names that no chapter crate can have.
pub fn may_be_a_crate(root: &Path, name: &str) -> Result<()> {
    let help = "choose another name, or put the note into a crate that is there: --crate NAME";
    ensure!(
        !KEPT.split(' ').any(|kept| kept == name),
        "no crate can be named `{name}`\n    {help}"
    );
    let dir = Path::new(CRATES).join(name);
    let there = root.join(&dir).symlink_metadata().is_ok();
    ensure!(!there, "there is {} already\n    {help}", dir.display());
    // A second package of the name would make `-p NAME` and `use NAME` mean two things.
    let same = |other: &str| other.replace('_', "-") == name;
    for file in ["Cargo.lock", "Cargo.toml"] {
        let table: Table = toml::from_str(&text::read(&root.join(file)).with_context(|| file)?)
            .with_context(|| format!("can't read {file}"))?;
        if names(&table).any(|other| same(&other)) {
            bail!("the book uses another crate that is named `{name}`, by its {file}\n    {help}");
        }
    }
    Ok(())
}

/// The packages of a lock file, and the dependencies of a workspace.
fn names(table: &Table) -> impl Iterator<Item = String> {
    let packages = table.get("package").and_then(|of| of.as_array()).into_iter().flatten();
    let packages = packages.filter_map(|package| package.get("name")?.as_str());
    let of_workspace = table.get("workspace").and_then(|of| of.get("dependencies")?.as_table());
    let named = packages.map(str::to_owned).collect::<Vec<_>>();
    named.into_iter().chain(of_workspace.into_iter().flatten().map(|(name, _)| name.clone()))
}

/// The root manifest with a crate among the workspace's dependencies and the book's own.
pub fn add_crate(manifest: &str, name: &str) -> Result<String> {
    let entry = format!("{name} = {{ path = \"{CRATES}/{name}\" }}");
    let peer = format!(" = {{ path = \"{CRATES}/");
    let text = among(manifest, "[workspace.dependencies]", &peer, &entry)?;
    let text = among(
        &text,
        "[dev-dependencies]",
        ".workspace = true",
        &format!("{name}.workspace = true"),
    )?;
    let table: Table = toml::from_str(&text)?;
    let path = || table["workspace"].get("dependencies")?.get(name)?.get("path")?.as_str();
    let used = || table.get("dev-dependencies")?.get(name)?.get("workspace")?.as_bool();
    ensure!(
        path() == Some(&format!("{CRATES}/{name}")) && used() == Some(true),
        "Cargo.toml is written in another way than it was: add `{entry}` by hand"
    );
    Ok(text)
}

/// The text with a line among the lines of a section that have `peer` in them, in the order of the
/// alphabet.
fn among(text: &str, section: &str, peer: &str, entry: &str) -> Result<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let begin = lines.iter().position(|line| line.trim_end() == section);
    let begin = begin.with_context(|| format!("Cargo.toml has no section {section}"))? + 1;
    let end = lines[begin..].iter().position(|line| line.starts_with('['));
    let section_lines = begin..end.map_or(lines.len(), |end| begin + end);
    let is_peer = |at: &usize| lines[*at].contains(peer);
    let later = |at: &usize| is_peer(at) && lines[*at] > entry;
    let last = || section_lines.clone().rfind(is_peer).map(|at| at + 1);
    let at = section_lines.clone().find(later).or_else(last);
    let at = at.with_context(|| format!("{section} in Cargo.toml has no crate of the book"))?;
    Ok(insert(&lines, at, entry))
}

/// Puts lines before the line `at`, with the line ends of their neighbours.
fn insert(lines: &[&str], at: usize, new: &str) -> String {
    let end = if lines[0].ends_with("\r\n") { "\r\n" } else { "\n" };
    let mut out = lines[..at].concat();
    if !out.ends_with('\n') {
        out.push_str(end);
    }
    out.extend(new.split('\n').flat_map(|line| [line, end]));
    out + &lines[at..].concat()
}

/// `SUMMARY.md` with a page at the end of its part. A part that is new stands last.
pub fn list(text: &str, part: &str, name: &str, title: &str, part_title: &str) -> Result<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let before = Summary::read(text).pages;
    let path = Path::new(part).join(name).with_extension("md");
    let link = format!("[{title}]({})", path.display());
    let last = before.iter().rfind(|page| page.path.parent() == Some(Path::new(part)));
    let new = match last {
        Some(last) => {
            let line = lines[last.line - 1];
            let bullet = &line[..line.find('[').unwrap_or(0)];
            let is_below = |line: &str| {
                line.starts_with([' ', '\t'])
                    && margin(line) > margin(bullet)
                    && !line.trim().is_empty()
            };
            insert(&lines, end_of(&lines, last.line, is_below), &format!("{bullet}{link}"))
        }
        None => {
            let numbered = before.iter().rfind(|page| page.part.is_some());
            let is_listed =
                |line: &str| line.starts_with([' ', '\t', '-', '*']) && line.trim() != "---";
            let at = numbered.map_or(lines.len(), |page| end_of(&lines, page.line, is_listed));
            insert(&lines, at, &format!("\n# {part_title}\n\n- {link}"))
        }
    };
    // Whatever stands in the titles, or in the file: what mdBook reads now is that one page more.
    let after = Summary::read(&new);
    let (added, others): (Vec<&Entry>, Vec<&Entry>) =
        after.pages.iter().partition(|page| page.path == path);
    let of = |page: &Entry| (page.path.clone(), page.part.clone());
    let same = others.into_iter().map(of).eq(before.iter().map(of));
    let is_there = matches!(&added[..], [page] if last.is_none_or(|last| last.part == page.part));
    let is_line = ![title, part_title].concat().chars().any(char::is_control);
    ensure!(
        is_line && same && is_there && after.faults.is_empty(),
        "no line for SUMMARY.md can be made of the titles `{title}` and `{part_title}`"
    );
    Ok(new)
}

/// Where the lines from `at` on that are `inside` end.
fn end_of(lines: &[&str], at: usize, inside: impl Fn(&str) -> bool) -> usize {
    at + lines[at..].iter().take_while(|line| inside(line)).count()
}

fn margin(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMMARY: &str = "# Summary\n\n[Start](start.md)\n\n# One\n\n- [A](one/a.md)\n  - [Later]()\n\n\
                           # Two\n\n- [B](two/b.md)\n- [Later]()\n\n---\n\n[End](end.md)\n";

    #[test]
    fn a_page_stands_at_the_end_of_its_part() {
        let new = list(SUMMARY, "one", "x", "An *x*", "One").unwrap();
        assert_eq!(
            new,
            SUMMARY.replace("  - [Later]()\n", "  - [Later]()\n- [An *x*](one/x.md)\n")
        );
        let crlf = list(&SUMMARY.replace('\n', "\r\n"), "one", "x", "An *x*", "One").unwrap();
        assert_eq!(crlf, new.replace('\n', "\r\n"));
    }

    #[test]
    fn a_new_part_stands_last() {
        let new = list(SUMMARY, "three", "x", "X", "Part three").unwrap();
        let added = "- [Later]()\n\n# Part three\n\n- [X](three/x.md)\n\n---";
        assert_eq!(new, SUMMARY.replace("- [Later]()\n\n---", added));
        let cut = list("# S\n\n# One\n\n- [A](one/a.md)", "two", "x", "X", "Two").unwrap();
        assert_eq!(cut, "# S\n\n# One\n\n- [A](one/a.md)\n\n# Two\n\n- [X](two/x.md)\n");
    }

    #[test]
    fn titles_that_mean_something_else_there_are_refused() {
        for title in ["a](b.md) [c", "[link](x.md)", "]", "a\n\n# b", "a\n- [b](c.md)"] {
            assert!(list(SUMMARY, "one", "x", title, "One").is_err(), "{title}");
        }
        for title in ["[link](x.md)", "a\n\n# b", "a\n- [b](c.md)"] {
            assert!(list(SUMMARY, "new", "x", "X", title).is_err(), "{title}");
        }
    }

    #[test]
    fn a_crate_stands_among_the_others() {
        let manifest = "[workspace.dependencies]\nb = { path = \"chapters-code/b\" }\n\
            d = { path = \"chapters-code/d\" }\nweave = { path = \"weave\" }\n\na = \"1\"\n\n\
            [dev-dependencies]\nb.workspace = true\nz.workspace = true\n";
        for (name, above) in [("a-a", "b = {"), ("c", "d = {"), ("e", "weave = {")] {
            let new = add_crate(manifest, name).unwrap();
            let entry = format!("{name} = {{ path = \"chapters-code/{name}\" }}\n{above}");
            assert!(new.contains(&entry), "{new}");
            assert!(new.contains(&format!("{name}.workspace = true\n")), "{new}");
            assert_eq!(new.lines().count(), manifest.lines().count() + 2);
        }
        assert!(add_crate("[package]\n", "c").is_err());
        assert!(add_crate(manifest, "b").is_err(), "twice is no manifest");
    }
}

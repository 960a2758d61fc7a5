//! The rules of mio's contract, and which of them mio documents.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Where the rules are.
const SUITE: &str = "chapters-code/mio-contract/tests/suite";
/// Which of them mio documents.
const MARKS: &str = "chapters-code/mio-contract/RULES.md";

/// All rules of the suite, by module and name.
pub(super) fn of_the_suite(root: &Path) -> Result<Vec<String>> {
    let mut rules = Vec::new();
    for file in crate::broken::files(&root.join(SUITE))? {
        let module = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&file)?;
        let mut lines = text.lines().map(str::trim);
        while let Some(line) = lines.next() {
            if line == "#[test]" {
                let name = lines.find_map(|line| line.strip_prefix("fn ")?.split_once('('));
                let (name, _) = name.with_context(|| format!("{}: a test", file.display()))?;
                rules.push(format!("{module}::{name}"));
            }
        }
    }
    rules.sort();
    Ok(rules)
}

/// For each rule that has a mark, the words of mio's documentation with the file that they are in; none
/// for what mio 1.2 does on Linux and documents nowhere.
pub(super) fn marks(root: &Path) -> Result<BTreeMap<String, Option<(String, String)>>> {
    let text =
        fs::read_to_string(root.join(MARKS)).with_context(|| format!("can't read {MARKS}"))?;
    let (mut marks, mut place) = (BTreeMap::new(), None);
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            let quote = heading.split_once("`: \"").and_then(|(file, quote)| {
                let file = file.rsplit_once("`")?.1.to_owned();
                Some((file, quote.strip_suffix('"')?.to_owned()))
            });
            place = Some(quote.with_context(|| format!("{MARKS}: no file and words: {line}"))?);
        } else if line.starts_with("## ") {
            place = None;
        } else if let Some(rule) = line.strip_prefix("- `").and_then(|rule| rule.strip_suffix('`'))
        {
            let before = marks.insert(rule.to_owned(), place.clone());
            ensure!(before.is_none(), "{MARKS}: `{rule}` has two marks");
        }
    }
    Ok(marks)
}

#[cfg(test)]
mod tests {
    use super::super::suite::published;
    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    #[test]
    fn every_rule_is_marked_as_documented_or_as_observed() {
        let marked: Vec<String> = marks(root()).unwrap().into_keys().collect();
        let rules = of_the_suite(root()).unwrap();
        let missing: Vec<_> = rules.iter().filter(|rule| !marked.contains(rule)).collect();
        assert!(missing.is_empty(), "{MARKS} has no mark for: {missing:#?}");
        let gone: Vec<_> = marked.iter().filter(|rule| !rules.contains(rule)).collect();
        assert!(gone.is_empty(), "{MARKS} marks what is no rule: {gone:#?}");
    }

    #[test]
    fn what_is_marked_as_documented_stands_in_mio_s_documentation() {
        let mio = published(root(), "mio").unwrap();
        let marks = marks(root()).unwrap();
        let places: std::collections::BTreeSet<_> = marks.into_values().flatten().collect();
        assert!(places.len() > 10);
        for (file, quote) in places {
            let text = fs::read_to_string(mio.join("src").join(&file)).unwrap();
            let documentation = text.lines().filter_map(|line| line.trim().strip_prefix("///"));
            let words: Vec<&str> = documentation.flat_map(str::split_whitespace).collect();
            assert!(words.join(" ").contains(&quote), "{file}: \"{quote}\"");
        }
    }
}

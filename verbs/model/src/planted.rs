//! Whether the model's tests find the mistakes that are planted in a copy of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use book::broken::{files, workspace, write_if_changed};
use book::{cargo, target};
use lab::doomed::{self, Ending};
use weave::patch::Patch;

/// The crate, and its mistakes: one file each, a line `# what is wrong`, then a diff.
const MODEL: &str = "chapters-code/model";
const PLANTED: &str = "chapters-code/model/planted";
/// What the last run found.
const RESULT: &str = "chapters-code/model/planted/RESULT.txt";
/// When the tests are given up on. They take seconds.
const DEADLINE: Duration = Duration::from_secs(300);

struct Mistake {
    name: String,
    what: String,
    patch: Patch,
}

/// Plants each mistake, prints the script by which the generator finds it, and records that.
///
/// Fails if one is not found.
pub fn run(root: &Path) -> Result<()> {
    let mistakes = all(root)?;
    let dir = target(root).join("book/planted-model");
    let mut manifest = workspace(root, &["model"])?;
    // Each mistake is compiled for a run of a second.
    manifest.insert("profile".into(), toml::toml! { dev = { debug = false } }.into());
    write_if_changed(&dir.join("Cargo.toml"), &toml::to_string(&manifest)?)?;
    if !dir.join("Cargo.lock").exists() {
        fs::copy(root.join("Cargo.lock"), dir.join("Cargo.lock"))?;
    }
    book::progress("trying the model without a mistake…");
    if let Some(found) = try_out(root, &dir, Vec::new())? {
        bail!("without any mistake this fails: {found}");
    }
    let (mut table, mut survive, mut faults) = (String::new(), Vec::new(), Vec::new());
    for mistake in &mistakes {
        let changed = mistake.patch.apply(root);
        let changed = changed.map_err(|(_, fault)| anyhow!("{}: {fault}", mistake.name))?;
        let found = match try_out(root, &dir, changed) {
            Ok(found) => found,
            Err(error) => {
                faults.push(format!("{}: {error:#}", mistake.name));
                continue;
            }
        };
        if found.is_none() {
            survive.push(format!("{}: {}", mistake.name, mistake.what));
        }
        let row = format!("{:<34} {}\n", mistake.name, found.as_deref().unwrap_or("survives"));
        print!("{row}");
        table += &row;
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n\n"));
    let count = mistakes.len();
    let head = format!(
        "Written by `cargo book prove model --planted`: each mistake, and the shortest script that \
         finds it.\n\n{count} mistakes planted, {} found.\n\n",
        count - survive.len()
    );
    fs::write(root.join(RESULT), head + &table)?;
    ensure!(survive.is_empty(), "not found:\n{}", survive.join("\n"));
    Ok(())
}

fn all(root: &Path) -> Result<Vec<Mistake>> {
    let mut found = files(&root.join(PLANTED))?;
    found.retain(|file| file.extension().is_some_and(|extension| extension == "diff"));
    found.sort();
    found.iter().map(|file| Mistake::read(file)).collect()
}

impl Mistake {
    fn read(file: &Path) -> Result<Mistake> {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(file)?;
        let (what, diff) = text.split_once('\n').unwrap_or_default();
        let what = what.strip_prefix("# ").with_context(|| format!("{name}: what is wrong?"))?;
        let patch =
            Patch::parse(diff).map_err(|(line, fault)| anyhow!("{name}, {}: {fault}", line + 2))?;
        Ok(Mistake { name, what: what.to_owned(), patch })
    }
}

/// Builds a copy of the model with these files changed, and runs its generator: the script that it
/// shrank a difference to, or the mistake in other words, or nothing.
fn try_out(root: &Path, dir: &Path, changed: Vec<(PathBuf, String)>) -> Result<Option<String>> {
    let model = root.join(MODEL);
    for file in files(&model)?.iter().filter(|file| !file.starts_with(root.join(PLANTED))) {
        let mistaken = changed.iter().find(|(path, _)| file.strip_prefix(root) == Ok(path));
        let text = match mistaken {
            Some((_, text)) => text.clone(),
            None => fs::read_to_string(file)?,
        };
        write_if_changed(&dir.join("model").join(file.strip_prefix(&model)?), &text)?;
    }
    let args = ["test", "--no-run", "-p", "model", "--test", "kernel", "--target-dir", "target"];
    let built = cargo::build(dir, &args)?;
    if let Some((_, error)) = built.errors.first() {
        bail!("it does not compile:\n{error}");
    }
    let tests = built.tests_of(&dir.join("model")).next().context("cargo built no test")?;
    let mut command = Command::new(&tests.path);
    command.arg("--test-threads=8").env("RUST_BACKTRACE", "0");
    let ended = doomed::watch(command, DEADLINE)?;
    let said = format!("{}{}", ended.stdout, ended.stderr);
    let script = said.lines().find_map(|line| line.strip_prefix("shrunk: "));
    Ok(match ended.how {
        Ending::Passed => None,
        Ending::Failed(_) => Some(script.unwrap_or("the model panics").to_owned()),
        _ => Some(format!("the tests {ended}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_can_still_be_planted_and_is_in_the_recorded_result() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let recorded = fs::read_to_string(root.join(RESULT)).unwrap();
        let mut rows = recorded.lines().skip(4);
        for mistake in all(root).unwrap() {
            let applied = mistake.patch.apply(root);
            assert!(applied.is_ok(), "{}: {}", mistake.name, applied.unwrap_err().1);
            assert!(mistake.what.ends_with('.'), "{}: a sentence says what is wrong", mistake.name);
            let row = rows.next().unwrap_or_default();
            let found =
                row.strip_prefix(&mistake.name).is_some_and(|rest| !rest.ends_with("survives"));
            assert!(found, "{}: `cargo book prove model --planted` records it", mistake.name);
        }
        assert_eq!(rows.next(), None);
    }
}

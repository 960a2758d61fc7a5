//! The files of a fork, made from the chapter crate's own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use weave::fork::cut;
use weave::source::{CRATES, folder, without_marks};
use weave::{Book, belongs};

use super::exercise::{Exercise, FOLDER, Plan};
use super::manifest::{Alone, Manifests};
use super::tasks_page;

/// The text of each file of a fork, by its path in it.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

/// All files of a fork in which the bodies of its tasks for which `wanted` holds are to be written.
pub fn files(
    book: &Book,
    exercise: &Exercise,
    wanted: impl Fn(&str) -> bool + Copy,
) -> Result<Files> {
    let root = &book.root;
    let wanted = |name: &str| exercise.task(name).is_some() && wanted(name);
    let manifests = Manifests::read(root)?;
    let mut files = own(root, exercise, wanted)?;
    let manifest = files.remove(Path::new("Cargo.toml")).context("the crate has no Cargo.toml")?;
    let mut fork = manifests.fork(&String::from_utf8(manifest)?, exercise)?;
    let members = members(root, &manifests, exercise, &mut fork, &mut files)?;
    let needed = [&fork].into_iter().chain(&members).flat_map(|one| one.vendored.iter().cloned());
    let vendored = vendor(root, &manifests, needed.collect(), &mut files)?;
    let crates: Vec<&Alone> = [&fork].into_iter().chain(&members).chain(&vendored).collect();
    if let Some(profile) = manifests.profile(&crates) {
        fork.manifest.insert("profile".into(), profile.into());
    }
    files.insert("Cargo.toml".into(), fork.text()?.into_bytes());
    files.insert("Cargo.lock".into(), fs::read(root.join("Cargo.lock")).context("Cargo.lock")?);
    files.insert(".gitignore".into(), b"/target\n".into());
    files.insert(".cargo/config.toml".into(), alias(root)?.into_bytes());
    files.insert("TASKS.md".into(), tasks_page::text(book, exercise).into_bytes());
    Ok(files)
}

/// What the crate itself has: sources without marks, and nothing that gives an answer away.
fn own(root: &Path, exercise: &Exercise, wanted: impl Fn(&str) -> bool + Copy) -> Result<Files> {
    let from = exercise.folder(root);
    let mut files = Files::new();
    for file in belongs::files(&from)? {
        let inside = file.strip_prefix(&from)?;
        if exercise.leaves_out(inside) {
            continue;
        }
        let bytes = fs::read(&file).with_context(|| file.display().to_string())?;
        let bytes = match has_marks(inside) {
            true => plain(&cut(inside, &decode(bytes, &file)?, wanted)).into_bytes(),
            false => bytes,
        };
        files.insert(inside.to_owned(), bytes);
    }
    Ok(files)
}

/// Adds the crates whose tests are about this one, whole, as members of the fork; their manifests.
fn members(
    root: &Path,
    manifests: &Manifests,
    exercise: &Exercise,
    fork: &mut Alone,
    files: &mut Files,
) -> Result<Vec<Alone>> {
    let mut found = Vec::new();
    for name in &exercise.plan.with {
        let (from, to, plan) = (folder(root, name), member(name), Plan::read(root, name)?);
        for file in belongs::files(&from)? {
            let inside = file.strip_prefix(&from)?;
            let is_out = plan.leave_out.iter().any(|out| inside.starts_with(out));
            if !is_out && !inside.starts_with(FOLDER) && inside != Path::new("Cargo.toml") {
                let bytes = fs::read(&file).with_context(|| file.display().to_string())?;
                files.insert(to.join(inside), bytes);
            }
        }
        let manifest = from.join("Cargo.toml");
        let text =
            weave::text::read(&manifest).with_context(|| format!("{CRATES}/{name}/Cargo.toml"))?;
        let alone = manifests.member(&text, &exercise.package, &plan.without)?;
        files.insert(to.join("Cargo.toml"), alone.text()?.into_bytes());
        found.push(alone);
    }
    fork.has_members(exercise.plan.with.iter().map(|name| member(name)));
    Ok(found)
}

/// Where such a crate lies in a fork.
pub fn member(name: &str) -> PathBuf {
    Path::new("with").join(name)
}

/// Adds the book's crates that are wanted, and those that they use; their manifests.
fn vendor(
    root: &Path,
    manifests: &Manifests,
    mut wanted: Vec<String>,
    files: &mut Files,
) -> Result<Vec<Alone>> {
    let mut done: Vec<String> = Vec::new();
    let mut found = Vec::new();
    while let Some(name) = wanted.pop() {
        if done.contains(&name) {
            continue;
        }
        let (from, to) = (folder(root, &name), Path::new("vendor").join(&name));
        let sources = [belongs::files(&from.join("src"))?, belongs::files(&from.join("build.rs"))?];
        for file in sources.concat() {
            let inside = to.join(file.strip_prefix(&from)?);
            let bytes = fs::read(&file).with_context(|| file.display().to_string())?;
            let bytes = match has_marks(&file) {
                true => plain(&decode(bytes, &file)?).into_bytes(),
                false => bytes,
            };
            files.insert(inside, bytes);
        }
        let manifest = from.join("Cargo.toml");
        let text =
            weave::text::read(&manifest).with_context(|| format!("{CRATES}/{name}/Cargo.toml"))?;
        let alone = manifests.vendored(&text)?;
        files.insert(to.join("Cargo.toml"), alone.text()?.into_bytes());
        wanted.extend(alone.vendored.iter().cloned());
        found.push(alone);
        done.push(name);
    }
    Ok(found)
}

fn has_marks(file: &Path) -> bool {
    file.extension().is_some_and(|of| of == "rs" || of == "c")
}

fn decode(bytes: Vec<u8>, file: &Path) -> Result<String> {
    weave::text::decode(bytes).with_context(|| file.display().to_string())
}

fn plain(text: &str) -> String {
    without_marks(text)
}

/// `cargo fork VERB`: the book's own program, wherever the fork lies. The repository's alias ends at the
/// fork's own workspace.
pub fn alias(root: &Path) -> Result<String> {
    let manifest = root.join("Cargo.toml");
    let manifest = manifest.to_str().context("the path of the checkout is not UTF-8")?;
    let words = [
        "run",
        "--quiet",
        "--manifest-path",
        manifest,
        "--package",
        weave::source::BOOK,
        "--bin",
        "book",
        "--",
    ];
    let words = toml::Value::Array(words.map(toml::Value::from).to_vec());
    Ok(format!(
        "# The checkout of the book that this was forked from. Plain `cargo test` does not need it.\n\
         [alias]\nfork = {words}\n"
    ))
}

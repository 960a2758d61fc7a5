//! The files of a fork, made from the chapter crate's own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use weave::fork::cut;
use weave::source::{CRATES, folder, without_marks};
use weave::{Book, belongs};

use super::exercise::{Exercise, FOLDER};
use super::manifest::{Alone, Manifests};
use super::tasks_page;

/// The text of each file of a fork, by its path in it.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

/// All files of a fork in which the bodies of the tasks for which `wanted` holds are to be written.
pub fn files(
    book: &Book,
    exercise: &Exercise,
    wanted: impl Fn(&str) -> bool + Copy,
) -> Result<Files> {
    let root = &book.root;
    let manifests = Manifests::read(root)?;
    let mut files = own(root, exercise, wanted)?;
    let manifest = files.remove(Path::new("Cargo.toml")).context("the crate has no Cargo.toml")?;
    let mut fork = manifests.fork(&String::from_utf8(manifest)?, exercise)?;
    let vendored = vendor(root, &manifests, &fork, &mut files)?;
    let crates: Vec<&Alone> = [&fork].into_iter().chain(&vendored).collect();
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
    let out = &exercise.plan.leave_out;
    let mut files = Files::new();
    for file in belongs::files(&from)? {
        let inside = file.strip_prefix(&from)?;
        if inside.starts_with(FOLDER) || out.iter().any(|out| inside.starts_with(out)) {
            continue;
        }
        let bytes = fs::read(&file).with_context(|| file.display().to_string())?;
        let bytes = match is_rust(inside) {
            true => plain(&cut(&decode(bytes, &file)?, wanted)).into_bytes(),
            false => bytes,
        };
        files.insert(inside.to_owned(), bytes);
    }
    Ok(files)
}

/// Adds the book's crates that the fork uses, and those that they use; their manifests.
fn vendor(
    root: &Path,
    manifests: &Manifests,
    fork: &Alone,
    files: &mut Files,
) -> Result<Vec<Alone>> {
    let mut wanted: Vec<String> = fork.vendored.iter().cloned().collect();
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
            let bytes = match is_rust(&file) {
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

fn is_rust(file: &Path) -> bool {
    file.extension().is_some_and(|of| of == "rs")
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

//! The compiled crates that the programs of a page may use: its own, and what these depend on.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use weave::Page;
use weave::source::BOOK;

use crate::cargo::{self, Built};

/// Compiled crates, as rustc is told of them.
#[derive(Debug, Default)]
pub struct Externs {
    /// The name that a program calls it by, and where it is.
    crates: Vec<(String, PathBuf)>,
    /// The folders in which more are found.
    folders: Vec<OsString>,
}

impl Externs {
    /// rustc's arguments.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        for (name, path) in &self.crates {
            let mut of = OsString::from(format!("{name}="));
            of.push(path);
            arguments.extend(["--extern".into(), of]);
        }
        for folder in &self.folders {
            arguments.extend(["-L".into(), folder.clone()]);
        }
        arguments
    }
}

/// Builds the crates of a page, with the features that they have in the whole workspace, so that
/// nothing is built twice.
pub fn of(root: &Path, page: &Page) -> Result<Externs> {
    let names: Vec<&str> = page.crates().into_iter().filter(|name| *name != BOOK).collect();
    if names.is_empty() {
        return Ok(Externs::default());
    }
    crate::progress(&format!("building {}…", names.join(", ")));
    let metadata = metadata(root)?;
    let packages = names.iter().map(|name| package(&metadata, name)).collect::<Result<Vec<_>>>()?;
    let mut args = vec!["build"];
    for package in &packages {
        args.extend(a_target(package));
    }
    let built = cargo::build(root, &args)?;
    if let Some((dir, error)) = built.errors.first() {
        bail!("{} does not compile:\n{error}", dir.display());
    }
    let mut externs = Externs::default();
    for package in packages {
        let id = package["id"].as_str().unwrap_or_default();
        let own = package["name"].as_str().unwrap_or_default().replace('-', "_");
        externs.add(&built, own, id);
        for (name, id) in dependencies(&metadata, id) {
            externs.add(&built, name.to_owned(), id);
        }
    }
    externs.folders = built.folders;
    Ok(externs)
}

impl Externs {
    fn add(&mut self, built: &Built, name: String, id: &str) {
        let known = self.crates.iter().any(|(of, _)| *of == name);
        if let Some(library) = built.library(id).filter(|_| !known) {
            self.crates.push((name, library.to_owned()));
        }
    }
}

/// What cargo knows of the workspace.
fn metadata(root: &Path) -> Result<Value> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(root)
        .args(["metadata", "--format-version=1", "--filter-platform", env!("BOOK_HOST")])
        .env_remove("RUSTC")
        .stdin(Stdio::null())
        .output()
        .context("cargo could not be started")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A crate of the workspace.
fn package<'a>(metadata: &'a Value, name: &str) -> Result<&'a Value> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut own = packages.filter(|package| package["source"].is_null());
    own.find(|package| package["name"] == name)
        .with_context(|| format!("there is no crate `{name}`"))
}

/// One target of a crate whose build brings all its dependencies, those for tests included.
fn a_target(package: &Value) -> [&str; 2] {
    let targets = package["targets"].as_array().into_iter().flatten();
    let mut each =
        targets.map(|target| (&target["kind"][0], target["name"].as_str().unwrap_or_default()));
    each.find_map(|(kind, name)| match kind.as_str() {
        Some("example") => Some(["--example", name]),
        Some("test") => Some(["--test", name]),
        _ => None,
    })
    .unwrap_or(["--lib", "--tests"])
}

/// What a crate depends on, its build script aside: the name that it has there, and its id.
fn dependencies<'a>(metadata: &'a Value, id: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let mut nodes = metadata["resolve"]["nodes"].as_array().into_iter().flatten();
    let node = nodes.find(|node| node["id"] == id);
    let each = node.and_then(|node| node["deps"].as_array()).into_iter().flatten();
    let is_linked = |dependency: &&Value| {
        let mut kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
        kinds.any(|kind| kind["kind"] != "build")
    };
    each.filter(is_linked).filter_map(|of| Some((of["name"].as_str()?, of["pkg"].as_str()?)))
}

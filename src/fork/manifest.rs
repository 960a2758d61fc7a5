//! The manifests of a fork: a crate of the book on its own, with the book's crates that it uses in
//! `vendor/`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::exercise::Exercise;

/// What is unused until its task is done, as in every fork. The rest of the compiler's warnings stays.
const UNUSED: [&str; 5] =
    ["dead_code", "unused_imports", "unused_macros", "unused_mut", "unused_variables"];

/// The book's manifests, from which those of a fork are made.
#[derive(Debug)]
pub struct Manifests {
    book: Table,
    lock: Table,
}

/// A manifest, and the crates of the book that it uses.
#[derive(Debug)]
pub struct Alone {
    /// The text of `Cargo.toml`.
    pub manifest: Table,
    /// The names of the book's crates that it uses, which lie in `vendor/`.
    pub vendored: BTreeSet<String>,
    /// The names of all that it uses.
    uses: BTreeSet<String>,
}

impl Alone {
    /// Makes these folders members of its workspace, which plain `cargo test` tests with it.
    pub fn has_members(&mut self, members: impl Iterator<Item = PathBuf>) {
        let names = members.map(|member| Value::from(&*member.to_string_lossy()));
        let names: Vec<Value> = names.collect();
        if names.is_empty() {
            return;
        }
        let all = [vec![Value::from(".")], names.clone()].concat();
        let workspace = [("members", names), ("default-members", all)];
        let workspace = workspace.map(|(key, names)| (key.to_owned(), Value::Array(names)));
        self.manifest.insert("workspace".into(), Table::from_iter(workspace).into());
    }

    /// The text of `Cargo.toml`, in the order in which people write one.
    pub fn text(&self) -> Result<String> {
        const FIRST: [&str; 3] = ["package", "dependencies", "dev-dependencies"];
        let rest = self.manifest.keys().map(|key| &**key).filter(|key| !FIRST.contains(key));
        let parts =
            FIRST.into_iter().chain(rest).filter_map(|key| self.manifest.get_key_value(key));
        let text = parts
            .map(|(key, value)| toml::to_string(&Table::from_iter([(key.clone(), value.clone())])));
        Ok(text.collect::<Result<Vec<_>, _>>()?.join("\n"))
    }
}

impl Manifests {
    /// Those of the checkout under `root`.
    pub fn read(root: &Path) -> Result<Manifests> {
        let read = |name: &str| -> Result<Table> {
            let text = weave::text::read(&root.join(name)).with_context(|| name.to_owned())?;
            toml::from_str(&text).with_context(|| name.to_owned())
        };
        Ok(Manifests { book: read("Cargo.toml")?, lock: read("Cargo.lock")? })
    }

    /// The manifest of the fork, a workspace of its own.
    pub fn fork(&self, text: &str, exercise: &Exercise) -> Result<Alone> {
        let mut alone = self.alone(text, "vendor", &exercise.plan.without)?;
        // Benches lie beside the crates, in the book's own folder.
        alone.manifest.remove("bench");
        let allowed = UNUSED.map(|lint| (lint.to_owned(), Value::from("allow")));
        let lints = Table::from_iter([("rust".to_owned(), Table::from_iter(allowed).into())]);
        alone.manifest.insert("lints".into(), lints.into());
        alone.manifest.insert("workspace".into(), Table::new().into());
        Ok(alone)
    }

    /// The manifest of a crate whose tests are about the fork, whose package is `of`.
    pub fn member(&self, text: &str, of: &str, without: &[String]) -> Result<Alone> {
        let mut alone = self.alone(text, "../../vendor", without)?;
        alone.vendored.remove(of);
        for part in tables_of_dependencies(&mut alone.manifest) {
            for (name, value) in part.iter_mut() {
                let package = value.get("package").and_then(Value::as_str).unwrap_or(name);
                if package == of
                    && let Some(path) = value.get_mut("path")
                {
                    *path = "../..".into();
                }
            }
        }
        Ok(alone)
    }

    /// The manifest of a crate in `vendor/`: what it needs to be a library.
    pub fn vendored(&self, text: &str) -> Result<Alone> {
        let mut manifest: Table = toml::from_str(text)?;
        for part in ["dev-dependencies", "example", "bench", "test", "bin"] {
            manifest.remove(part);
        }
        self.alone(&toml::to_string(&manifest)?, "..", &[])
    }

    /// With all that a crate takes from its workspace written out; the book's crates are in `beside`.
    fn alone(&self, text: &str, beside: &str, without: &[String]) -> Result<Alone> {
        let mut manifest: Table = toml::from_str(text)?;
        let workspace = self.book["workspace"].as_table().context("no workspace")?;
        let shared = workspace["package"].as_table().context("no workspace.package")?;
        let package =
            manifest.get_mut("package").and_then(Value::as_table_mut).context("no package")?;
        for (key, value) in package.iter_mut() {
            if is_inherited(value) {
                *value = shared.get(key).cloned().with_context(|| format!("no shared {key}"))?;
            }
        }
        manifest.remove("lints");
        let (mut vendored, mut uses) = (BTreeSet::new(), BTreeSet::new());
        uses.insert(manifest["package"]["name"].as_str().unwrap_or_default().to_owned());
        for part in tables_of_dependencies(&mut manifest) {
            part.retain(|name, _| !without.iter().any(|other| other == name));
            for (name, value) in part.iter_mut() {
                let package = self.concrete(name, value, beside)?;
                if value.get("path").is_some() {
                    vendored.insert(package.clone());
                }
                uses.insert(package);
            }
        }
        Ok(Alone { manifest, vendored, uses })
    }

    /// Writes a dependency out; the name of its package.
    fn concrete(&self, name: &str, value: &mut Value, beside: &str) -> Result<String> {
        if is_inherited(value) {
            let shared = &self.book["workspace"]["dependencies"];
            let shared = shared.get(name).with_context(|| format!("no dependency `{name}`"))?;
            let mut own = match shared {
                Value::Table(table) => table.clone(),
                version => Table::from_iter([("version".to_owned(), version.clone())]),
            };
            let here = value.as_table().cloned().unwrap_or_default();
            own.extend(here.into_iter().filter(|(key, _)| key != "workspace"));
            *value = own.into();
        }
        let package = value.get("package").and_then(Value::as_str).unwrap_or(name).to_owned();
        if let Some(path) = value.get_mut("path") {
            *path = format!("{beside}/{package}").into();
        }
        Ok(package)
    }

    /// The overrides of the book's profile for those packages that these crates are built from, as
    /// without them some tests take too long.
    pub fn profile(&self, crates: &[&Alone]) -> Option<Table> {
        let mut wanted: Vec<&str> =
            crates.iter().flat_map(|one| &one.uses).map(String::as_str).collect();
        let mut all: BTreeSet<&str> = BTreeSet::new();
        while let Some(name) = wanted.pop() {
            if all.insert(name) && !self.is_of_book(name) {
                wanted.extend(self.needs(name));
            }
        }
        let mut overrides =
            self.book.get("profile")?.get("dev")?.get("package")?.as_table()?.clone();
        overrides.retain(|name, _| all.contains(name));
        let package = Table::from_iter([("package".to_owned(), Value::from(overrides))]);
        Some(Table::from_iter([("dev".to_owned(), package.into())]))
    }

    fn is_of_book(&self, name: &str) -> bool {
        self.locked(name).is_some_and(|package| package.get("source").is_none())
    }

    fn locked(&self, name: &str) -> Option<&Table> {
        let packages = self.lock.get("package").and_then(Value::as_array)?;
        packages
            .iter()
            .filter_map(Value::as_table)
            .find(|package| package["name"].as_str() == Some(name))
    }

    /// What a package from a registry may need; more than it does here, since other features count.
    fn needs(&self, name: &str) -> Vec<&str> {
        let needs = self.locked(name).and_then(|package| package.get("dependencies")?.as_array());
        needs
            .into_iter()
            .flatten()
            .filter_map(|needed| needed.as_str()?.split(' ').next())
            .collect()
    }
}

fn is_inherited(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

/// The tables of a manifest that list dependencies, those for some systems only too.
fn tables_of_dependencies(manifest: &mut Table) -> Vec<&mut Table> {
    const PARTS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let mut found = Vec::new();
    for (key, value) in manifest.iter_mut() {
        match (key.as_str(), value.as_table_mut()) {
            (part, Some(table)) if PARTS.contains(&part) => found.push(table),
            ("target", Some(systems)) => {
                let parts = systems.iter_mut().filter_map(|(_, system)| system.as_table_mut());
                let parts = parts.flat_map(|system| system.iter_mut());
                let listed = parts.filter(|(part, _)| PARTS.contains(&part.as_str()));
                found.extend(listed.filter_map(|(_, part)| part.as_table_mut()));
            }
            _ => {}
        }
    }
    found
}

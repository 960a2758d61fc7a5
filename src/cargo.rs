//! One build of everything that the tests and the verbs start, and where cargo put it.

use std::env::consts::DLL_EXTENSION;
use std::ffi::OsString;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

/// A program that cargo built.
#[derive(Debug, Clone)]
pub struct Executable {
    /// The folder of its package.
    pub package: PathBuf,
    /// `bin`, `example`, or `test` for what holds tests.
    pub kind: String,
    /// The target's name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// What a build left.
#[derive(Debug, Default)]
pub struct Built {
    /// Every program.
    pub executables: Vec<Executable>,
    /// What the compiler said of packages that do not compile, by the folder of the package.
    pub errors: Vec<(PathBuf, String)>,
    /// What the compiler warns of.
    pub warnings: Vec<String>,
    /// Every library: its package's id, how many features it has, and where it is.
    libraries: Vec<(String, usize, PathBuf)>,
    /// The folders in which rustc finds libraries, as its `-L` takes them.
    pub folders: Vec<OsString>,
}

impl Built {
    /// A program by what it is and its name.
    pub fn find(&self, kind: &str, name: &str) -> Option<&Executable> {
        self.executables.iter().find(|exe| exe.kind == kind && exe.name == name)
    }

    /// The library of a package. Where it was built twice, for build scripts with fewer features, the
    /// other.
    pub fn library(&self, id: &str) -> Option<&Path> {
        let all = self.libraries.iter().filter(|(of, ..)| of == id);
        all.max_by_key(|(_, features, _)| *features).map(|(_, _, path)| path.as_path())
    }

    /// The programs that hold the tests of the package in `dir`.
    pub fn tests_of(&self, dir: &Path) -> impl Iterator<Item = &Executable> {
        self.executables.iter().filter(move |exe| exe.kind == "test" && exe.package == dir)
    }
}

/// Builds the whole workspace as `cargo test` does, so that after `cargo test` nothing is compiled.
pub fn build_workspace(root: &Path) -> Result<Built> {
    let built = build(root, &["test", "--no-run"])?;
    if let Some((dir, error)) = built.errors.first() {
        anyhow::bail!("{} does not compile:\n{error}", dir.display());
    }
    Ok(built)
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The target folder of the checkout under `root`, as cargo knows it in the current folder; `None`
/// where cargo can't say, as in a folder whose name is not UTF-8.
pub fn target(root: &Path) -> Option<PathBuf> {
    let mut cargo = cargo();
    cargo.args(["metadata", "--no-deps", "--offline", "--format-version=1", "--manifest-path"]);
    let output = cargo.arg(root.join("Cargo.toml")).stdin(Stdio::null()).output().ok()?;
    let metadata: Value = serde_json::from_slice(&output.stdout).ok()?;
    metadata["target_directory"].as_str().map(PathBuf::from)
}

/// What a reader sees of a build while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Nothing.
    Nothing,
    /// cargo's own progress, on a terminal, where messages have colours too.
    Progress,
}

/// Runs cargo in `dir` with `args` and reads its messages.
pub fn build(dir: &Path, args: &[&str]) -> Result<Built> {
    build_shown(dir, args, Shown::Nothing)
}

/// The same, where somebody may wait for it.
pub fn build_shown(dir: &Path, args: &[&str], shown: Shown) -> Result<Built> {
    let seen = shown == Shown::Progress && stderr().is_terminal();
    let mut cargo = cargo();
    // What an outer cargo or skeptic set for itself would change what is built here.
    cargo.current_dir(dir).args(args).env_remove("RUSTC").stdin(Stdio::null());
    match seen {
        true => {
            cargo.arg("--message-format=json-diagnostic-rendered-ansi").stderr(Stdio::inherit())
        }
        false => cargo.args(["--quiet", "--message-format=json"]),
    };
    let output = cargo.output().context("cargo could not be started")?;
    let mut built = Built::default();
    for line in output.stdout.split(|byte| *byte == b'\n') {
        if let Ok(message) = serde_json::from_slice::<Value>(line) {
            built.read(&message);
        }
    }
    if !output.status.success() && built.errors.is_empty() {
        anyhow::bail!("cargo {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(built)
}

/// Throws away what was built of these packages of the workspace in `dir`.
pub fn clean(dir: &Path, target: &Path, packages: &[String]) -> Result<()> {
    let mut cargo = cargo();
    cargo.current_dir(dir).args(["clean", "--quiet", "--target-dir"]).arg(target);
    for package in packages {
        cargo.args(["--package", package]);
    }
    let output = cargo.stdin(Stdio::null()).output().context("cargo could not be started")?;
    if !output.status.success() {
        anyhow::bail!("cargo clean: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

impl Built {
    fn read(&mut self, message: &Value) {
        let manifest = Path::new(message["manifest_path"].as_str().unwrap_or_default());
        let package = manifest.parent().unwrap_or(manifest).to_owned();
        match message["reason"].as_str() {
            Some("compiler-artifact") => {
                let Some(path) = message["executable"].as_str() else {
                    return self.read_library(message);
                };
                let target = &message["target"];
                let kind = match message["profile"]["test"].as_bool() {
                    Some(true) => "test",
                    _ => target["kind"][0].as_str().unwrap_or_default(),
                };
                self.executables.push(Executable {
                    package,
                    kind: kind.to_owned(),
                    name: target["name"].as_str().unwrap_or_default().to_owned(),
                    path: PathBuf::from(path),
                });
            }
            Some("build-script-executed") => {
                let linked = message["linked_paths"].as_array().into_iter().flatten();
                self.folders.extend(linked.filter_map(Value::as_str).map(OsString::from));
            }
            Some("compiler-message") if message["message"]["level"] == "warning" => {
                let said = message["message"]["rendered"].as_str().unwrap_or_default();
                // A library is compiled once more for its own tests.
                if !self.warnings.iter().any(|known| known == said) {
                    self.warnings.push(said.to_owned());
                }
            }
            Some("compiler-message") if message["message"]["level"] == "error" => {
                let said = message["message"]["rendered"].as_str().unwrap_or_default();
                match self.errors.iter_mut().find(|(of, _)| *of == package) {
                    Some((_, all)) if all.contains(said) => {}
                    Some((_, all)) => all.push_str(said),
                    None => self.errors.push((package, said.to_owned())),
                }
            }
            _ => {}
        }
    }

    fn read_library(&mut self, message: &Value) {
        let files = message["filenames"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let is_library =
            |file: &Path| file.extension().is_some_and(|e| e == "rlib" || e == DLL_EXTENSION);
        let Some(file) = files.map(Path::new).find(|file| is_library(file)) else {
            return;
        };
        let folder = file.parent().unwrap_or(file).as_os_str().to_owned();
        if !self.folders.contains(&folder) {
            self.folders.push(folder);
        }
        let features = message["features"].as_array().map_or(0, Vec::len);
        let id = message["package_id"].as_str().unwrap_or_default().to_owned();
        self.libraries.push((id, features, file.to_owned()));
    }
}

//! The compiler that skeptic calls is this program: between skeptic and rustc it sets the edition,
//! hides the crates that the page may not use, names the page in messages, and keeps what rustc
//! says instead of printing it.
//!
//! skeptic knows which compiled dependencies fit together; that is what it is here for. It only
//! ever asks for a check; whether a program is built or checked is written in the program's first
//! line, and the proof runs the program itself, under a deadline.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use book::verdict::Verdict;
use serde::{Deserialize, Serialize};
use weave::{Block, Page};

use crate::works::Works;

/// Set in the environment of this program once it stands in for rustc; its value is the rustc
/// behind it.
const REAL: &str = "BOOK_REAL_RUSTC";

/// The first line of a program, after this mark, is an [`Order`].
const MARK: &str = "//weave ";

/// What to do with a program.
#[derive(Serialize, Deserialize)]
struct Order {
    /// The page, as messages name it.
    page: PathBuf,
    /// The crates that it may use.
    crates: Vec<String>,
    /// Where the program goes; what rustc says goes beside it, as JSON lines.
    out: PathBuf,
    /// Whether warnings are errors.
    strict: bool,
}

/// What became of a program.
pub struct Compiled {
    /// The program, if it compiled.
    pub program: Option<PathBuf>,
    /// What rustc said.
    pub diagnostics: Vec<Diagnostic>,
}

/// One message of rustc's.
#[derive(Deserialize)]
pub struct Diagnostic {
    /// `error`, `warning` and others.
    pub level: String,
    /// In one sentence.
    pub message: String,
    /// Such as `E0277`.
    pub code: Option<Code>,
    /// As a person reads it.
    pub rendered: Option<String>,
}

/// An error code.
#[derive(Deserialize)]
pub struct Code {
    /// Such as `E0277`.
    pub code: String,
}

pub fn is_installed() -> bool {
    std::env::var_os(REAL).is_some()
}

/// Makes `command` see this program as its rustc.
pub fn install(command: &mut Command) -> &mut Command {
    let real = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let me = std::env::current_exe().expect("a running program has a path");
    command.env(REAL, real).env("RUSTC", me)
}

/// Gives `command` the rustc that is behind this one.
pub fn uninstall(command: &mut Command) -> &mut Command {
    command.env_remove(REAL).env_remove("RUSTC")
}

/// skeptic's arguments begin with the program; cargo, which skeptic asks about the workspace,
/// begins with `-vV` or `-`.
pub fn is_called_as_rustc() -> bool {
    is_installed()
        && std::env::args_os().nth(1).is_some_and(|arg| {
            arg == "-" || arg == "-vV" || Path::new(&arg).extension().is_some_and(|e| e == "rs")
        })
}

/// Compiles as the program's first line orders; anything else goes to rustc as it is.
pub fn main() -> ! {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let real = std::env::var_os(REAL).expect("checked by is_called_as_rustc");
    let text = fs::read_to_string(&args[0]).unwrap_or_default();
    let order = text.lines().next().and_then(|line| line.strip_prefix(MARK));
    let Some(order) = order.and_then(|order| serde_json::from_str::<Order>(order).ok()) else {
        let error = Command::new(real).args(args).exec();
        panic!("rustc could not be started: {error}");
    };
    let output = order.rustc(real, &args).output().expect("rustc starts");
    fs::write(said(&order.out), output.stderr).expect("target/ can be written");
    std::process::exit(0);
}

impl Order {
    fn rustc(&self, real: OsString, args: &[OsString]) -> Command {
        let mut rustc = Command::new(real);
        rustc.arg(&args[0]).args(["--crate-type=bin", "--crate-name=program", "--edition=2024"]);
        let pairs = args.iter().zip(&args[1..]);
        for (flag, value) in pairs.filter(|(flag, value)| self.keeps(flag, value)) {
            rustc.args([flag, value]);
        }
        let mut remap = args[0].clone();
        remap.push("=");
        remap.push(&self.page);
        rustc.arg("--remap-path-prefix").arg(remap);
        rustc.args(["--error-format=json", "-Cdebuginfo=line-tables-only"]);
        if self.strict {
            rustc.arg("-Dwarnings");
        }
        rustc.arg("-o").arg(&self.out);
        rustc
    }

    /// Where libraries are, and those that the page may use.
    fn keeps(&self, flag: &OsString, value: &OsString) -> bool {
        let value = value.to_string_lossy();
        let name = value.split('=').next().unwrap_or_default();
        match flag.to_str() {
            Some("-L" | "--target") => true,
            Some("--extern") => self.crates.iter().any(|may| may == name),
            _ => false,
        }
    }
}

fn said(out: &Path) -> PathBuf {
    out.with_extension("json")
}

fn name(page: &Page, block: &Block) -> String {
    format!("{}-{}", page.name(), block.name.replace("::", "-"))
}

/// What was proven of a block that is compiled: it rests on its text, on what it may use of all that
/// was built, and where its program looks for others.
pub fn verdict(works: &Works, page: &Page, block: &Block) -> Result<Verdict> {
    let fence = format!("{:?}", block.fence);
    let text = (&block.body, fence, allowed(works.root(), page)?);
    let on = (text, works.everything()?, std::env::var_os("PATH"));
    Ok(Verdict::new(works.root(), &name(page, block), on))
}

/// Compiles a block of a page, as its lines stand there.
pub fn compile(works: &Works, page: &Page, block: &Block, strict: bool) -> Result<Compiled> {
    let name = name(page, block);
    let out = works.scratch("programs")?.join(name);
    for old in [out.clone(), said(&out)] {
        if old.exists() {
            fs::remove_file(old)?;
        }
    }
    let crates = allowed(works.root(), page)?;
    let order = Order { page: page.file.clone(), crates, out: out.clone(), strict };
    let text = format!("{MARK}{}{}", serde_json::to_string(&order)?, padded(block));
    skeptic::rt::compile_test(
        env!("CARGO_MANIFEST_DIR"),
        env!("OUT_DIR"),
        env!("BOOK_HOST"),
        &text,
    );
    let said = fs::read_to_string(said(&out)).context("skeptic did not call the compiler")?;
    let diagnostics = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Ok(Compiled { program: out.exists().then_some(out), diagnostics })
}

/// The program at the lines at which it stands on the page, so that messages name those.
fn padded(block: &Block) -> String {
    "\n".repeat(block.line) + &block.code()
}

/// The page's crates and what these depend on: a program may use what its note's crate may use.
fn allowed(root: &Path, page: &Page) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for of in page.crates() {
        names.push(of.replace('-', "_"));
        let manifest = root.join(weave::source::CRATES).join(of).join("Cargo.toml");
        let named = || manifest.display().to_string();
        let text = weave::text::read(&manifest).with_context(named)?;
        let manifest: toml::Table = toml::from_str(&text).with_context(named)?;
        for table in ["dependencies", "dev-dependencies"] {
            let table = manifest.get(table).and_then(toml::Value::as_table);
            names.extend(table.into_iter().flatten().map(|(name, _)| name.replace('-', "_")));
        }
    }
    Ok(names)
}

//! Tells `measure` which compiler builds this, for the line that names the machine.

use std::env;
use std::process::Command;

fn main() {
    let rustc = env::var_os("RUSTC").expect("cargo names the compiler");
    let said = Command::new(rustc).arg("--version").output().expect("the compiler runs").stdout;
    let said = String::from_utf8(said).expect("its version is text");
    // `rustc 1.95.0 (59807616e 2026-04-14)`: without the commit.
    let version = said.split(" (").next().unwrap_or_default().trim();
    println!("cargo::rustc-env=LAB_RUSTC={version}");
    println!("cargo::rerun-if-changed=build.rs");
}

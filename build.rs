//! Stamps what the programs of the book are compiled with: the compiler and its host.

fn main() {
    let rustc = rustc_version::version_meta().expect("cargo tells where rustc is, and it runs");
    println!("cargo::rustc-env=BOOK_RUSTC={}", rustc.semver);
    println!("cargo::rustc-env=BOOK_HOST={}", rustc.host);
    println!("cargo::rerun-if-changed=build.rs");
}

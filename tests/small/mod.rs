//! A whole book of one page and one crate, which builds in a second.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The book, gone when this is dropped.
pub struct Small(TempDir);

pub const PAGE: &str = "# Start

[It is so](test:one::it_is_so).

```console
$ cargo run -q --example prints
before
```

```diff,name=another,test=one::it_is_so,fails=\"left: 2\"
--- chapters-code/one/src/lib.rs
 pub fn one() -> u32 {
-    1
+    2
 }
```

The last line.
";

/// It prints once a file `go` is there, or after a minute.
const PRINTS: &str = "fn main() {
    std::fs::write(\"started\", \"\").unwrap();
    for _ in 0..6000 {
        if std::fs::exists(\"go\").unwrap() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    println!(\"after\\n\\n{}\", one::one());
}
";

pub const PRINTED: &str = "after\n\n1\n";

impl Small {
    pub fn new() -> Small {
        let small = Small(tempfile::tempdir().unwrap());
        small.write("book.toml", "[book]\nsrc = \"book\"\n");
        small.write("book/SUMMARY.md", "# Summary\n\n[Start](start.md)\n");
        small.write("book/ledger.toml", "at_most = 0\n");
        small.write("book/start.md", PAGE);
        small.write(
            "Cargo.toml",
            "[workspace]\nmembers = [\"chapters-code/*\"]\nresolver = \"3\"\n",
        );
        small.write(
            "Cargo.lock",
            "version = 4\n\n[[package]]\nname = \"one\"\nversion = \"0.1.0\"\n",
        );
        let manifest = "[package]\nname = \"one\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
        small.write("chapters-code/one/Cargo.toml", manifest);
        small.write("chapters-code/one/src/lib.rs", "pub fn one() -> u32 {\n    1\n}\n");
        small.write(
            "chapters-code/one/tests/one.rs",
            "#[test]\nfn it_is_so() {\n    assert_eq!(one::one(), 1);\n}\n",
        );
        small.write("chapters-code/one/examples/prints.rs", PRINTS);
        small
    }

    pub fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(path)
    }

    pub fn write(&self, path: impl AsRef<Path>, text: impl AsRef<[u8]>) {
        let file = self.at(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    pub fn read(&self, path: impl AsRef<Path>) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    /// A verb of the book, to be run in it.
    pub fn book(&self, args: &[&str]) -> Command {
        let mut book = Command::new(env!("CARGO_BIN_EXE_book"));
        book.args(args).current_dir(self.0.path()).env("CARGO_TARGET_DIR", self.at("target"));
        book
    }
}

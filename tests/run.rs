//! `cargo book run`: the programs of the pages run as if a reader had typed them, and copies of them
//! are the reader's own.

mod signals;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use signals::with_default_signals;

/// A page with two programs that use std alone.
const PAGE: &str = r#"# Two programs

## It counts

```rust
use std::io::Read;

fn main() {
    let mut said = String::new();
    std::io::stdin().read_to_string(&mut said).unwrap();
    let args: Vec<String> = std::env::args().skip(1).collect();
    println!("{} bytes, {}", said.len(), args.join("+"));
    std::process::exit(7);
}
```

## It waits

```rust
# fn main() {
println!("waiting");
loop {
    std::thread::park();
}
# }
```
"#;

/// A book of that one page, in a folder of its own.
struct Book {
    root: PathBuf,
}

impl Book {
    fn new(name: &str, page: &str) -> Book {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("book/why")).unwrap();
        fs::create_dir_all(root.join("chapters-code")).unwrap();
        fs::write(root.join("book.toml"), "[book]\ntitle = 'B'\nsrc = 'book'\n").unwrap();
        fs::write(root.join("book/SUMMARY.md"), "# Summary\n\n- [Two](why/two.md)\n").unwrap();
        fs::write(root.join("book/why/two.md"), page).unwrap();
        Book { root }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut book = Command::new(env!("CARGO_BIN_EXE_book"));
        book.current_dir(&self.root).arg("run").args(args).env_remove("CARGO_TARGET_DIR");
        book.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        book
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// What is said of a run that fails.
    fn refused(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

#[test]
fn a_program_has_its_input_its_arguments_and_its_exit_code() {
    let book = Book::new("running", PAGE);
    for which in ["1", "it-counts", "It counts"] {
        let mut child =
            book.command(&["two", which, "--", "a", "--b"]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"12345").unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((stdout(&output), output.status.code()), ("5 bytes, a+--b\n", Some(7)));
    }
}

#[test]
fn a_signal_ends_the_program_and_is_passed_on() {
    let book = Book::new("interrupted", PAGE);
    let mut child = with_default_signals(&mut book.command(&["two", "2"])).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "waiting\n");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(child.wait().unwrap().signal(), Some(2));
}

#[test]
fn which_program_is_asked_where_there_are_several() {
    let book = Book::new("several", PAGE);
    let list = "two              1   It counts\ntwo              2   It waits\n";
    assert!(stdout(&book.run(&[])).starts_with(list), "{:?}", book.run(&[]));
    let said = book.refused(&["two"]);
    assert!(said.contains("has several programs") && said.contains(list.trim_end()), "{said}");
    assert!(book.refused(&["two", "3"]).contains("has no program `3`"));
    let said = book.refused(&["three"]);
    assert!(said.contains("no page `three`; the pages with programs are: two"), "{said}");
}

#[test]
fn a_copy_is_the_readers_and_is_never_overwritten() {
    let book = Book::new("copying", PAGE);
    let output = book.run(&["two", "2", "--edit"]);
    let said = "scratch/two-2.rs is yours to change; `cargo book run scratch/two-2.rs` runs it\n";
    assert_eq!(stdout(&output), said);
    let copy = book.root.join("scratch/two-2.rs");
    let text = fs::read_to_string(&copy).unwrap();
    assert!(text.starts_with("fn main() {\nprintln!"), "its hidden lines are there: {text}");

    fs::write(&copy, "fn main() { println!(\"mine\"); }\n").unwrap();
    let said = book.refused(&["two", "2", "--edit"]);
    assert!(said.contains("scratch/two-2.rs is there already, and stays as it is"), "{said}");
    assert_eq!(stdout(&book.run(&["scratch/two-2.rs"])), "mine\n");

    assert!(book.refused(&["scratch/two.rs"]).contains("`cargo book run two --edit` copies"));
    assert!(book.refused(&["scratch/other.rs"]).contains("is named after no page"));
    assert!(book.refused(&["scratch/two-2.rs", "--edit"]).contains("yours already"));
}

#[test]
fn what_does_not_compile_is_named_with_the_readers_lines() {
    let wrong = PAGE.replace("std::process::exit(7);", "nothing();");
    let book = Book::new("wrong", &wrong);
    let said = book.refused(&["two", "1"]);
    assert!(said.contains("--> book/why/two.md:13:5"), "{said}");
    assert!(said.contains("book/why/two.md does not compile"), "{said}");

    book.run(&["two", "1", "--edit"]);
    let said = book.refused(&["scratch/two.rs"]);
    assert!(said.contains("--> scratch/two.rs:8:5"), "{said}");
}

/// A program named after the note on edges, run in the real checkout.
fn beside_edges(name: &str, program: &str) -> Output {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("edges-{name}.rs"));
    fs::write(&file, program).unwrap();
    let mut book = Command::new(env!("CARGO_BIN_EXE_book"));
    book.current_dir(env!("CARGO_MANIFEST_DIR")).arg("run").arg(file).output().unwrap()
}

#[test]
fn a_program_may_use_the_crates_of_its_page_and_no_others() {
    let uses = r#"use {edges as _, lab as _};

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let pid = runtime.block_on(async { unsafe { libc::getpid() } });
    println!("{}", pid.cast_unsigned() == std::process::id());
    Ok(())
}
"#;
    let output = beside_edges("uses", uses);
    assert_eq!(stdout(&output), "true\n", "{output:?}");

    let output = beside_edges("others", "fn main() { cost::nothing(); }");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("E0433") && said.contains("`cost`"), "{said}");
}

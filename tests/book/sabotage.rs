//! The proofs, proven: pages with one fault each, and what must be said of it, with the line.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use book::broken::{Copies, Diff};
use book::verdict::Verdict;
use libtest_mimic::{Completion, Failed, Trial};
use weave::ledger::Ledger;
use weave::source::Tests;
use weave::{Block, Book, Page};

use crate::judged;
use crate::tally::Tally;
use crate::works::Works;

/// The page that every case is, at a path where a note could be.
const FILE: &str = "book/why/sabotage.md";

/// A page, and words that must be said of it.
struct Case {
    name: &'static str,
    page: &'static str,
    said: &'static [&'static str],
}

/// Forty lines that the reader does not see.
macro_rules! hidden {
    () => {
        hidden!(four hidden!(ten "#\n"))
    };
    (four $line:expr) => {
        concat!($line, $line, $line, $line)
    };
    (ten $line:expr) => {
        concat!($line, $line, $line, $line, $line, $line, $line, $line, $line, $line)
    };
}

/// What is found without a compiler.
const CHECKED: &[Case] = &[
    Case {
        name: "a mistyped anchor lists the anchors there are",
        page: "# T\n\n```rust\n{{#include ../../chapters-code/edges/src/lib.rs:one_raed}}\n```\n",
        said: &["sabotage.md:4: no anchor `one_raed`", "the anchors there are: cork, drain"],
    },
    Case {
        name: "a missing include",
        page: "# T\n\n```rust\n{{#include ../../chapters-code/edges/src/gone.rs:drain}}\n```\n",
        said: &["sabotage.md:4: can't include", "that folder has: lib.rs"],
    },
    Case {
        name: "a dead link",
        page: "# T\n\nSee [there](gone.md).\n",
        said: &["sabotage.md:3: dead link `gone.md`"],
    },
    Case {
        name: "a dead fragment lists the headings",
        page: "# T\n\n## One\n\nSee [there](#two).\n",
        said: &["sabotage.md:5: dead link `#two`", "are: t, one"],
    },
    Case {
        name: "an unknown fence lists the fences",
        page: "# T\n\n```ruts\n```\n",
        said: &["sabotage.md:3: unknown fence `ruts`", "rust,compile_fail,E0277"],
    },
    Case {
        name: "a test that does not exist lists those that do",
        page: "# T\n\n[Proof](test:edges::draining)\n",
        said: &["sabotage.md:3: there is no test `edges::draining`", "edges::draining_sees_the"],
    },
    Case {
        name: "a diff that no longer applies",
        page: "# T\n\n```diff,name=x,test=edges::draining_sees_the_close_in_the_same_event,hangs\n\
               --- chapters-code/edges/src/lib.rs\n-gone\n+here\n```\n",
        said: &["sabotage.md:5: the diff no longer applies", "no longer in it:\n    gone"],
    },
    Case {
        name: "a program that is not run",
        page: "# T\n\n```rust,no_run\nfn main() {}\n```\n",
        said: &["sabotage.md:3: `program::t` is compiled but not run", "ledger.toml"],
    },
    Case {
        name: "a card without an answer",
        page: "# T\n\n```recall,x\nWhy?\n```\n",
        said: &["sabotage.md:3: this card has no question or no answer"],
    },
    Case {
        name: "a drawing that is not recorded",
        page: "# T\n\n```console,drawing\n$ cargo run -q --example edge_law\n```\n",
        said: &["sabotage.md:4: the output of this command is not one SVG", "cargo book record"],
    },
    Case {
        name: "a drawing that says nothing",
        page: "# T\n\n```console,drawing\n$ cargo run -q --example edge_law\n\
               <svg><title> </title><desc>D</desc></svg>\n```\n",
        said: &["sabotage.md:4: a drawing without a <title>", "for who can't see it"],
    },
    Case {
        name: "a drawing that brings more than a drawing",
        page: "# T\n\n```console,drawing\n$ cargo run -q --example edge_law\n\
               <svg><title>D</title></svg><p>and</p><svg></svg>\n```\n\n\
               ```console,drawing\n$ cargo run -q --example edge_law\n\
               <svg><title>D</title><script>run()</script></svg>\n```\n",
        said: &[
            "sabotage.md:4: the output of this command is not",
            "sabotage.md:9: a drawing with a",
        ],
    },
    Case {
        name: "two drawings with one title",
        page: "# T\n\n```console,drawing\n$ cargo run -q --example edge_law\n\
               <svg><title>D</title></svg>\n```\n\n\
               ```console,drawing\n$ cargo run -q --example edge_law\n\
               <svg><title>D</title></svg>\n```\n",
        said: &["sabotage.md:9: a second drawing with the title `D`", "the first is at line 3"],
    },
    Case {
        name: "a note in no form",
        page: "# T\n\nText.\n",
        said: &[
            "sabotage.md:1: the note does not say what it needs",
            "sabotage.md:1: the note has no heading `## Sources`",
            "sabotage.md:1: the note shows no whole program",
            "sabotage.md:1: the note has 2 words",
        ],
    },
    Case {
        name: "a plain sentence without a contract",
        page: "# T\n<!-- needs: nothing; level: first -->\n> It is so.\n",
        said: &[
            "sabotage.md:2: `needs` names no note: `nothing`",
            "sabotage.md:3: the note does not say what is exactly true",
        ],
    },
    Case {
        name: "a command that runs no program of a page",
        page: "# T\n\n```console\n$ cargo book run gone\n```\n\n\
               ```console\n$ cargo book run a-command-that-runs-no-program-of-a-page 2\n```\n\n\
               ```rust\nfn main() {}\n```\n",
        said: &[
            "sabotage.md:4: `gone` has no whole program",
            "sabotage.md:8: `a-command-that-runs-no-program-of-a-page` has one whole program",
        ],
    },
    Case {
        name: "a fold that is not closed",
        page: "# T\n\n<!-- fold: The rest -->\n\nText.\n",
        said: &["sabotage.md:3: this fold is never closed", "<!-- /fold -->"],
    },
    Case {
        name: "a listing in a fold that does not exist",
        page: "# T\n\n<!-- fold: The rest -->\n\n```rust\n\
               {{#include ../../chapters-code/edges/src/lib.rs:gone}}\n```\n\n<!-- /fold -->\n",
        said: &["sabotage.md:6: no anchor `gone`"],
    },
    Case {
        name: "a program that is too long with its hidden lines",
        page: concat!("# T\n\n```rust\nfn main() {\n", hidden!(), "}\n```\n"),
        said: &["sabotage.md:3: a program of 42 lines"],
    },
    Case {
        name: "a new block that erases all numbers",
        page: "# T\n\n```console,varies\n$ cargo run -q --example edge_law\n```\n",
        said: &["sabotage.md:3: `varies` that erases all numbers, in a new block"],
    },
    Case {
        name: "a card that can't be asked without its page",
        page: "# T\n\n```recall,x\nWhat does the table\nshow?\n---\nNothing.\n```\n",
        said: &["sabotage.md:4: `the table` in the question of a card"],
    },
];

/// What only a run finds: the page's first block must not be proven.
const RUN: &[Case] = &[
    Case {
        name: "an output that is not what is printed",
        page: "# T\n\n```console\n$ cargo run -q --example edge_law\nall is well\n```\n",
        said: &["prints something else now", "-all is well", "+level   one read per event"],
    },
    Case {
        name: "a drawing that is not what is drawn now",
        page: "# T\n\n```console,drawing\n\
               $ cargo run -q --example four_combinations\n\
               <svg viewBox=\"0 0 480 190\">\n<title>taking_turns: concurrent</title>\n</svg>\n```\n",
        said: &["prints something else now", "-<title>taking_turns: concurrent</title>", "+<path"],
    },
    Case {
        name: "another number than the one that may vary",
        page: "# T\n\n```console,varies=\"of 1000\"\n\
               $ cargo run -q --example edge_law\n\
                                              still waiting\n\
               level   one read per event         7 of 1000\n\
               edge    one read per event      1000 of 1001\n\
               edge    read until WouldBlock      0 of 1000\n```\n",
        said: &["prints something else now", "-edge    one read per event"],
    },
    Case {
        name: "the output of a page without a program",
        page: "# T\n\n```console\n$ cargo book run speed\n```\n",
        said: &["prints something else now", "shows no whole program"],
    },
    Case {
        name: "an example that does not exist",
        page: "# T\n\n```console\n$ cargo run -q --example edge_lax\n```\n",
        said: &["there is no example `edge_lax`", "edge_law"],
    },
    Case {
        name: "a refusal for another reason",
        page: "# T\n\n```rust,compile_fail,E0277\nfn main() {\n    let x: u32 = true;\n}\n```\n",
        said: &["refused for another reason", "sabotage.md:5", "mismatched types"],
    },
    Case {
        name: "a refusal that compiles",
        page: "# T\n\n```rust,compile_fail,E0308\nfn main() {}\n```\n",
        said: &["and it compiles"],
    },
    Case {
        name: "a program that panics",
        page: "# T\n\n```rust\nfn main() {\n    panic!(\"no\");\n}\n```\n",
        said: &["the program failed with exit code 101", "sabotage.md:5:5"],
    },
    Case {
        name: "a program that does not compile",
        page: "# T\n\n```rust\nfn main() {\n    nothing();\n}\n```\n",
        said: &["does not compile", "sabotage.md:5:5"],
    },
    Case {
        name: "a program with a warning",
        page: "# T\n\n```rust\nfn main() {\n    let unused = 1;\n}\n```\n",
        said: &["does not compile", "sabotage.md:5:9"],
    },
    Case {
        name: "a program that hangs",
        page: "# T\n\n```rust\nfn main() {\n    std::thread::park();\n}\n```\n",
        said: &["the program hung", "futex"],
    },
    Case {
        name: "a program with a crate that the page may not use",
        page: "# T\n\n```rust\nfn main() {\n    lab::timeline::Timeline::new();\n}\n```\n",
        said: &["does not compile", "`lab`"],
    },
    Case {
        name: "an excerpt of a file that nothing compiles",
        page: "# T\n\n```rust\n{{#include ../../tests/book/not-compiled.rs:anchor}}\n```\n",
        said: &["not-compiled.rs is in no crate"],
    },
    Case {
        name: "a diff that breaks nothing",
        page: "# T\n\n```diff,name=harmless,test=edges::draining_sees_the_close_in_the_same_event,hangs\n\
               --- chapters-code/edges/src/lib.rs\n\
               -/// For every event reads until the socket has no more to say, until the peer closes.\n\
               +/// Another comment.\n```\n",
        said: &["should hang, but it passed"],
    },
    Case {
        name: "a diff that breaks in another way",
        page: "# T\n\n```diff,name=otherwise,test=edges::draining_sees_the_close_in_the_same_event,\
               fails=\"boo\"\n\
               --- chapters-code/edges/src/lib.rs\n\
               -    let (mut buffer, mut bytes) = ([0; 64], 0);\n\
               +    let (mut buffer, mut bytes) = ([0; 64], 1);\n\
               \x20    while epoll.wait(patience)? != NOTHING {\n\
               \x20        loop {\n```\n",
        said: &["should fail and print `boo`"],
    },
];

pub fn trials(works: &Arc<Works>) -> Vec<Trial> {
    let trial = |case: &'static Case, prove: fn(&Works, &Case) -> Result<(), Failed>| {
        let works = Arc::clone(works);
        let name = format!("sabotage::{}", case.name.replace(' ', "_"));
        Trial::test(name, move || prove(&works, case))
    };
    let checked = CHECKED.iter().map(|case| trial(case, |works, case| said(works, case, checked)));
    let run = RUN.iter().map(|case| trial(case, said_before_or_now));
    checked.chain(run).chain([a_draft()]).collect()
}

/// Whether all is said of a case that must be.
fn said(works: &Works, case: &Case, say: fn(&Works, &Book) -> String) -> Result<(), Failed> {
    let said = say(works, &sabotaged(works, case)?);
    match case.said.iter().find(|words| !said.contains(**words)) {
        None => Ok(()),
        Some(words) => Err(Failed::from(format!("nobody says `{words}`, but:\n{said}"))),
    }
}

/// The same by a run, unless it was so before. Who says it is this program, the compiler and the
/// programs of the book, and this one holds the cases.
fn said_before_or_now(works: &Works, case: &Case) -> Result<(), Failed> {
    let on = (case.page, works.everything()?, std::env::var_os("PATH"));
    let name = format!("sabotage-{}", case.name.replace(' ', "-"));
    let verdict = Verdict::new(works.root(), &name, on);
    if !verdict.stands() {
        said(works, case, run)?;
        verdict.keep()?;
    }
    Ok(())
}

/// What fails in a draft is told and not fatal, and it is not counted as proven.
fn a_draft() -> Trial {
    Trial::test("sabotage::red_in_a_draft_is_reported_and_not_fatal", || {
        let tally = Tally::default();
        let red = || Err(anyhow::anyhow!("it fails"));
        if judged(red(), "diff", false, &tally).is_ok() {
            return Err("a failure outside a draft is taken for a success".into());
        }
        let told = match judged(red(), "diff", true, &tally)? {
            Completion::Ignored { reason } => reason.unwrap_or_default(),
            Completion::Completed => "it is taken for proven".into(),
        };
        match told.contains("red, in a draft: it fails") {
            true => Ok(()),
            false => Err(told.into()),
        }
    })
}

/// A book of that one page.
fn sabotaged(works: &Works, case: &Case) -> Result<Book, Failed> {
    // Each under a name of its own, as the programs are kept under their page's name.
    let path = PathBuf::from(format!("why/{}.md", case.name.replace(' ', "-")));
    Ok(Book {
        root: works.root().to_owned(),
        pages: vec![Page::parse(Path::new(FILE), &path, case.page.to_owned())],
        files: works.book().files.clone(),
        markdown: works.book().markdown,
        tasks: Vec::new(),
        tests: Tests::read(works.root())?,
        ledger: Ledger::default(),
        problems: Vec::new(),
    })
}

fn checked(_: &Works, book: &Book) -> String {
    let problems = weave::check::check(book);
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

fn run(works: &Works, book: &Book) -> String {
    let page = &book.pages[0];
    let block: &Block = &page.blocks[0];
    let outcome = match Diff::of(block) {
        Some(diff) => {
            let dir =
                works.scratch(&format!("broken-{}", diff.name)).expect("target/ can be written");
            Copies::build(book, dir, Some(diff)).and_then(|copies| copies.prove(works.root(), diff))
        }
        None => {
            (crate::prover(block).expect("a case has a block that is proven"))(works, page, block)
                .map(|_| ())
        }
    };
    match outcome {
        Ok(()) => "it is taken for proven".to_owned(),
        Err(error) => format!("{error:#}"),
    }
}

//! The tags that a fenced block may have, and what each promises.

use crate::problem::Fault;

/// All tags, as an author may write them. Shown in errors.
pub const FENCES: &str = "\
rust                                      a program: compiled and run
rust,no_run                               a program: compiled; needs a reason in the ledger
rust  with an {{#include file:anchor}}    an excerpt of a chapter crate
rust,folded  with an include              the same, longer, shown when the reader unfolds it
rust,compile_fail,E0277                   must fail to compile with this code
rust,compile_fail=\"some words\"            must fail to compile with this text, where there is no code
go    with an {{#include file:anchor}}    an excerpt of a Go program beside a chapter crate
console                                   `$ command` and its output, run again
console,varies=\"ms, of 400\"              the same, but for numbers before or under these words
console,varies                            the same, but for all numbers; for no new block
console,slow                              the same; it takes minutes, and runs where BOOK_SLOW=1 is set
console,drawing                           `$ command` and its output, one SVG: drawn; compared likewise
diff,name=N,test=crate::test,hangs        must make that test hang; or dies=\"SIGSEGV\", or fails=\"words\"
recall,some-id                            a question, a line `---`, the answer
recall,some-id,console=the-heading        the same; what the answer has in backticks stands in the
                                          output of the console block under that heading
text                                      claims nothing";

/// What a block is and so what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fence {
    /// A complete Rust program, or an excerpt when the body is an include.
    Rust {
        /// `false` for `no_run`: compiled only.
        run: bool,
    },
    /// An excerpt for who wants to read everything: folded until the reader unfolds it.
    Folded,
    /// Code that the compiler must refuse.
    Refusal(Refusal),
    /// An excerpt of a Go program.
    Go,
    /// Commands and their output.
    Console {
        /// Which numbers differ from run to run and are compared by shape only.
        varies: Varies,
    },
    /// Commands that take minutes, run where `BOOK_SLOW=1` is set. Compared as where numbers vary.
    Slow,
    /// A command whose output is one SVG, which the page shows. Compared as where numbers vary.
    Drawing,
    /// The smallest change that breaks a test.
    Diff {
        /// Unique in the book; `cargo book break NAME`.
        name: String,
        /// `crate::test_name`.
        test: String,
        /// How that test must then end.
        ending: Ending,
    },
    /// A question and its answer.
    Recall {
        /// Unique in the book and stable, since schedules are kept under it.
        id: String,
        /// The heading above the console block in whose output the answer stands, if it names one.
        console: Option<String>,
    },
    /// Plain text.
    Text,
}

/// Which numbers of an output differ from run to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Varies {
    /// None.
    Nothing,
    /// Those before or under one of these words.
    Words(Vec<String>),
    /// All of them.
    Everything,
}

/// Why the compiler must refuse a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// An error code such as `E0277`.
    Code(String),
    /// Words of the error, where it has no code.
    Says(String),
}

/// How a broken test must end, with words that it must print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Sleeps in a wait that nothing will end.
    Hangs,
    /// A signal ends it; the text, if any, is the signal's name.
    Dies(Option<String>),
    /// It fails; the text, if any, is in what it prints.
    Fails(Option<String>),
}

impl Fence {
    /// Reads an info string such as `diff,name=one-read,test=edges::drains,hangs`.
    pub fn parse(info: &str) -> Result<Fence, Fault> {
        let attributes = split(info);
        let (tag, rest) = match attributes.split_first() {
            Some((tag, rest)) if !tag.is_empty() => (tag.as_str(), rest),
            _ => return Err(Fault::new("a fenced block without a tag", list())),
        };
        let bad = || Fault::new(format!("`{info}` is not a form of the fence `{tag}`"), list());
        match tag {
            "rust" => rust(rest).ok_or_else(bad),
            "console" => match rest {
                [] => Ok(Fence::Console { varies: Varies::Nothing }),
                [one] if one == "varies" => Ok(Fence::Console { varies: Varies::Everything }),
                [one] if one == "slow" => Ok(Fence::Slow),
                [one] if one == "drawing" => Ok(Fence::Drawing),
                [one] => varies(one).ok_or_else(bad),
                _ => Err(bad()),
            },
            "diff" => diff(rest).ok_or_else(bad),
            "recall" => match rest {
                [id] if is_name(id) => Ok(Fence::Recall { id: id.clone(), console: None }),
                [id, console] if is_name(id) => match value(console, "console") {
                    Some(console) if !console.is_empty() => {
                        Ok(Fence::Recall { id: id.clone(), console: Some(console) })
                    }
                    _ => Err(bad()),
                },
                _ => Err(bad()),
            },
            "go" if rest.is_empty() => Ok(Fence::Go),
            "text" if rest.is_empty() => Ok(Fence::Text),
            "go" | "text" => Err(bad()),
            _ => Err(Fault::new(format!("unknown fence `{info}`"), list())),
        }
    }
}

fn list() -> String {
    format!("the fences are:\n{FENCES}")
}

fn rust(rest: &[String]) -> Option<Fence> {
    match rest {
        [] => Some(Fence::Rust { run: true }),
        [one] if one == "folded" => Some(Fence::Folded),
        [one] if one == "no_run" => Some(Fence::Rust { run: false }),
        [one] => {
            let words = value(one, "compile_fail").filter(|words| !words.is_empty())?;
            Some(Fence::Refusal(Refusal::Says(words)))
        }
        [one, code] if one == "compile_fail" && is_error_code(code) => {
            Some(Fence::Refusal(Refusal::Code(code.clone())))
        }
        _ => None,
    }
}

/// `varies="ms, of 400"`: the words say which numbers differ.
fn varies(attribute: &str) -> Option<Fence> {
    let words = value(attribute, "varies")?;
    let words: Vec<String> = words.split(',').map(|word| word.trim().to_owned()).collect();
    let are_words = words.iter().all(|word| word.contains(char::is_alphabetic));
    are_words.then_some(Fence::Console { varies: Varies::Words(words) })
}

fn diff(rest: &[String]) -> Option<Fence> {
    let [name, test, ending] = rest else {
        return None;
    };
    let ending = match ending.as_str() {
        "hangs" => Ending::Hangs,
        "dies" => Ending::Dies(None),
        "fails" => Ending::Fails(None),
        other => match value(other, "dies") {
            Some(signal) => Ending::Dies(Some(signal)),
            None => Ending::Fails(Some(value(other, "fails")?)),
        },
    };
    let name = value(name, "name").filter(|name| is_name(name))?;
    let test = value(test, "test").filter(|test| test.contains("::"))?;
    Some(Fence::Diff { name, test, ending })
}

fn value(attribute: &str, key: &str) -> Option<String> {
    let value = attribute.strip_prefix(key)?.strip_prefix('=')?;
    Some(value.trim_matches('"').to_owned())
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn is_error_code(code: &str) -> bool {
    code.strip_prefix('E').is_some_and(|n| n.len() == 4 && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Splits at the commas that are not between quotes.
fn split(info: &str) -> Vec<String> {
    let mut quoted = false;
    let at_comma = |c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    };
    info.trim().split(at_comma).map(|part| part.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_are_read_with_their_attributes() {
        let parse = |info| Fence::parse(info).unwrap();
        assert_eq!(parse("rust"), Fence::Rust { run: true });
        assert_eq!(parse("rust,no_run"), Fence::Rust { run: false });
        assert_eq!(parse("rust,compile_fail,E0277"), Fence::Refusal(Refusal::Code("E0277".into())));
        assert_eq!(
            parse("rust,compile_fail=\"cannot be sent, ever\""),
            Fence::Refusal(Refusal::Says("cannot be sent, ever".into()))
        );
        assert_eq!(
            parse("diff,name=one-read,test=edges::drains,fails=\"a, b\""),
            Fence::Diff {
                name: "one-read".into(),
                test: "edges::drains".into(),
                ending: Ending::Fails(Some("a, b".into())),
            }
        );
        assert_eq!(parse("console,varies"), Fence::Console { varies: Varies::Everything });
        let words = Varies::Words(vec!["ms".into(), "of 400".into()]);
        assert_eq!(parse("console,varies=\"ms, of 400\""), Fence::Console { varies: words });
        assert_eq!(parse("console,drawing"), Fence::Drawing);
        assert_eq!(parse("console,slow"), Fence::Slow);
        assert_eq!(parse("rust,folded"), Fence::Folded);
        let card = |console: Option<&str>| Fence::Recall {
            id: "edge-one".into(),
            console: console.map(str::to_owned),
        };
        assert_eq!(parse("recall,edge-one"), card(None));
        assert_eq!(parse("recall,edge-one,console=the-race"), card(Some("the-race")));
        assert_eq!(parse("recall,edge-one,console=\"One, two\""), card(Some("One, two")));
    }

    #[test]
    fn anything_else_is_refused_with_the_list() {
        for info in [
            "",
            "ruts",
            "rust,ignore",
            "rust,compile_fail",
            "rust,compile_fail,E27",
            "sh",
            "diff",
            "diff,name=x,test=y,hangs",
            "diff,name=X,test=a::b,hangs",
            "diff,name=x,test=a::b,explodes",
            "recall",
            "recall,Two Words",
            "recall,edge-one,console",
            "recall,edge-one,console=",
            "recall,edge-one,the-race",
            "recall,edge-one,console=a,b",
            "text,x",
            "console,x",
            "console,varies,drawing",
            "console,varies=",
            "console,varies=\"ms,\"",
            "console,varies=\"400\"",
        ] {
            let fault = Fence::parse(info).expect_err(info);
            assert!(fault.help.contains("compile_fail"), "{info}: {fault}");
        }
    }
}

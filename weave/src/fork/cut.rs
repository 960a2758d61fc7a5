//! A source with the marks of tasks: what they say, and the text without them, or without the bodies.

use std::path::Path;

use super::Task;
use crate::problem::Fault;

const FORM: &str = "the first line of a function's body is `// FORK note: what to do`, and hints \
                    follow it, `// HINT: a place, or a question`; a line goes on behind three blanks";

/// The attribute of a function whose body is assembly alone, which stands directly above it.
const NAKED: &str = "#[unsafe(naked)]";

/// The language of a source, by its name.
#[derive(Clone, Copy, PartialEq)]
enum Language {
    Rust,
    C,
}

impl Language {
    fn of(file: &Path) -> Language {
        if file.extension().is_some_and(|of| of == "c") { Language::C } else { Language::Rust }
    }

    /// The name of the function whose signature begins in a line.
    fn function_name(self, line: &str) -> Option<&str> {
        match self {
            Language::Rust => rust_function(line),
            Language::C => c_function(line),
        }
    }

    /// What stands for a body.
    fn todo(self, says: &str) -> String {
        match self {
            Language::Rust => format!("todo!({says:?})"),
            Language::C => format!("todo({says:?});"),
        }
    }
}

/// A mark with the lines of the text that belong to it, counted from 0.
struct Mark {
    note: String,
    says: String,
    hints: Vec<String>,
    /// The first line of the function.
    signature: usize,
    /// The mark's own line.
    at: usize,
    /// The first line behind the mark and its hints.
    body: usize,
    /// The line of the brace that closes the function.
    end: usize,
}

/// The words of a line such as `// FORK edges: words` or `// HINT: words`, with its keyword.
fn mark(line: &str) -> Option<(&str, &str)> {
    let comment = line.trim_start().strip_prefix("// ")?;
    let keyword = ["FORK", "HINT"].into_iter().find(|word| comment.starts_with(word))?;
    let rest = &comment[keyword.len()..];
    rest.starts_with([' ', ':']).then_some((keyword, rest))
}

/// What a line adds to the mark above it.
fn goes_on(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix("//   ").map(str::trim)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Whether each line is part of a mark.
fn marked(lines: &[&str]) -> Vec<bool> {
    let mut above = false;
    let mut is_marked = |line: &&str| {
        above = mark(line).is_some() || above && goes_on(line).is_some();
        above
    };
    lines.iter().map(&mut is_marked).collect()
}

/// The text without the marks.
pub fn without_marks(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let kept = lines.iter().zip(marked(&lines)).filter(|(_, marked)| !marked);
    kept.flat_map(|(line, _)| [*line, "\n"]).collect()
}

/// The tasks of a source, or what is wrong with its marks, and in which lines, from 1.
pub fn tasks(file: &Path, text: &str) -> Result<Vec<Task>, Vec<(usize, Fault)>> {
    let lines: Vec<&str> = text.lines().collect();
    let language = Language::of(file);
    let (marks, faults) = marks(language, &lines);
    let task = |mark: Mark| Task {
        name: language.function_name(lines[mark.signature]).unwrap_or_default().to_owned(),
        file: file.to_owned(),
        line: mark.at + 1,
        note: mark.note,
        says: mark.says,
        hints: mark.hints,
    };
    if faults.is_empty() { Ok(marks.into_iter().map(task).collect()) } else { Err(faults) }
}

/// The text of a file with `todo!` in the place of the bodies of the tasks that are wanted.
pub fn cut(file: &Path, text: &str, wanted: impl Fn(&str) -> bool) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut out: Vec<String> = Vec::new();
    let mut next = 0;
    let language = Language::of(file);
    for mark in marks(language, &lines).0 {
        if !language.function_name(lines[mark.signature]).is_some_and(&wanted) {
            continue;
        }
        // `todo!` can't stand in a naked function, which is one piece of assembly.
        let kept =
            (next..mark.at).filter(|at| lines[*at].trim() != NAKED || *at + 1 != mark.signature);
        out.extend(kept.map(|at| lines[at].to_owned()));
        let margin = &lines[mark.at][..indent(lines[mark.at])];
        out.push(format!("{margin}{}", language.todo(&mark.says)));
        next = mark.end;
    }
    out.extend(lines[next..].iter().map(|line| (*line).to_owned()));
    without_marks(&(out.join("\n") + "\n"))
}

/// The function of that name, from its signature to its end, as it stands in a source that is
/// formatted as rustfmt does.
pub fn function<'a>(file: &Path, text: &'a str, name: &str) -> Option<&'a str> {
    let mut from = 0;
    let mut lines = text.split_inclusive('\n').map(|line| {
        from += line.len();
        (from - line.len(), line)
    });
    let (start, first) =
        lines.find(|(_, line)| Language::of(file).function_name(line) == Some(name))?;
    let end = format!("{}}}", &first[..indent(first)]);
    let (at, last) = lines.find(|(_, line)| line.trim_end() == end)?;
    text.get(start..at + last.len())
}

fn rust_function(line: &str) -> Option<&str> {
    let (before, rest) = line.split_once("fn ")?;
    let words = ["pub", "pub(crate)", "pub(super)", "unsafe", "async", "const", "extern", "\"C\""];
    before.split_whitespace().all(|word| words.contains(&word)).then_some(())?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

/// A definition at the margin, such as `static int go_on(struct connection *c) {`.
fn c_function(line: &str) -> Option<&str> {
    let (before, _) = line.split_once('(')?;
    let (kind, name) = before.rsplit_once([' ', '*'])?;
    let is_word = |c: char| c.is_alphanumeric() || "_ *".contains(c);
    (indent(line) == 0 && !kind.is_empty() && before.chars().all(is_word)).then_some(name)
}

fn marks(language: Language, lines: &[&str]) -> (Vec<Mark>, Vec<(usize, Fault)>) {
    let (mut marks, mut faults): (Vec<Mark>, Vec<(usize, Fault)>) = Default::default();
    let mut at = 0;
    while at < lines.len() {
        match mark(lines[at]) {
            Some(("FORK", words)) => match read(language, lines, at, words) {
                Ok(mark) => {
                    at = mark.body;
                    marks.push(mark);
                    continue;
                }
                Err(what) => faults.push((at + 1, Fault::new(what, FORM))),
            },
            Some(_) => {
                faults.push((at + 1, Fault::new("a hint that stands below no task", FORM)));
            }
            None => {}
        }
        at += 1;
    }
    (marks, faults)
}

fn read(language: Language, lines: &[&str], at: usize, words: &str) -> Result<Mark, String> {
    let (note, says) = words.split_once(':').unwrap_or_default();
    let (note, mut says) = (note.trim().to_owned(), says.trim().to_owned());
    if note.is_empty() || note.contains(' ') || says.is_empty() {
        return Err("this mark names no note, or not what to do".into());
    }
    let margin = indent(lines[at]);
    let signature = (0..at).rev().find(|line| {
        !lines[*line].trim().is_empty()
            && indent(lines[*line]) < margin
            && language.function_name(lines[*line]).is_some()
    });
    let opens = at > 0 && lines[at - 1].ends_with('{');
    let Some(signature) = signature.filter(|_| opens) else {
        return Err("this mark is not the first line of a function's body".into());
    };
    let head = lines[signature..at].join(" ");
    if head.contains("const fn ") || head.contains("-> impl ") {
        return Err(
            "`todo!` can't stand for the body of this function: it is `const`, or returns \
                    an `impl`"
                .into(),
        );
    }
    let end = format!("{}}}", " ".repeat(indent(lines[signature])));
    let Some(length) = lines[at..].iter().position(|line| *line == end) else {
        return Err("this function does not end as rustfmt would write it".into());
    };
    let (mut hints, mut body): (Vec<String>, usize) = (Vec::new(), at + 1);
    while let Some(line) = lines.get(body) {
        match (mark(line), goes_on(line)) {
            (Some(("HINT", hint)), _) => hints.push(hint.trim_start_matches(':').trim().to_owned()),
            (None, Some(more)) => {
                let last = hints.last_mut().unwrap_or(&mut says);
                *last = format!("{last} {more}");
            }
            _ => break,
        }
        body += 1;
    }
    Ok(Mark { note, says, hints, signature, at, body, end: at + length })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: &str = "src/lib.rs";

    const CODE: &str = "\
impl Out {
    /// Writes.
    pub fn flush(
        &mut self,
    ) -> io::Result<()>
    where
        Self: Sized,
    {
        // FORK write-side: write until all is sent
        //   or the socket is full
        // HINT: Which?
        // HINT: What then?
        //   And then?
        // A comment.
        while self.more() {
        }
        Ok(())
    }

    fn more(&self) -> bool {
        // FORK edges: say whether
        true
    }
}
";

    fn read(text: &str) -> Result<Vec<Task>, Vec<(usize, Fault)>> {
        tasks(Path::new(LIB), text)
    }

    #[test]
    fn a_mark_is_a_task_with_its_hints() {
        let found = read(CODE).unwrap();
        let flush = &found[0];
        assert_eq!(
            (flush.note.as_str(), flush.name.as_str(), flush.line),
            ("write-side", "flush", 9)
        );
        assert_eq!(flush.says, "write until all is sent or the socket is full");
        assert_eq!(flush.hints, ["Which?", "What then? And then?"]);
        assert_eq!((found[1].name.as_str(), found[1].hints.len()), ("more", 0));
    }

    #[test]
    fn what_is_cut_is_the_whole_body_and_nothing_else() {
        let cut_one = cut(Path::new(LIB), CODE, |name| name == "flush");
        let without = without_marks(CODE);
        assert!(
            without.contains("        // A comment.\n        while self.more() {"),
            "{without}"
        );
        assert!(!without.contains("FORK") && !without.contains("HINT"), "{without}");
        let (from, to) =
            (without.find("        // A comment").unwrap(), without.find("    }\n\n").unwrap());
        let todo = "        todo!(\"write until all is sent or the socket is full\")\n";
        assert_eq!(cut_one, format!("{}{todo}{}", &without[..from], &without[to..]));
        assert_eq!(cut(Path::new(LIB), CODE, |_| true).matches("todo!").count(), 2);
        assert_eq!(
            cut(Path::new(LIB), "fn a() {\n    b();\n}\n", |_| true),
            "fn a() {\n    b();\n}\n"
        );
    }

    #[test]
    fn a_function_is_found_by_its_name() {
        let text = without_marks(CODE);
        assert_eq!(
            function(Path::new(LIB), &text, "more").unwrap(),
            "    fn more(&self) -> bool {\n        true\n    }\n"
        );
        assert!(function(Path::new(LIB), &text, "flush").unwrap().ends_with("Ok(())\n    }\n"));
        assert_eq!(function(Path::new(LIB), &text, "more_so"), None);
    }

    #[test]
    fn a_naked_function_is_cut_to_one_that_is_not() {
        let naked = "\
#[unsafe(naked)]
extern \"C\" fn kept() {
    naked_asm!(\"ret\")
}

/// Switches.
#[unsafe(naked)]
pub unsafe extern \"C\" fn switch(other: *mut u8) {
    // FORK switch: switch
    naked_asm!(\"ret\")
}
";
        assert_eq!(read(naked).unwrap()[0].name, "switch");
        let (kept, _) = naked.split_once("#[unsafe(naked)]\npub").unwrap();
        let todo =
            "pub unsafe extern \"C\" fn switch(other: *mut u8) {\n    todo!(\"switch\")\n}\n";
        assert_eq!(cut(Path::new(LIB), naked, |_| true), format!("{kept}{todo}"));
    }

    #[test]
    fn a_function_in_c_is_cut_too() {
        let (file, text) = (
            Path::new("c/client.c"),
            "\
/* f(x) */
static int go_on(struct connection *c) {
    // FORK gauntlet: write \"all\"
    return 0;
}
",
        );
        assert_eq!(tasks(file, text).unwrap()[0].name, "go_on");
        let right = "/* f(x) */\nstatic int go_on(struct connection *c) {\n    todo(\"write \\\"all\\\"\");\n}\n";
        assert_eq!(cut(file, text, |_| true), right);
    }

    #[test]
    fn a_mark_that_can_not_be_cut_is_told() {
        for (wrong, says) in [
            ("fn a() {\n    b();\n    // FORK x: y\n}\n", "not the first line"),
            ("// FORK x: y\n", "not the first line"),
            ("fn a() {\n    // FORK x\n}\n", "names no note"),
            ("fn a() {\n    // FORK: y\n}\n", "names no note"),
            ("const fn a() {\n    // FORK x: y\n}\n", "const"),
            ("fn a() -> impl Read {\n    // FORK x: y\n}\n", "impl"),
            ("fn a() {\n    // HINT: y\n}\n", "below no task"),
        ] {
            let faults = read(wrong).unwrap_err();
            assert!(faults[0].1.what.contains(says), "{wrong}: {faults:?}");
        }
    }
}

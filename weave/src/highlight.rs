//! Listings as HTML: what a lexer knows of them.
//!
//! No script has a part in it, so a listing is the same on a page, on paper and in an e-book. What has no
//! colour is no element: who hears a page hears a line, and not its pieces.

use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};

/// Rust's keywords, those that are words of their own in any place.
const RUST: &[&str] = &[
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern",
    "false", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub",
    "ref", "return", "self", "Self", "static", "struct", "super", "trait", "true", "type",
    "unsafe", "use", "where", "while",
];

/// Go's.
const GO: &[&str] = &[
    "break",
    "case",
    "chan",
    "const",
    "continue",
    "default",
    "defer",
    "else",
    "fallthrough",
    "false",
    "for",
    "func",
    "go",
    "goto",
    "if",
    "import",
    "interface",
    "map",
    "nil",
    "package",
    "range",
    "return",
    "select",
    "struct",
    "switch",
    "true",
    "type",
    "var",
];

/// The listing of a fence with this tag.
pub fn listing(language: &str, code: &str) -> String {
    match language {
        "rust" => rust(code),
        "program" => program(code),
        "go" => lines(code, GO),
        "console" => console(code),
        "diff" => diff(code),
        _ => escape(code),
    }
}

/// Source of Rust.
fn rust(code: &str) -> String {
    lines(code, RUST)
}

/// A program of a page, with the lines that are hidden until the reader asks for them.
fn program(code: &str) -> String {
    let hidden = |line: &str| line == "#" || line.starts_with("# ");
    let source: String = code
        .split_inclusive('\n')
        .map(|line| match hidden(line.trim_end_matches('\n')) {
            true => line.strip_prefix("# ").or(line.strip_prefix('#')).unwrap_or(line),
            false => line,
        })
        .collect();
    let html = rust(&source);
    let shown = html.split_inclusive('\n').zip(code.lines().map(hidden));
    shown.fold(String::new(), |out, (line, hidden)| match hidden {
        true => out + &span("boring", line),
        false => out + line,
    })
}

/// What Rust's lexer makes of it, which knows enough of Go. No element spans two lines.
fn lines(code: &str, keywords: &[&str]) -> String {
    let (mut out, mut rest) = (String::new(), code);
    for token in tokenize(code, FrontmatterAllowed::No) {
        let (text, behind) = rest.split_at(token.len as usize);
        rest = behind;
        // The page's styles name these classes.
        let class = match token.kind {
            TokenKind::LineComment { .. } | TokenKind::BlockComment { .. } => "c",
            TokenKind::Ident if keywords.contains(&text) => "k",
            TokenKind::Literal {
                kind: LiteralKind::Int { .. } | LiteralKind::Float { .. },
                ..
            } => "n",
            TokenKind::Literal { .. } => "s",
            _ => "",
        };
        for line in text.split_inclusive('\n') {
            let (line, end) = ended(line);
            out += &match class.is_empty() || line.is_empty() {
                true => escape(line),
                false => span(class, &escape(line)),
            };
            out += end;
        }
    }
    out
}

fn span(class: &str, html: &str) -> String {
    format!("<span class=\"{class}\">{html}</span>")
}

/// Commands and what they printed.
fn console(text: &str) -> String {
    text.split_inclusive('\n').fold(String::new(), |out, line| match line.strip_prefix("$ ") {
        Some(command) => {
            let (command, end) = ended(command);
            format!("{out}{}<kbd>{}</kbd>{end}", span("prompt", "$ "), escape(command))
        }
        None => out + &escape(line),
    })
}

/// Lines that go and lines that come, as such: the signs before them stay.
fn diff(text: &str) -> String {
    text.split_inclusive('\n').fold(String::new(), |out, line| {
        let (line, end) = ended(line);
        out + &match line.split_at_checked(1) {
            Some(("-", code)) => format!("<del>-{}{end}</del>", rust(code)),
            Some(("+", code)) => format!("<ins>+{}{end}</ins>", rust(code)),
            Some(("@", _)) => span("c", &escape(line)) + end,
            _ => rust(line) + end,
        }
    })
}

fn ended(line: &str) -> (&str, &str) {
    line.split_at(line.trim_end_matches('\n').len())
}

/// Text as HTML shows it, in an attribute too.
pub fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_the_code() {
        let code = "fn a<'b>(x: &'b [u8; 2]) -> u8 {\n    /* two\n lines */ r#\"<\n&\"# // é\n}\n";
        for language in ["rust", "go", "console", "diff", "text", "program"] {
            let html = listing(language, code);
            let mut text = String::new();
            for piece in html.split_inclusive('>') {
                text += piece.split('<').next().unwrap();
            }
            assert_eq!(text, escape(code), "{language}: {html}");
        }
    }

    fn rust_of(code: &str) -> String {
        listing("rust", code)
    }

    #[test]
    fn a_lexer_tells_what_is_what() {
        assert_eq!(
            rust_of("loop { f(\"loop\", 1) } // loop"),
            "<span class=\"k\">loop</span> { f(<span class=\"s\">&quot;loop&quot;</span>, \
             <span class=\"n\">1</span>) } <span class=\"c\">// loop</span>"
        );
        assert!(listing("go", "go func()").contains("<span class=\"k\">func</span>"));
        assert_eq!(rust_of("go(func::a)"), "go(func::a)", "a name is no element");
    }

    #[test]
    fn hidden_lines_are_marked_and_lexed_with_the_rest() {
        let html = listing("program", "let a = \"x\n# y\n#\";\n#[cfg(a)]\nb");
        let lines: Vec<&str> = html.split_inclusive('\n').collect();
        assert_eq!(lines[1], "<span class=\"boring\"><span class=\"s\">y</span>\n");
        assert!(lines[3].starts_with("#["), "an attribute is shown: {html}");
        assert!(!lines[4].contains("boring"), "{html}");
    }

    #[test]
    fn a_diff_says_without_colours_what_goes_and_what_comes() {
        let html = listing("diff", " a\n-b\n+c\n@@\n");
        assert_eq!(html, " a\n<del>-b\n</del><ins>+c\n</ins><span class=\"c\">@@</span>\n");
    }

    #[test]
    fn a_command_is_told_from_what_it_printed() {
        let html = listing("console", "$ cargo run\n$5\n");
        let shown = "<span class=\"prompt\">$ </span><kbd>cargo run</kbd>\n$5\n";
        assert_eq!(html, shown);
    }
}

//! Listings as HTML: what a lexer knows of them, and each name a word of its own.
//!
//! No script has a part in it, so a listing is the same on a page, on paper and in an e-book. mdBook's
//! search takes what stands between blanks for a word, and puts a blank where an element opens: each
//! name that follows something else than a blank is an element.

use std::fmt::Write;

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

/// What a piece of a listing is; the page's styles name these classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A name, a word of an output.
    Name,
    Keyword,
    Comment,
    /// A string or a character.
    Text,
    Number,
    /// All else: signs and blanks.
    Other,
}

impl Kind {
    fn class(self) -> Option<&'static str> {
        match self {
            Kind::Name | Kind::Other => None,
            Kind::Keyword => Some("k"),
            Kind::Comment => Some("c"),
            Kind::Text => Some("s"),
            Kind::Number => Some("n"),
        }
    }
}

/// The listing of a fence with this tag.
pub fn listing(language: &str, code: &str) -> String {
    match language {
        "rust" => rust(code),
        "program" => program(code),
        "go" => lines(code, GO),
        "console" => console(code),
        "diff" => diff(code),
        _ => plain(code),
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
        true => out + "<span class=\"boring\">" + line + "</span>",
        false => out + line,
    })
}

/// What Rust's lexer makes of it, which knows enough of Go. No element spans two lines.
fn lines(code: &str, keywords: &[&str]) -> String {
    let mut out = Html::default();
    let mut rest = code;
    for token in tokenize(code, FrontmatterAllowed::No) {
        let (text, behind) = rest.split_at(token.len as usize);
        rest = behind;
        let kind = match token.kind {
            TokenKind::LineComment { .. } | TokenKind::BlockComment { .. } => Kind::Comment,
            TokenKind::Ident if keywords.contains(&text) => Kind::Keyword,
            TokenKind::Ident | TokenKind::RawIdent | TokenKind::Lifetime { .. } => Kind::Name,
            TokenKind::Literal {
                kind: LiteralKind::Int { .. } | LiteralKind::Float { .. },
                ..
            } => Kind::Number,
            TokenKind::Literal { .. } => Kind::Text,
            _ => Kind::Other,
        };
        for line in text.split_inclusive('\n') {
            let text = line.trim_end_matches('\n');
            match kind {
                Kind::Comment | Kind::Text => out.words(kind, text),
                _ => out.piece(kind, text),
            }
            out.0.push_str(&line[text.len()..]);
        }
    }
    out.0
}

/// Commands and what they printed.
fn console(text: &str) -> String {
    text.split_inclusive('\n').fold(String::new(), |out, line| match line.strip_prefix("$ ") {
        Some(command) => {
            let (command, end) = ended(command);
            format!("{out}<span class=\"prompt\">$ </span><kbd>{}</kbd>{end}", plain(command))
        }
        None => out + &plain(line),
    })
}

/// Lines that go and lines that come, as such: the signs before them stay.
fn diff(text: &str) -> String {
    text.split_inclusive('\n').fold(String::new(), |out, line| {
        let (line, end) = ended(line);
        out + &match line.split_at_checked(1) {
            Some(("-", code)) => format!("<del>-{}{end}</del>", rust(code)),
            Some(("+", code)) => format!("<ins>+{}{end}</ins>", rust(code)),
            Some(("@", _)) => format!("<span class=\"c\">{}</span>{end}", escape(line)),
            _ => rust(line) + end,
        }
    })
}

/// Text in which nothing but words is known.
fn plain(text: &str) -> String {
    let mut out = Html::default();
    out.words(Kind::Other, text);
    out.0
}

fn ended(line: &str) -> (&str, &str) {
    line.split_at(line.trim_end_matches('\n').len())
}

/// HTML as it grows.
#[derive(Default)]
struct Html(String);

impl Html {
    /// One token.
    fn piece(&mut self, kind: Kind, text: &str) {
        let text = escape(text);
        let _ = match kind.class() {
            Some(class) => write!(self.0, "<span class=\"{class}\">{text}</span>"),
            None if kind == Kind::Name && !self.after_blank() => {
                write!(self.0, "<span>{text}</span>")
            }
            None => write!(self.0, "{text}"),
        };
    }

    /// A token, or a whole text, in which the words are words.
    fn words(&mut self, kind: Kind, text: &str) {
        if let Some(class) = kind.class() {
            let _ = write!(self.0, "<span class=\"{class}\">");
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let here = is_word(first);
            let end = rest.find(|c| is_word(c) != here).unwrap_or(rest.len());
            let (piece, behind) = rest.split_at(end);
            let starts = !first.is_numeric();
            self.piece(if here && starts { Kind::Name } else { Kind::Other }, piece);
            rest = behind;
        }
        if kind.class().is_some() {
            self.0.push_str("</span>");
        }
    }

    /// Whether a word that begins here is one to the search already.
    fn after_blank(&self) -> bool {
        let opened = self.0.ends_with('>') && !self.0.ends_with("</span>");
        opened || self.0.is_empty() || self.0.ends_with([' ', '\n'])
    }
}

/// Text as HTML shows it, in an attribute too.
pub fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of HTML, with a blank where an element opens: what the search splits.
    fn searched(html: &str) -> String {
        let mut out = String::new();
        for piece in html.split_inclusive('>') {
            let (text, tag) = piece.split_once('<').unwrap_or((piece, ""));
            out += text;
            if !tag.is_empty() && !tag.starts_with('/') {
                out.push(' ');
            }
        }
        out.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
    }

    fn is_word(text: &str, word: &str) -> bool {
        let clean = |found: &str| {
            found
                .strip_prefix(word)
                .map(|rest| rest.chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_'))
        };
        text.split_whitespace().any(|found| clean(found) == Some(true))
    }

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

    #[test]
    fn each_name_is_a_word() {
        let rust = "libc::epoll_ctl(epoll,libc::EPOLLIN|libc::EPOLLET); // see foo::bar\n\"a::b\"";
        let words = ["libc", "epoll_ctl", "epoll", "EPOLLIN", "EPOLLET", "foo", "bar", "a", "b"];
        for language in ["rust", "diff", "text", "console", "go"] {
            let text = searched(&listing(language, rust));
            for word in words {
                assert!(is_word(&text, word), "{language}: {word}: {text}");
            }
        }
        // The element that makes it a word is left out where a blank does.
        assert_eq!(rust_of("let x = y"), "<span class=\"k\">let</span> x = y");
        assert_eq!(rust_of("x.y"), "x.<span>y</span>");
    }

    fn rust_of(code: &str) -> String {
        listing("rust", code)
    }

    #[test]
    fn a_lexer_tells_what_is_what() {
        assert_eq!(
            rust_of("loop { f(\"loop\", 1) } // loop"),
            "<span class=\"k\">loop</span> { f(<span class=\"s\">\"<span>loop</span>\"</span>, \
             <span class=\"n\">1</span>) } <span class=\"c\">// loop</span>"
                .replace("\"<span>loop</span>\"<", "&quot;<span>loop</span>&quot;<")
        );
        assert!(listing("go", "go func()").contains("<span class=\"k\">func</span>"));
        assert!(!rust_of("go func()").contains("class"));
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

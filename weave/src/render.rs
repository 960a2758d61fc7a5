//! A page as the Markdown that mdBook reads: excerpts put in, captions and cards laid out.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;
use std::path::Path;

use crate::book::Book;
use crate::contents;
use crate::fence::{Ending, Fence, Refusal, Varies};
use crate::highlight::{self, escape};
use crate::mdbook::pulldown_cmark::{Event, Tag, TagEnd, html};
use crate::page::{Block, Page};
use crate::sections;
use crate::source::{Include, dedent};

/// The page as mdBook Markdown. The book must have passed [`crate::check::check`]: what could not
/// be resolved there is left as the author wrote it here.
pub fn render(book: &Book, page: &Page) -> String {
    let mut out = String::new();
    let mut done = 0;
    let mut replace = Vec::new();
    for block in &page.blocks {
        if let Some(html) = self::block(book, page, block) {
            replace.push((block.range.clone(), html));
        }
    }
    replace.extend(marks(book, page));
    replace.sort_by_key(|(range, _)| (range.start, Reverse(range.end)));
    for (range, html) in replace {
        if range.start < done {
            // On a page with faults one thing may lie in another; the outer one is shown.
            continue;
        }
        out.push_str(&page.text[done..range.start]);
        out.push_str(&html);
        done = range.end;
    }
    out.push_str(&page.text[done..]);
    if page.draft {
        out.insert_str(0, "<p class=\"draft\">A draft: not proven yet, and not published.</p>\n\n");
    }
    out.push_str(&proofs(book, page));
    link_tests(page, out)
}

/// What stands in the place of the marks, and around the sections that are known at a glance.
fn marks(book: &Book, page: &Page) -> Vec<(Range<usize>, String)> {
    let mut replace = Vec::new();
    if let Some(needs) = &page.marks.needs {
        let line = contents::needs_line(book, page, needs);
        replace.push((
            needs.range.clone(),
            format!("\n<div class=\"needs\">\n\n{line}\n\n</div>\n\n"),
        ));
    }
    replace.extend(sections::marks(page));
    if let Some(opening) = &page.opening {
        replace.push((opening.range.clone(), opening.html()));
    }
    for fold in &page.marks.folds {
        let title = code_spans(&fold.title);
        let open = format!("\n<details class=\"fold\">\n<summary>{title}</summary>\n\n");
        replace.push((fold.open.clone(), open));
        replace.push((fold.close.clone(), "\n\n</details>\n\n".into()));
    }
    for place in &page.marks.places {
        replace.push((place.range.clone(), contents::written(book, page, &place.asked)));
    }
    replace
}

/// A line in which backticks make code, as HTML.
fn code_spans(text: &str) -> String {
    let pieces: Vec<&str> = text.split('`').collect();
    let is_code = |at: usize| at % 2 == 1 && at + 1 < pieces.len();
    let piece = |(at, piece): (usize, &&str)| match is_code(at) {
        true => format!("<code>{}</code>", escape(piece)),
        false if at % 2 == 1 => format!("`{}", escape(piece)),
        false => escape(piece),
    };
    pieces.iter().enumerate().map(piece).collect()
}

/// Links to tests lead to their sources at the end of the page.
fn link_tests(page: &Page, text: String) -> String {
    page.tests().fold(text, |text, (test, _)| {
        text.replace(&format!("](test:{test})"), &format!("](#{})", proof_id(test)))
    })
}

fn proof_id(test: &str) -> String {
    format!("proof-{}", test.replace("::", "-"))
}

fn block(book: &Book, page: &Page, block: &Block) -> Option<String> {
    let body = block.body.trim_end();
    Some(match &block.fence {
        Fence::Rust { .. } | Fence::Go => match Include::parse(body) {
            Some(include) => {
                let excerpt = include.ok()?.resolve(&book.root, &page.file).ok()?;
                let file = source(book, page, &excerpt.file, excerpt.line);
                let language = if block.fence == Fence::Go { "go" } else { "rust" };
                figure("excerpt", &file, language, &excerpt.code)
            }
            None => figure("program", &program_caption(page, block), "program", body),
        },
        Fence::Folded => {
            let excerpt = Include::parse(body)?.ok()?.resolve(&book.root, &page.file).ok()?;
            folded(&format!("{}:{}", excerpt.file.display(), excerpt.line), &excerpt.code)
        }
        Fence::Refusal(Refusal::Code(code)) => {
            figure("refusal", &format!("does not compile: {code}"), "program", body)
        }
        Fence::Refusal(Refusal::Says(says)) => {
            figure("refusal", &format!("does not compile: {}", escape(says)), "program", body)
        }
        Fence::Slow => figure("console", "takes minutes; one run", "console", body),
        Fence::Console { varies: Varies::Everything } => {
            figure("console", "one run; the numbers vary", "console", body)
        }
        Fence::Console { varies: Varies::Words(words) } => {
            let caption = format!("one run; what varies: {}", escape(&words.join(", ")));
            figure("console", &caption, "console", body)
        }
        Fence::Console { varies: Varies::Nothing } => {
            figure("console", "recorded, and compared", "console", body)
        }
        Fence::Drawing => drawing(body)?,
        Fence::Diff { name, test, ending } => {
            let command = (!page.yours).then_some(name);
            figure("diff", &diff_caption(body, command, test, ending), "diff", &diff_body(body))
        }
        Fence::Recall { id, .. } => card(page, id, body)?,
        Fence::Text => return None,
    })
}

/// Where an excerpt stands, and the note that reads its crate, where that is another one.
fn source(book: &Book, page: &Page, file: &Path, line: usize) -> String {
    let place = format!("<code>{}:{line}</code>", file.display());
    match contents::note_of(book, file).filter(|note| note.path != page.path) {
        Some(note) => format!("{place} <span>in {}</span>", contents::html_link(page, note)),
        None => place,
    }
}

/// A listing with its caption.
fn figure(class: &str, caption: &str, language: &str, code: &str) -> String {
    let caption = match caption {
        "" => String::new(),
        text => format!("<figcaption>{text}</figcaption>\n"),
    };
    let pre = pre(language, code);
    format!("<figure class=\"{class}\">\n{caption}\n{pre}\n\n</figure>\n")
}

/// A listing that the reader unfolds, by the file in which it stands.
fn folded(file: &str, code: &str) -> String {
    let pre = pre("rust", code);
    format!(
        "<details class=\"folded\">\n<summary><code>{file}</code></summary>\n\n{pre}\n\n\
         </details>\n"
    )
}

/// Code as HTML. It begins a line of its own, so that Markdown takes all up to its end for HTML.
fn pre(language: &str, code: &str) -> String {
    let listing = highlight::listing(language, code.trim_end());
    format!("<pre><code class=\"{language}\">{listing}</code></pre>")
}

/// The SVG below the command, as it is. No line of it is empty, as Markdown reads HTML up to there.
fn drawing(body: &str) -> Option<String> {
    let (command, svg) = body.split_once('\n')?;
    let lines: String =
        svg.lines().filter(|line| !line.trim().is_empty()).flat_map(|line| [line, "\n"]).collect();
    let command = escape(command);
    Some(format!(
        "<figure class=\"drawing\">\n{lines}<figcaption><code>{command}</code> \
         <span>one run; the numbers vary</span></figcaption>\n</figure>\n"
    ))
}

/// How the reader runs a program of the page, by its number where there are several.
fn program_caption(page: &Page, block: &Block) -> String {
    if page.yours {
        return "a program of yours".into();
    }
    let programs: Vec<&Block> = page.programs().collect();
    let number = programs.iter().position(|program| program.line == block.line);
    let command = match (number, programs.len()) {
        (None, _) => return "a program of this page, only compiled".into(),
        (Some(_), 1) => format!("cargo book run {}", page.name()),
        (Some(at), _) => format!("cargo book run {} {}", page.name(), at + 1),
    };
    let hidden = block.body.lines().any(|line| line == "#" || line.starts_with("# "));
    let all = match hidden {
        true => " <label><input type=\"checkbox\">all lines</label>",
        false => "",
    };
    format!("a program of this page <span class=\"run\"><code>{command}</code></span>{all}")
}

/// `name`: of a diff that the reader can break the crate with.
fn diff_caption(body: &str, name: Option<&String>, test: &str, ending: &Ending) -> String {
    let file = body.lines().find_map(|line| line.strip_prefix("--- ")).unwrap_or("").trim();
    let how = match ending {
        Ending::Hangs => "hangs".into(),
        Ending::Dies(None) => "dies".into(),
        Ending::Dies(Some(signal)) => format!("dies of {}", escape(signal)),
        Ending::Fails(None) => "fails".into(),
        Ending::Fails(Some(words)) => format!("fails: <q>{}</q>", escape(words)),
    };
    let run = name.map_or(String::new(), |name| {
        format!("<span class=\"run\"><code>cargo book break {name}</code></span>")
    });
    format!(
        "<code>{file}</code> {run}\
         <span class=\"how\"><a href=\"#{}\"><code>{test}</code></a> then {how}</span>",
        proof_id(test)
    )
}

/// The hunks as a reader wants them: no file header, no shared indentation.
fn diff_body(body: &str) -> String {
    let lines: Vec<&str> = body.lines().filter(|line| !line.starts_with("--- ")).collect();
    let inner = |line: &&&str| !line.starts_with("@@") && line.len() > 1;
    let indent = |line: &&str| line[1..].len() - line[1..].trim_start().len();
    let shared = lines.iter().filter(inner).map(indent).min().unwrap_or(0);
    let cut = |line: &&str| match line.split_at_checked(1) {
        Some((mark, rest)) if mark != "@" => {
            format!("{mark}{}\n", rest.get(shared..).unwrap_or(""))
        }
        _ => "@@\n".into(),
    };
    let text: String = lines.iter().map(cut).collect();
    text.strip_prefix("@@\n").map(str::to_owned).unwrap_or(text)
}

/// The question is what is always shown, where HTML allows words only; it is one paragraph.
fn card(page: &Page, id: &str, body: &str) -> Option<String> {
    let (question, answer) = body.split_once("\n---\n")?;
    Some(format!(
        "<details class=\"recall\" id=\"recall-{id}\">\n<summary><span>{}</span></summary>\n\
         <div class=\"answer\">\n\n{}\n\n</div>\n</details>\n",
        inline(page, question.trim()),
        answer.trim()
    ))
}

/// Markdown of one paragraph as HTML without the paragraph, in one line.
fn inline(page: &Page, text: &str) -> String {
    let is_frame = |event: &Event<'_>| {
        matches!(event, Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph))
    };
    let mut out = String::new();
    html::push_html(&mut out, page.markdown.parser(text).filter(|event| !is_frame(event)));
    out.trim().replace('\n', " ")
}

/// What proves the page: the count of its blocks, and the source of every test that it names.
fn proofs(book: &Book, page: &Page) -> String {
    let of_diffs = page.blocks.iter().filter_map(|block| match &block.fence {
        Fence::Diff { test, .. } => Some(test.as_str()),
        _ => None,
    });
    let mut named: Vec<&str> = page.tests().map(|(test, _)| test).chain(of_diffs).collect();
    let mut seen = std::collections::HashSet::new();
    named.retain(|test| seen.insert(*test));
    if named.is_empty() {
        return String::new();
    }
    let (title, of) = match page.yours {
        true => ("What proves your note", "notes::"),
        false => ("What proves this page", ""),
    };
    let mut out = format!(
        "\n\n## {title}\n\n`cargo test {of}{}` runs {}. The tests that it names:\n\n",
        page.name(),
        count(page, named.len())
    );
    for (test, found) in named.iter().filter_map(|test| Some((test, book.tests.get(test).ok()?))) {
        let (of, name) = test.split_once("::").unwrap_or((test, ""));
        let code = dedent(&found.code);
        let _ = write!(
            out,
            "<details class=\"proof\">\n<summary><code>{test}</code></summary>\n\
             <p id=\"{}\"><code>{}:{}</code>, alone: <code>cargo test -p {of} {name}</code></p>\n\n\
             {}\n\n</details>\n\n",
            proof_id(test),
            found.file.display(),
            found.line,
            pre("rust", &code),
        );
    }
    out
}

/// "2 programs, 5 excerpts, 1 test", in the order of the alphabet.
fn count(page: &Page, tests: usize) -> String {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::from([("test", tests)]);
    for block in &page.blocks {
        let kind = block.name.split("::").next().unwrap_or("block");
        if kind != "recall" && kind != "text" {
            *kinds.entry(kind).or_default() += 1;
        }
    }
    let each =
        kinds.iter().map(|(kind, n)| format!("{n} {kind}{}", if *n == 1 { "" } else { "s" }));
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_is_one_piece_of_html() {
        let html = drawing("$ a --b <c>\n<svg>\n\n<title>T</title>\n</svg>").unwrap();
        let shown = "<figure class=\"drawing\">\n<svg>\n<title>T</title>\n</svg>\n<figcaption>";
        assert!(html.starts_with(shown), "{html}");
        assert!(
            html.contains("<code>$ a --b &lt;c&gt;</code>") && !html.contains("\n\n"),
            "{html}"
        );
    }

    /// A note in the form of the arc, and a page with a map.
    fn woven(old: &str, new: &str) -> String {
        let note = crate::arc::tests::note();
        assert!(note.contains(old), "{old}");
        let note = note.replacen(old, new, 1);
        let book = crate::book::tests::book(&[("why/a.md", &note)]);
        render(&book, &book.pages[0])
    }

    #[test]
    fn a_note_is_shown_with_its_opening_and_its_sections() {
        let html = woven("# T", "# T");
        for (at, piece) in [
            "# T\n\n<div class=\"needs\">\n\n*First reading, 4 minutes.*\n\n</div>\n\n<div class=\"opening\">",
            "<div class=\"plain\">\n\nRead on.\n\n</div>",
            "<summary>Exactly (Linux)</summary>\n\nSo. [Proof](#proof-a-b)",
            "<code>cargo book run a</code>",
            "<section class=\"what-to-do\">\n\n## What to do\n\nThis.\n\n\n</section>\n\n\
             <section class=\"in-one-sentence\">\n\n## In one sentence\n\nThat.\n\n\n</section>\n\n\
             <section class=\"break-it\">\n\n## Break it",
        ]
        .into_iter()
        .enumerate()
        {
            assert!(html.contains(piece), "{at}: {html}");
        }
        assert!(!html.contains("<!--"), "{html}");
    }

    #[test]
    fn a_fold_is_what_the_reader_unfolds() {
        let html = woven(
            "This.",
            "<!-- fold: What `a<b` said -->\n```text\nx\n```\n<!-- /fold -->\nThis.",
        );
        let fold = "<details class=\"fold\">\n<summary>What <code>a&lt;b</code> said</summary>\n\n\
                    ```text\nx\n```\n\n\n</details>\n\nThis.";
        assert!(html.contains(fold), "{html}");
    }

    #[test]
    fn a_program_among_several_is_run_by_its_number() {
        let second = "```rust\nfn main() { }\n```\n\n## What to do\n";
        let html = woven("## What to do\n", second);
        assert!(
            html.contains("cargo book run a 1</code>")
                && html.contains("cargo book run a 2</code>")
        );
    }

    #[test]
    fn the_map_goes_where_the_page_asks_for_it() {
        let html = woven("This.", "In *this* line: <!-- route: r: a -->.\n\n<!-- map -->");
        assert!(html.contains("In *this* line: [T](a.md) (4 minutes)."), "{html}");
        assert!(html.contains("| [T](a.md) | 4 | first |  |"), "{html}");
    }
}

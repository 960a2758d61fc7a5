//! `TASKS.md` of a fork: what to do, in which order, what to read, how to run it.

use std::fmt::Write;
use std::path::Path;

use weave::fork::of_page;
use weave::yours::NOTES;
use weave::{Book, Page};

use super::exercise::Exercise;

/// The text of the file.
pub fn text(book: &Book, exercise: &Exercise) -> String {
    let mut out = format!(
        "# {}\n\nThe bodies of these functions are yours to write. Each says `todo!`, and what to do.\n",
        exercise.name
    );
    for page in exercise.notes(book) {
        note(&mut out, book, exercise, page);
    }
    out += HOW;
    out
}

fn note(out: &mut String, book: &Book, exercise: &Exercise, page: &Page) {
    let (name, title) = (page.name(), page.title());
    let time = of_page(page).map_or("", |(time, _)| time.words());
    let yours = Path::new(NOTES).join(&name).with_extension("md");
    let _ = writeln!(
        out,
        "\n## {title}\n\nTakes {time}. Read the note first: {}, or the page of that name in the served\n\
         book. Your own page for it is {}: `cargo fork note {name}`\nbegins it, and opens it. The note's listings may show them: write with the note shut.\n",
        link(book, &page.file),
        link(book, &yours)
    );
    for (number, task) in (1..).zip(exercise.of_note(&name)) {
        let file = task.file.display();
        let _ = writeln!(out, "{number}. `{}` in `{file}`: {}.", task.name, task.says);
    }
}

/// A link to a file in the checkout, from wherever the fork lies.
fn link(book: &Book, file: &Path) -> String {
    format!("[`{}`](<{}>)", file.display(), book.root.join(file).display())
}

const HOW: &str = "
## How

    cargo test          all tests, as everywhere; needs nothing but cargo
    cargo fork try      the same, told by tasks: what waits for which, what hangs, and where
    cargo fork try --watch
    cargo fork next     what to do now
    cargo fork hint     a place to look, or a question; each time one more
    cargo fork solution the author's code, once yours is green or you ask twice
    cargo fork reset    begin again; what you wrote is kept

`cargo fork` is the program of the book's checkout, whose path is in `.cargo/config.toml`: change it
there if the checkout has moved. The tests may be read; they show no answer. Errors that mention
`vendor/` or `.fork/` are not yours.
";

//! `TASKS.md` of a fork: what to do, in which order, what to read, how to run it.

use std::fmt::Write;

use weave::fork::of_page;
use weave::{Book, Page};

use super::exercise::Exercise;

/// The text of the file.
pub fn text(book: &Book, exercise: &Exercise) -> String {
    let mut out = format!(
        "# {}\n\nThe bodies of these functions are yours to write. Each says `todo!`, and what to do.\n",
        exercise.package
    );
    for page in exercise.notes(book) {
        note(&mut out, exercise, page);
    }
    out += HOW;
    out
}

fn note(out: &mut String, exercise: &Exercise, page: &Page) {
    let (name, title) = (page.name(), page.title());
    let time = of_page(page).map_or("", |(time, _)| time.words());
    let _ = writeln!(
        out,
        "\n## {title}\n\nTakes {time}. Read the note first: `{}` in the checkout of the book, or the page\n\
         of that name in the served one. Your own page for it is `notes/{name}.md` in the checkout:\n\
         `cargo fork note {name}` opens it.\n",
        page.file.display()
    );
    for (number, task) in (1..).zip(exercise.of_note(&name)) {
        let file = task.file.display();
        let _ = writeln!(out, "{number}. `{}` in `{file}`: {}.", task.name, task.says);
    }
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

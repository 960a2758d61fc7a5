//! What `try` tells of a fork.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{IsTerminal, stdout};

use weave::Book;

use super::exercise::{Exercise, Idea};
use super::seen::Bad;
use super::trial::{How, Outcomes, Said};

/// Colours for a terminal, none for a file.
#[derive(Debug, Clone, Copy)]
pub struct Paint(bool);

impl Paint {
    /// Those that standard output takes.
    pub fn of_stdout() -> Paint {
        Paint(stdout().is_terminal())
    }

    /// None.
    pub fn none() -> Paint {
        Paint(false)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// For what is as it should be.
    pub fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    /// For what is not.
    pub fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    /// For what is not yet.
    pub fn faint(self, text: &str) -> String {
        self.with("2", text)
    }

    /// For names.
    pub fn strong(self, text: &str) -> String {
        self.with("1", text)
    }
}

/// The report on a fork whose tests ended so.
pub fn report(exercise: &Exercise, outcomes: &Outcomes, paint: Paint) -> String {
    let mut out = String::new();
    let count = |is: fn(&How) -> bool| outcomes.values().filter(|how| is(how)).count();
    let passed = count(|how| *how == How::Passed);
    let head = format!("{}: {passed} of {} tests pass", exercise.name, outcomes.len());
    let all = outcomes.values().all(How::is_good);
    let _ = writeln!(out, "{}", if all { paint.good(&head) } else { paint.strong(&head) });
    for (test, how) in outcomes {
        if let How::Skipped(why) = how {
            let _ = writeln!(out, "{:<9} {test}\n          {why}", paint.faint("skipped  "));
        }
    }
    for (test, how) in outcomes {
        if let How::Badly(bad, said) = how {
            out += &badly(test, *bad, said, paint);
        }
    }
    waiting(&mut out, exercise, outcomes, paint);
    out
}

fn badly(test: &str, bad: Bad, Said { words, place }: &Said, paint: Paint) -> String {
    let verb = match bad {
        Bad::Failed => "failed",
        Bad::Hung => "hung",
        Bad::Computing => "still computing",
        Bad::Died => "died",
    };
    let words = words.replace('\n', "\n    ");
    let place =
        if place.is_empty() { String::new() } else { format!("\n    {}", paint.faint(place)) };
    format!("{} {test}\n    {words}{place}\n", paint.bad(verb))
}

/// One line for each task that tests wait for.
fn waiting(out: &mut String, exercise: &Exercise, outcomes: &Outcomes, paint: Paint) {
    let mut waiting: BTreeMap<&str, usize> = BTreeMap::new();
    for how in outcomes.values() {
        if let How::Waits(task) = how {
            *waiting.entry(task).or_default() += 1;
        }
    }
    for task in &exercise.tasks {
        let Some(tests) = waiting.get(task.name.as_str()) else { continue };
        let tests = if *tests == 1 { "1 test waits".into() } else { format!("{tests} tests wait") };
        let _ = writeln!(
            out,
            "{} for {}, in {}: {}",
            paint.faint(&tests),
            paint.strong(&task.name),
            task.file.display(),
            task.says
        );
    }
}

/// What is said of an idea that is missing.
pub fn missing(book: &Book, idea: &Idea, paint: Paint) -> String {
    let (page, heading) = idea.see.split_once('#').unwrap_or((&idea.see, ""));
    let of = book.pages.iter().find(|of| of.name() == page);
    let where_ = match of {
        Some(of) => {
            let text = of.headings.iter().find(|known| known.id == heading);
            let text = text.map_or(String::new(), |known| format!(", under “{}”", known.text));
            let path = of.path.with_extension("html");
            format!(
                "{}{text}\n    {} · http://127.0.0.1:3000/{}#{heading}",
                of.title(),
                of.file.display(),
                path.display()
            )
        }
        None => idea.see.clone(),
    };
    format!(
        "\n{}\n    {}\n    {where_}\n",
        paint.strong("It fails as answers do that lack this:"),
        idea.says
    )
}

//! What the tests of an exercise were seen to do: `fork/SEEN.txt`, or `SEEN-c.txt`, which `cargo book prove exercises
//! --record` writes.
//!
//! ```text
//! without drain_per_event
//!     draining_sees_the_close
//!
//! answer one-read-per-edge
//!     draining_sees_the_close hung
//!     a_second_batch_is_read failed sent 200 bytes, read 64
//!     perhaps replies_come_in_any_order failed got the second for the first
//! ```
//!
//! `perhaps` stands before what one run saw and another did not: replies that come in another order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The name of the file, for an exercise in Rust or in another language.
pub fn file(lang: Option<&str>) -> String {
    match lang {
        None | Some("rust") => "SEEN.txt".to_owned(),
        Some(lang) => format!("SEEN-{lang}.txt"),
    }
}

/// How a test ended that did not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bad {
    /// A panic, or an exit code.
    Failed,
    /// All its threads sleep for ever.
    Hung,
    /// It computed, or waited with a timeout, when its time was over.
    Computing,
    /// A signal ended it.
    Died,
}

const WORDS: [(Bad, &str); 4] = [
    (Bad::Failed, "failed"),
    (Bad::Hung, "hung"),
    (Bad::Computing, "computing"),
    (Bad::Died, "died"),
];

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = WORDS.iter().find(|(bad, _)| bad == self).map_or("", |(_, word)| word);
        f.pad(word)
    }
}

/// A test that ended badly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ending {
    /// Its name.
    pub test: String,
    /// How it ended.
    pub bad: Bad,
    /// What it said, in one line, if it failed.
    pub words: String,
}

/// The tests that ended badly.
pub type Endings = BTreeSet<Ending>;

/// How the tests end with a wrong answer.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// What each run saw.
    pub always: Endings,
    /// What some runs saw.
    pub perhaps: Endings,
}

impl Pattern {
    /// What one run saw.
    pub fn of(seen: Endings) -> Pattern {
        Pattern { always: seen, perhaps: Endings::new() }
    }

    /// Adds what another run saw.
    pub fn add(&mut self, seen: &Endings) {
        let varies: Endings = self.always.symmetric_difference(seen).cloned().collect();
        self.always.retain(|one| seen.contains(one));
        self.perhaps.extend(varies);
        self.perhaps.retain(|one| !self.always.contains(one));
    }

    /// Whether a run that saw this may have been of this answer, where some tests could not be run.
    pub fn fits(&self, seen: &Endings, could_not: impl Fn(&str) -> bool) -> bool {
        let must = |one: &&Ending| !could_not(&one.test);
        let mut always = self.always.iter().filter(must).peekable();
        // What may be and what may not be says nothing.
        always.peek().is_some()
            && always.all(|one| seen.contains(one))
            && seen.iter().all(|one| self.always.contains(one) || self.perhaps.contains(one))
    }
}

/// What was seen of an exercise.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The tests that fail while only this task is not done, by the task's name.
    pub without: BTreeMap<String, BTreeSet<String>>,
    /// How the tests end with this wrong answer, by its name.
    pub answers: BTreeMap<String, Pattern>,
}

impl Seen {
    /// Reads the record in a crate's folder `fork`; one that is not there has seen nothing.
    pub fn read(folder: &Path, lang: Option<&str>) -> Result<Seen> {
        let file = folder.join(file(lang));
        match file.exists() {
            true => Seen::parse(&weave::text::read(&file)?).with_context(|| {
                format!("{}: `cargo book prove exercises --record` writes it", file.display())
            }),
            false => Ok(Seen::default()),
        }
    }

    fn parse(text: &str) -> Result<Seen> {
        let mut seen = Seen::default();
        let mut section = None;
        for (at, line) in (1..).zip(text.lines()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match (&words[..], section) {
                ([], _) => {}
                (["without", task], _) => {
                    seen.without.entry((*task).to_owned()).or_default();
                    section = Some(("without", *task));
                }
                (["answer", name], _) => {
                    seen.answers.entry((*name).to_owned()).or_default();
                    section = Some(("answer", *name));
                }
                ([test], Some(("without", task))) => {
                    seen.without.entry(task.to_owned()).or_default().insert((*test).to_owned());
                }
                (words, Some(("answer", name))) => {
                    let pattern = seen.answers.entry(name.to_owned()).or_default();
                    let (endings, words) = match words {
                        ["perhaps", words @ ..] => (&mut pattern.perhaps, words),
                        words => (&mut pattern.always, words),
                    };
                    let [test, ending, words @ ..] = words else {
                        bail!("line {at} can't be read: `{line}`");
                    };
                    let bad = WORDS.iter().find(|(_, word)| word == ending);
                    let (bad, _) =
                        bad.with_context(|| format!("line {at}: no ending is `{ending}`"))?;
                    let ending =
                        Ending { test: (*test).to_owned(), bad: *bad, words: words.join(" ") };
                    endings.insert(ending);
                }
                _ => bail!("line {at} can't be read: `{line}`"),
            }
        }
        Ok(seen)
    }

    /// The tests that some task must be done for.
    pub fn needed(&self) -> BTreeSet<&str> {
        self.without.values().flatten().map(String::as_str).collect()
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for (task, tests) in &self.without {
            writeln!(text, "without {task}")?;
            tests.iter().try_for_each(|test| writeln!(text, "    {test}"))?;
            text.push('\n');
        }
        for (answer, pattern) in &self.answers {
            writeln!(text, "answer {answer}")?;
            for (endings, how) in [(&pattern.always, ""), (&pattern.perhaps, "perhaps ")] {
                for Ending { test, bad, words } in endings {
                    writeln!(text, "{}", format!("    {how}{test} {bad} {words}").trim_end())?;
                }
            }
            text.push('\n');
        }
        writeln!(f, "{}", text.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_read_as_it_was_written() {
        let text = "without a\n    t::one\n    t::two\n\nanswer x\n    t::one hung\n    t::two failed sent 5, read 3\n    perhaps t::three died\n";
        let seen = Seen::parse(text).unwrap();
        assert_eq!(seen.to_string(), text);
        assert_eq!(seen.needed().len(), 2);
        assert!(Seen::parse("answer x\n    t::one sang\n").is_err());
        assert!(Seen::parse("    t::one\n").is_err());
    }

    #[test]
    fn what_comes_in_some_runs_may_come_and_may_not() {
        let seen = |tests: &[&str]| -> Endings {
            let ending =
                |test: &&str| Ending { test: (*test).into(), bad: Bad::Hung, words: String::new() };
            tests.iter().map(ending).collect()
        };
        let mut pattern = Pattern::of(seen(&["a", "b"]));
        assert!(!pattern.fits(&seen(&["a"]), |_| false) && !pattern.fits(&seen(&[]), |_| false));
        pattern.add(&seen(&["a", "c"]));
        assert_eq!(pattern, Pattern { always: seen(&["a"]), perhaps: seen(&["b", "c"]) });
        pattern.add(&seen(&["a", "b"]));
        assert_eq!(pattern, Pattern { always: seen(&["a"]), perhaps: seen(&["b", "c"]) });
        for fits in [&["a"][..], &["a", "b"], &["a", "b", "c"]] {
            assert!(pattern.fits(&seen(fits), |_| false), "{fits:?}");
        }
        assert!(!pattern.fits(&seen(&["b", "c"]), |_| false));
        assert!(!pattern.fits(&seen(&["a", "d"]), |_| false));
        assert!(
            !pattern.fits(&seen(&["b"]), |test| test == "a"),
            "nothing that always comes is left"
        );
    }
}

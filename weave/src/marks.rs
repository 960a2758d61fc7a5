//! The comments by which a page tells weave something: what it needs, what is folded, and where the
//! map or a route goes.

use std::ops::Range;

use mdbook_markdown::pulldown_cmark::{Event, HeadingLevel, Tag, TagEnd};

use crate::fork::Time;
use crate::mdbook::Markdown;
use crate::problem::Fault;

/// All marks, as an author may write them. Shown in errors.
pub const MARKS: &str = "\
<!-- needs: a, b; level: first -->    under the title: the notes to read before, and for whom it is
<!-- fold: What they said -->         opens what the reader unfolds, at the margin
<!-- /fold -->                        closes it
<!-- map -->                          all notes by parts
<!-- route: first: a, b -->           these notes, with their minutes
<!-- fork: ten minutes -->            the exercise of this note; or `an hour`, or `an evening`
<!-- fork: an evening; crate: my-mio -->    the same, where it is a whole crate";

const NEEDS: &str = "`<!-- needs: one-note, another; level: first -->`; the levels are first, \
                     working and deep; `code: subject` may follow where the page is about code";

/// For whom a note is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Has written threads and some async.
    First,
    /// Uses tokio daily.
    Working,
    /// Wants it all.
    Deep,
}

impl Level {
    /// As an author writes it.
    pub fn name(self) -> &'static str {
        match self {
            Level::First => "first",
            Level::Working => "working",
            Level::Deep => "deep",
        }
    }

    fn parse(name: &str) -> Option<Level> {
        [Level::First, Level::Working, Level::Deep].into_iter().find(|level| level.name() == name)
    }
}

/// What a note says under its title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// The line, from 1.
    pub line: usize,
    /// The bytes of the page that it takes.
    pub range: Range<usize>,
    /// The names of the notes to read before.
    pub notes: Vec<String>,
    /// For whom it is.
    pub level: Level,
    /// Whether the note is about code, so that it may show more code than prose.
    pub code_is_subject: bool,
}

/// What a reader unfolds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// The line at which it opens, from 1.
    pub line: usize,
    /// What the reader sees of it.
    pub title: String,
    /// The bytes of the opening mark.
    pub open: Range<usize>,
    /// The bytes of the closing mark.
    pub close: Range<usize>,
}

/// What weave writes in the place of a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// All notes by parts.
    Map,
    /// Notes in an order.
    Route {
        /// `first` is bounded in minutes.
        name: String,
        /// The names of its notes.
        notes: Vec<String>,
    },
    /// The note's exercise.
    Fork {
        /// How long it takes.
        time: Time,
        /// The crate to fork, where the note marks no tasks of its own.
        of_crate: Option<String>,
    },
}

/// A mark in whose place weave writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The bytes of the page that it takes.
    pub range: Range<usize>,
    /// What goes there.
    pub asked: Asked,
}

/// The marks of a page.
#[derive(Debug, Default)]
pub struct Marks {
    /// What stands under the title.
    pub needs: Option<Needs>,
    /// The quotation below it, as bytes of the page.
    pub quote: Option<Range<usize>>,
    /// Its folds.
    pub folds: Vec<Fold>,
    /// Where weave writes.
    pub places: Vec<Place>,
    /// What is wrong with marks, each with its line.
    pub faults: Vec<(usize, Fault)>,
}

impl Marks {
    /// Reads all marks of a page.
    pub fn read(markdown: Markdown, text: &str) -> Marks {
        let mut reader =
            Reader { text, marks: Marks::default(), open: None, above: Above::Nothing };
        reader.read(markdown);
        if let Some((line, ..)) = reader.open {
            let what = "this fold is never closed";
            reader.marks.faults.push((line, Fault::new(what, "write `<!-- /fold -->` below it")));
        }
        reader.marks
    }

    /// Whether a byte of the page is folded.
    pub fn folds(&self, offset: usize) -> bool {
        self.folds.iter().any(|fold| (fold.open.start..fold.close.end).contains(&offset))
    }
}

/// One mark, read.
#[derive(Debug, PartialEq, Eq)]
enum Mark {
    Needs { notes: Vec<String>, level: Level, code_is_subject: bool },
    Fold(String),
    EndFold,
    Place(Asked),
}

/// The last thing above, at the margin, comments aside.
#[derive(PartialEq)]
enum Above {
    Nothing,
    Title,
    Needs,
    Other,
}

struct Reader<'a> {
    text: &'a str,
    marks: Marks,
    /// The open fold: its line, its title, its mark.
    open: Option<(usize, String, Range<usize>)>,
    above: Above,
}

impl Reader<'_> {
    fn read(&mut self, markdown: Markdown) {
        let (mut depth, mut html) = (0, String::new());
        for (event, range) in markdown.parser(self.text).into_offset_iter() {
            match event {
                Event::Start(tag) => {
                    if tag == Tag::HtmlBlock {
                        html.clear();
                    } else if depth == 0 {
                        self.block(&tag, range);
                    }
                    depth += 1;
                }
                Event::End(tag) => {
                    depth -= 1;
                    if tag == TagEnd::HtmlBlock {
                        self.comment(&html, range, depth == 0);
                    }
                }
                Event::Html(line) => html.push_str(&line),
                Event::InlineHtml(html) => self.comment(&html, range, false),
                Event::Rule if depth == 0 => self.above = Above::Other,
                _ => {}
            }
        }
    }

    /// A block at the margin begins.
    fn block(&mut self, tag: &Tag<'_>, range: Range<usize>) {
        self.above = match (tag, &self.above) {
            (Tag::Heading { level: HeadingLevel::H1, .. }, Above::Nothing) => Above::Title,
            (Tag::BlockQuote(_), Above::Needs) => {
                self.marks.quote = Some(range);
                Above::Other
            }
            _ => Above::Other,
        };
    }

    fn comment(&mut self, html: &str, range: Range<usize>, at_margin: bool) {
        let line = self.text[..range.start].matches('\n').count() + 1;
        let mut wrong = |what: &str, help: String| {
            self.marks.faults.push((line, Fault::new(what, help)));
        };
        let Some(inner) = html.trim().strip_prefix("<!--") else {
            return;
        };
        let mark = match Mark::parse(inner.split("-->").next().unwrap_or(inner).trim()) {
            None => return,
            Some(Err(fault)) => return self.marks.faults.push((line, fault)),
            Some(Ok(mark)) => mark,
        };
        let is_inline = matches!(mark, Mark::Place(Asked::Route { .. }));
        let alone = inner.find("-->").is_some_and(|end| inner[end + 3..].trim().is_empty());
        if !alone || !(at_margin || is_inline) {
            let help = "write it in a line of its own, at the margin, in no list and no quotation";
            return wrong("this mark does not stand alone", help.into());
        }
        self.mark(mark, line, range);
    }

    fn mark(&mut self, mark: Mark, line: usize, range: Range<usize>) {
        let mut wrong = |what: String, help: &str| {
            self.marks.faults.push((line, Fault::new(what, help)));
        };
        match mark {
            Mark::Needs { .. } if self.above != Above::Title => {
                wrong("`needs` does not stand under the title".into(), NEEDS);
            }
            Mark::Needs { notes, level, code_is_subject } => {
                self.marks.needs = Some(Needs { line, range, notes, level, code_is_subject });
                self.above = Above::Needs;
            }
            Mark::Fold(title) => match &self.open {
                Some((first, ..)) => wrong(
                    format!("a fold in the fold of line {first}"),
                    "close the first with `<!-- /fold -->`; folds do not nest",
                ),
                None => self.open = Some((line, title, range)),
            },
            Mark::EndFold => match self.open.take() {
                Some((line, title, open)) => {
                    self.marks.folds.push(Fold { line, title, open, close: range });
                }
                None => wrong(
                    "no fold is open here".into(),
                    "open it with `<!-- fold: What the reader unfolds -->`",
                ),
            },
            Mark::Place(asked) => self.marks.places.push(Place { line, range, asked }),
        }
    }
}

impl Mark {
    /// `None` for a comment that is no mark.
    fn parse(comment: &str) -> Option<Result<Mark, Fault>> {
        let end = comment.find(|c: char| c == ':' || c.is_whitespace()).unwrap_or(comment.len());
        let (word, rest) = (&comment[..end], comment[end..].trim());
        let value = rest.strip_prefix(':').map(str::trim);
        let form = || {
            let what = format!("`{comment}` is not a form of the mark `{word}`");
            Fault::new(what, format!("the marks are:\n{MARKS}"))
        };
        Some(match (word, value) {
            ("needs", Some(value)) => needs(value),
            ("fold", Some(title)) if !title.is_empty() => Ok(Mark::Fold(title.to_owned())),
            ("/fold", None) if rest.is_empty() => Ok(Mark::EndFold),
            ("map", None) if rest.is_empty() => Ok(Mark::Place(Asked::Map)),
            ("route", Some(value)) => {
                let route = value.split_once(':').map(|(name, notes)| (name.trim(), list(notes)));
                match route {
                    Some((name, notes)) if !name.is_empty() && !notes.is_empty() => {
                        Ok(Mark::Place(Asked::Route { name: name.to_owned(), notes }))
                    }
                    _ => Err(form()),
                }
            }
            ("fork", Some(value)) => match fork(value) {
                Some(asked) => Ok(Mark::Place(asked)),
                None => Err(form()),
            },
            ("needs" | "level" | "fold" | "/fold" | "map" | "route" | "fork", _) => Err(form()),
            _ => return None,
        })
    }
}

fn list(names: &str) -> Vec<String> {
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

fn fork(value: &str) -> Option<Asked> {
    let (time, rest) =
        value.split_once(';').map_or((value, None), |(time, rest)| (time, Some(rest)));
    let of_crate = match rest {
        Some(rest) => Some(rest.trim().strip_prefix("crate:")?.trim().to_owned()),
        None => None,
    };
    let time = Time::ALL.into_iter().find(|known| known.words() == time.trim())?;
    Some(Asked::Fork { time, of_crate })
}

fn needs(value: &str) -> Result<Mark, Fault> {
    let mut parts = value.split(';');
    let notes = list(parts.next().unwrap_or_default());
    let (mut level, mut code_is_subject) = (None, false);
    for part in parts {
        let (key, value) = part.split_once(':').unwrap_or((part, ""));
        match (key.trim(), value.trim()) {
            ("level", name) => match Level::parse(name) {
                Some(known) => level = Some(known),
                None => return Err(Fault::new(format!("unknown level `{name}`"), NEEDS)),
            },
            ("code", "subject") => code_is_subject = true,
            _ => {
                let what = format!("`{}` in the mark `needs`", part.trim());
                return Err(Fault::new(what, NEEDS));
            }
        }
    }
    match level {
        Some(level) => Ok(Mark::Needs { notes, level, code_is_subject }),
        None => Err(Fault::new("the mark `needs` names no level", NEEDS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Marks {
        Marks::read(Markdown::default(), text)
    }

    #[test]
    fn a_page_says_what_it_needs_under_its_title() {
        let marks = read(
            "<!-- draft -->\n\n# T\n<!-- needs: a, b; level: working; code: subject -->\n> Plain.\n",
        );
        let needs = marks.needs.unwrap();
        assert_eq!((needs.line, needs.notes), (4, vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!((needs.level, needs.code_is_subject), (Level::Working, true));
        assert!(marks.quote.is_some() && marks.faults.is_empty(), "{:?}", marks.faults);
        let marks = read("# T\n\n<!-- needs: ; level: first -->\n\n> Plain.\n");
        assert_eq!(marks.needs.unwrap().notes, [""; 0]);
    }

    #[test]
    fn a_fold_is_what_stands_between_its_marks() {
        let text = "a\n<!-- fold: What they said -->\nb\n<!-- /fold -->\nc\n";
        let marks = read(text);
        assert_eq!(marks.folds[0].title, "What they said");
        let inside = |word: &str| marks.folds(text.find(word).unwrap());
        assert_eq!([inside("a\n"), inside("b\n"), inside("c\n")], [false, true, false]);
        assert!(marks.faults.is_empty(), "{:?}", marks.faults);
    }

    #[test]
    fn a_route_may_stand_in_a_line_and_a_map_may_not() {
        let marks = read("- *First*: <!-- route: first: a, b -->\n\n<!-- map -->\n");
        let route = Asked::Route { name: "first".into(), notes: vec!["a".into(), "b".into()] };
        assert_eq!(marks.places[0].asked, route);
        assert_eq!((marks.places[1].line, &marks.places[1].asked), (3, &Asked::Map));
        assert!(marks.faults.is_empty(), "{:?}", marks.faults);
    }

    /// The one fault of a page: its line, and what it says.
    fn fault(text: &str) -> (usize, String) {
        let marks = read(text);
        assert_eq!(marks.faults.len(), 1, "{text:?}: {:?}", marks.faults);
        (marks.faults[0].0, marks.faults[0].1.to_string())
    }

    #[test]
    fn what_is_no_mark_is_refused_at_its_line() {
        for (text, line, says) in [
            ("# T\n<!-- needs: a -->\n", 2, "names no level"),
            ("# T\n<!-- needs: a; level: easy -->\n", 2, "unknown level `easy`"),
            ("# T\n<!-- needs: a; level: first; code: lots -->\n", 2, "`code: lots`"),
            ("# T\n<!-- needs a; level: first -->\n", 2, "is not a form of the mark `needs`"),
            ("# T\n\nText.\n\n<!-- needs: a; level: first -->\n", 5, "under the title"),
            ("# T\n<!-- needs: ; level: deep -->\n<!-- needs: ; level: deep -->\n", 3, "the title"),
            ("- a\n\n  <!-- fold: x -->\n", 3, "does not stand alone"),
            ("<!-- fold: x --> text\n", 1, "does not stand alone"),
            ("Text <!-- map -->\n", 1, "does not stand alone"),
            ("a\n\n<!-- fold: x -->\nb\n", 3, "never closed"),
            ("a\n<!-- /fold -->\n", 2, "no fold is open"),
            ("<!-- fold: x -->\n<!-- fold: y -->\n<!-- /fold -->\n", 2, "in the fold of line 1"),
            ("<!-- fold -->\n", 1, "is not a form of the mark `fold`"),
            ("<!-- fork: a day -->\n", 1, "is not a form of the mark `fork`"),
            ("<!-- route: a, b -->\n", 1, "is not a form of the mark `route`"),
        ] {
            let (at, said) = fault(text);
            assert_eq!(at, line, "{text:?}: {said}");
            assert!(said.contains(says), "{text:?}: {said}");
        }
        assert!(read("<!-- the needs of a reader -->\n").faults.is_empty());
    }
}

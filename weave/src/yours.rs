//! The reader's own notes, in the folder `notes` of the checkout, which git ignores: pages in the same
//! language, proven alike, and told apart from the author's wherever something is wrong.
//!
//! `notes/edges.md` belongs to the note of that name and is shown under it. One whose name no note has
//! is shown in a part of its own, *Yours*.

use std::collections::HashMap;
use std::path::Path;

use mdbook_preprocessor::book::{Book as MdBook, BookItem, Chapter};

use crate::belongs;
use crate::book::Book;
use crate::cards;
use crate::check;
use crate::fence::Fence;
use crate::highlight::escape;
use crate::links::Site;
use crate::page::Page;
use crate::problem::{Fault, Problem};
use crate::render::render;
use crate::text;

/// The folder of the reader's notes, relative to the root of the repository.
pub const NOTES: &str = "notes";

/// The title of the part for notes that belong to none of the author's.
pub const PART: &str = "Yours";

/// Where that part is built.
const FOLDER: &str = "yours";

/// The reader's notes, read.
#[derive(Debug, Default)]
pub struct Yours {
    /// The notes, in the order of the book and then of their names.
    pub pages: Vec<Page>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// Whether a note can have this name.
pub fn is_name(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(is_letter)
}

/// The author's note that a note of this name belongs to.
pub fn host<'a>(book: &'a Book, name: &str) -> Option<&'a Page> {
    let is_note = |page: &&Page| page.path.parent() != Some(Path::new(""));
    book.pages.iter().filter(is_note).find(|page| page.name() == name)
}

impl Yours {
    /// Reads the notes beside a book. Never fails: what can't be read is in `problems`.
    pub fn load(book: &Book) -> Yours {
        let mut yours = Yours::default();
        for (path, found) in belongs::entries(&book.root.join(NOTES)) {
            let file = path.strip_prefix(&book.root).unwrap_or(&path);
            let read = match found {
                Ok(_) if path.extension().is_none_or(|of| of != "md") => continue,
                found => found.and_then(|_| text::read(&path)),
            };
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            match read {
                Err(error) => {
                    yours.problems.push(Problem::unread(&book.root, &path, &error));
                }
                Ok(_) if !is_name(&name) || file.components().count() != 2 => {
                    let help = format!(
                        "a note is `{NOTES}/NAME.md`, its name of small letters, digits and `-`"
                    );
                    let fault = Fault::new("this note is not shown: its name can't be one", help);
                    yours.problems.push(fault.at(file, 1));
                }
                Ok(text) => yours.pages.push(page(book, &name, file, text)),
            }
        }
        let place = |page: &Page| book.pages.iter().position(|host| host.path == page.path);
        yours.pages.sort_by_key(|page| (place(page).unwrap_or(usize::MAX), page.name()));
        yours
    }

    /// Everything that is wrong with the notes and needs no compiler to be found.
    pub fn check(&self, book: &Book) -> Vec<Problem> {
        let mut problems = self.problems.clone();
        for page in &self.pages {
            problems.extend(self.check_page(book, page));
        }
        problems.sort();
        problems.dedup();
        problems
    }

    /// What is wrong with one of them.
    fn check_page(&self, book: &Book, page: &Page) -> Vec<Problem> {
        let mut problems = page.problems.clone();
        check::blocks(book, page, &mut problems);
        cards::check(page, &mut problems);
        let own = page.markdown.ids(&render(book, page));
        let site = Site::of(book).with(&self.pages);
        for link in &page.links {
            let is_own = link.to.strip_prefix('#').is_some_and(|id| own.iter().any(|of| of == id));
            if !is_own && let Err(fault) = site.follow(page, link) {
                problems.push(page.problem(link.line, fault));
            }
        }
        self.check_names(book, page, &mut problems);
        problems
    }

    /// Diffs and cards are found by their names, among the author's too.
    fn check_names(&self, book: &Book, page: &Page, problems: &mut Vec<Problem>) {
        let mut seen: HashMap<String, String> = HashMap::new();
        for other in book.pages.iter().chain(&self.pages) {
            for block in &other.blocks {
                let name = match &block.fence {
                    Fence::Diff { name, .. } => format!("diff `{name}`"),
                    Fence::Recall { id, .. } => format!("card `{id}`"),
                    _ => continue,
                };
                let place = format!("{}:{}", other.file.display(), block.line);
                let first = seen.entry(name.clone()).or_insert_with(|| place.clone());
                if *first != place && other.file == page.file {
                    let help = format!("the first is at {first}: choose another name");
                    problems.push(
                        page.problem(block.line, Fault::new(format!("a second {name}"), help)),
                    );
                }
            }
        }
    }

    /// The notes with which nothing is wrong.
    pub fn sound(&self, book: &Book) -> impl Iterator<Item = &Page> {
        self.pages.iter().filter(|page| self.check_page(book, page).is_empty())
    }

    /// Puts the notes into the book that mdBook builds: under the author's, and in a part of their own.
    pub fn add_to(&self, book: &Book, woven: &mut MdBook) {
        woven.for_each_chapter_mut(|chapter| {
            let path = chapter.source_path.as_deref();
            if let Some(page) = self.pages.iter().find(|page| path == Some(&page.path)) {
                chapter.content += &self.shown(book, page);
            }
        });
        let hosted = |page: &Page| book.page(&page.path).is_some();
        let own: Vec<&Page> = self.pages.iter().filter(|page| !hosted(page)).collect();
        if !own.is_empty() {
            woven.items.push(BookItem::PartTitle(PART.into()));
        }
        for page in own {
            let title = if page.title().is_empty() { page.name() } else { page.title().into() };
            let content = self.shown(book, page);
            let chapter = Chapter::new(&title, content, &page.path, Vec::new());
            woven.items.push(BookItem::Chapter(chapter));
        }
    }

    /// A note as it is shown: as a section, or what is wrong with it in its place.
    fn shown(&self, book: &Book, page: &Page) -> String {
        let file = page.file.display();
        let name = page.name();
        let open = format!(
            "\n\n<section class=\"yours\" data-note=\"{name}\">\n<p class=\"yours-mark\">Yours: \
             <code>{file}</code></p>\n\n"
        );
        let problems = self.check_page(book, page);
        let inner = match problems.is_empty() {
            true => render(book, &lowered(book, page)),
            false => {
                let said: Vec<String> = problems.iter().map(|it| escape(&it.to_string())).collect();
                // An empty line would end the HTML.
                format!(
                    "<pre class=\"weave-error\">{}</pre>",
                    said.join("\n").replace("\n\n", "\n")
                )
            }
        };
        format!("{open}{inner}\n\n</section>\n")
    }
}

fn page(book: &Book, name: &str, file: &Path, text: String) -> Page {
    let host = host(book, name);
    let own = Path::new(FOLDER).join(name).with_extension("md");
    let path = host.map_or(own.as_path(), |host| &host.path);
    let mut page = Page::parse_as(book.markdown, file, path, text);
    page.part = host.map_or(PART, |host| &host.part).to_owned();
    page.yours = true;
    page.draft = false;
    page.also = host.into_iter().flat_map(Page::crates).map(str::to_owned).collect();
    page
}

/// A note below the author's: its headings are a level lower. No line moves.
fn lowered(book: &Book, page: &Page) -> Page {
    if book.page(&page.path).is_none() {
        return self::page(book, &page.name(), &page.file, page.text.clone());
    }
    let is_heading =
        |line: usize| page.headings.iter().any(|heading| heading.line == line && heading.level < 6);
    let lines = (1..).zip(page.text.split_inclusive('\n'));
    let lower = |(at, line): (usize, &str)| match is_heading(at) && line.starts_with('#') {
        true => format!("#{line}"),
        false => line.to_owned(),
    };
    self::page(book, &page.name(), &page.file, lines.map(lower).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::book::tests::book;

    const CARD: &str = "# Edges\n\n```recall,theirs\nWhy?\n---\nSo.\n```\n";

    /// A book of two notes, with these beside it.
    fn beside(notes: &[(&str, &str)]) -> (tempfile::TempDir, Book, Yours) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in notes {
            let file = dir.path().join(NOTES).join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let mut book =
            book(&[("start.md", "# S\n"), ("why/cost.md", "# C\n"), ("why/edges.md", CARD)]);
        book.root = dir.path().to_owned();
        let yours = Yours::load(&book);
        (dir, book, yours)
    }

    fn said(notes: &[(&str, &str)]) -> Vec<String> {
        let (_dir, book, yours) = beside(notes);
        yours.check(&book).iter().map(ToString::to_string).collect()
    }

    fn woven(notes: &[(&str, &str)]) -> (Vec<String>, String) {
        let (_dir, book, yours) = beside(notes);
        let chapter = |page: &Page| {
            BookItem::Chapter(Chapter::new("", page.text.clone(), &page.path, Vec::new()))
        };
        let mut woven = MdBook { items: book.pages.iter().map(chapter).collect() };
        yours.add_to(&book, &mut woven);
        let item = |item: &BookItem| match item {
            BookItem::Chapter(chapter) => chapter.path.clone().unwrap().display().to_string(),
            BookItem::PartTitle(title) => title.clone(),
            BookItem::Separator => String::new(),
        };
        let mut all = String::new();
        woven.for_each_chapter_mut(|chapter| all += &chapter.content);
        (woven.items.iter().map(item).collect(), all)
    }

    #[test]
    fn a_note_is_shown_under_the_one_of_its_name_or_in_a_part_of_its_own() {
        let own = "# Mine\n\n## One `x`\n\n[Back](#one-x) to [it](../why/edges.md#recall-theirs)\n";
        let hosted =
            "# Mine\n\n```text\n# kept\n```\n\n[The other](cost.md), [mine](../yours/idea.md)\n";
        let notes = [("idea.md", own), ("edges.md", hosted), ("picture.svg", "<svg/>")];
        assert_eq!(said(&notes), [""; 0]);
        let (items, all) = woven(&notes);
        assert_eq!(items, ["start.md", "why/cost.md", "why/edges.md", "Yours", "yours/idea.md"]);
        let under = format!(
            "{CARD}\n\n<section class=\"yours\" data-note=\"edges\">\n<p class=\"yours-mark\">Yours: \
             <code>notes/edges.md</code></p>\n\n## Mine\n\n```text\n# kept\n```"
        );
        assert!(all.contains(&under), "{all}");
        assert!(all.contains("</p>\n\n# Mine\n\n## One `x`"), "its own title stays one: {all}");
    }

    #[test]
    fn what_is_wrong_is_told_in_its_place_and_hides_nothing_else() {
        let notes = [("edges.md", "# Mine\n\n```ruts\nx\n```\n"), ("cost.md", "# Sound\n")];
        let said = said(&notes);
        assert!(
            said.len() == 1 && said[0].starts_with("notes/edges.md:3: unknown fence `ruts`"),
            "{said:?}"
        );
        let (_, all) = woven(&notes);
        assert!(
            all.contains("<pre class=\"weave-error\">notes/edges.md:3: unknown fence"),
            "{all}"
        );
        assert!(all.contains("## Sound") && all.contains(CARD), "{all}");
        let (_dir, book, yours) = beside(&notes);
        assert_eq!(yours.sound(&book).count(), 1);
        assert!(check::check(&book).iter().all(|problem| !problem.file.starts_with(NOTES)));
    }

    #[test]
    fn names_places_and_links_are_checked() {
        let second = "# M\n\n```recall,theirs\nWhat?\n---\nThat.\n```\n";
        for (name, text, words) in [
            (
                "edges.md",
                second,
                "notes/edges.md:3: a second card `theirs`\n    the first is at book/why/edges.md:3",
            ),
            ("edges.md", "# M\n\n[x](gone.md)\n", "notes/edges.md:3: dead link"),
            ("edges.md", "# M\n\n[x](#gone)\n", "notes/edges.md:3: dead link"),
            ("idea.md", "# M\n\n[x](why/edges.md)\n", "dead link"),
            ("Big Idea.md", "# M\n", "this note is not shown"),
            ("deep/idea.md", "# M\n", "this note is not shown"),
            ("idea.md", "# M\n\n<b>x</b>\n", "HTML in a page"),
        ] {
            let said = said(&[(name, text)]);
            assert!(said.iter().any(|said| said.contains(words)), "{name}: {said:?}");
        }
    }
}

//! What a draft still lacks to be published.

use crate::book::Book;
use crate::check;
use crate::page::Page;
use crate::problem::{Fault, Problem};

/// Marks a line that says what is to be written in its place.
pub const MARK: &str = "WRITE:";

/// Everything that the page lacks, in the order of files and lines.
pub fn lacks(book: &Book, page: &Page) -> Vec<Problem> {
    let mut lacks = Vec::new();
    check::note(book, page, &mut lacks);
    lacks.sort();
    lacks.dedup();
    lacks
}

/// The lines that only say what to write: on the page, and in the tests that it names.
pub fn unwritten(book: &Book, page: &Page) -> Vec<Problem> {
    let on_page = page.text.lines().enumerate().map(|(at, line)| (page.file.clone(), at + 1, line));
    let named = page.tests().filter_map(|(test, _)| book.tests.get(test).ok());
    let in_tests = named.flat_map(|test| {
        let lines = test.code.lines().enumerate();
        lines.map(|(at, line)| (test.file.clone(), test.line + at, line))
    });
    let unwritten = on_page.chain(in_tests).filter_map(|(file, line, text)| {
        let (_, what) = text.split_once(MARK)?;
        let what = what.trim().trim_end_matches("-->").trim_end_matches([';', ')', '"']).trim_end();
        let what = what.split(" [Proof]").next().unwrap_or(what);
        Some(Fault::new(format!("to write: {what}"), "").at(file, line))
    });
    unwritten.collect()
}

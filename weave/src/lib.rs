//! The page language of the book.
//!
//! A page is Markdown in which every fenced block has a tag that says what proves it ([`fence`]).
//! [`Book::load`] reads all pages, [`check::check`] finds everything that is wrong without a
//! compiler, and [`render::render`] turns a page into the Markdown that mdBook expects.
//! [`preprocess::Weave`] is the same as an mdBook preprocessor.
//!
//! Nothing here runs cargo or speaks HTTP: the tests and the `book` command do.

pub mod arc;
pub mod belongs;
pub mod book;
pub mod cards;
pub mod check;
pub mod contents;
pub mod draft;
pub mod fence;
pub mod fork;
pub mod glossary;
pub mod highlight;
pub mod ledger;
pub mod links;
pub mod marks;
pub mod mdbook;
pub mod minutes;
pub mod needs;
pub mod opening;
pub mod page;
pub mod paper;
pub mod patch;
pub mod preprocess;
pub mod problem;
pub mod prose;
mod reader;
pub mod redirects;
pub mod render;
pub mod sections;
pub mod source;
pub mod summary;
pub mod text;
pub mod woven;
pub mod yours;

pub use book::Book;
pub use fence::{Ending, Fence, Varies};
pub use page::{Block, Page};
pub use problem::Problem;

//! The ids that `cargo book check` counts on are those that mdBook builds.

use std::fs;

use mdbook_driver::MDBook;
use weave::mdbook::Markdown;

const PAGE: &str = r##"# What --patience does

## The edge

## The edge

## The edge-1

## `--passes`: add "more" passes...

## It's 'so' --- isn't it?

## Über *das* **Maß** straße ΣΊΣΥΦΟΣ

## 中文 and 🐙 emoji 🐙

## 🐙

## 🦀

## A & B &amp; C &lt; D &copy; &#8212; é

## With {#an-id}

## With

## An id

## With a class {.wide}

## A [link](https://example.org) and ![an image](x.svg) in it

## A note[^n] and another[^m]

## Snake_case and   many   blanks

## *Emphasis*in*words* ~~gone~~

## Trailing hashes ##

## \*escaped\* \# `code with ` ticks

## A <!-- comment --> b

Set
in two lines
---

Also set
========

### Deeper 1.2.3 (four) [five] {six}

> ## In a quotation

- ## In a list
- [ ] ## In a task

A term with `code`
: What it means

The edge
: Again

> [!NOTE]
> ## In an admonition

## 'Quoted' "twice" -- and --- dashes… …

## Tab	tab

## i̇İ ﬀ ǅ ½ ² Ⅷ

#

##

[^m]: ## In a footnote

[^n]: Note
"##;

/// The ids of what mdBook builds from the page, in their order.
fn built(config: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("src")).unwrap();
    fs::write(at("book.toml"), format!("[build]\nuse-default-preprocessors = false\n{config}"))
        .unwrap();
    fs::write(at("src/SUMMARY.md"), "[P](page.md)\n").unwrap();
    fs::write(at("src/page.md"), PAGE).unwrap();
    MDBook::load(dir.path()).unwrap().build().unwrap();
    let html = fs::read_to_string(at("book/page.html")).unwrap();
    let main = html.split_once("<main>").unwrap().1.split_once("</main>").unwrap().0;
    let ids = main.split(" id=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0.to_owned());
    // Each mention of a footnote has one too, and nobody links to those.
    ids.filter(|id| !id.starts_with("fr-")).collect()
}

#[test]
fn ids_are_those_that_mdbook_builds() {
    for config in [
        "",
        "[output.html]\nsmart-punctuation = false\n",
        "[output.html]\ndefinition-lists = false\nadmonitions = false\n",
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("book.toml"), config).unwrap();
        let mut ours = Markdown::of(dir.path()).unwrap().ids(PAGE);
        let mut theirs = built(config);
        // mdBook moves footnotes to the end.
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs, "{config}");
        assert!(ours.len() > 35);
    }
}

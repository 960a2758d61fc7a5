//! The e-book is whole: an archive as readers want it, whose links lead somewhere.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::Command;

/// The texts of the e-book, by their names, in their order.
fn texts() -> (Vec<String>, BTreeMap<String, String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("book.epub");
    let mut epub = Command::new(env!("CARGO_BIN_EXE_verb-epub"));
    let written = epub.arg("epub").arg(&file).current_dir(root).output().unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let mut archive = zip::ZipArchive::new(File::open(&file).unwrap()).unwrap();
    let mut names = Vec::new();
    let mut texts = BTreeMap::new();
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).unwrap();
        let name = entry.name().unwrap().into_owned();
        names.push(name.clone());
        let mut text = Vec::new();
        entry.read_to_end(&mut text).unwrap();
        texts.insert(name, String::from_utf8_lossy(&text).into_owned());
    }
    (names, texts)
}

/// The values of an attribute.
fn values<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let begins = format!(" {name}=\"");
    text.split(&begins).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0)).collect()
}

#[test]
fn it_is_an_archive_of_pages_whose_links_lead_somewhere() {
    let (names, texts) = texts();
    assert_eq!(
        (names[0].as_str(), texts["mimetype"].as_str()),
        ("mimetype", "application/epub+zip")
    );
    let package = &texts["book/package.opf"];
    let pages: Vec<&String> = names.iter().filter(|name| name.ends_with(".xhtml")).collect();
    assert!(pages.len() > 20, "{pages:?}");
    for name in pages {
        let (page, file) = (&texts[name], name.strip_prefix("book/").unwrap());
        assert!(values(package, "href").contains(&file), "{name} is in no list");
        for gone in ["<details", "<summary", "<input", "<button", "viewbox"] {
            assert!(!page.contains(gone), "{name} has {gone}");
        }
        let item = package.lines().find(|line| line.contains(&format!("\"{file}\""))).unwrap();
        assert_eq!(item.contains("\"svg\""), page.contains("<svg"), "{item}");
        for link in values(page, "href").into_iter().filter(|link| !link.contains("://")) {
            let (to, fragment) = link.split_once('#').unwrap_or((link, ""));
            let to = if to.is_empty() { name.clone() } else { format!("book/{to}") };
            let found = texts.get(&to).unwrap_or_else(|| panic!("{name}: {link}"));
            let is_there = fragment.is_empty() || values(found, "id").contains(&fragment);
            assert!(is_there, "{name}: {link}");
        }
    }
    // A card of this note, its answer behind it, and its drawing.
    let edges = &texts["book/why-edges.xhtml"];
    let (note, answers) = edges.split_once(">Answers<").expect("there are cards");
    assert!(note.contains("id=\"recall-edge-sixth-byte\"") && note.contains("viewBox=\""));
    assert!(answers.contains("It stands for all six."));
}

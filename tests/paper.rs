//! `cargo book pdf`: skipped, by name, where no browser can print.

mod reader;
mod signals;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use reader::Checkout;

#[test]
fn the_book_is_printed_on_a4_with_bookmarks() {
    if std::env::var_os("BOOK_BROWSER").is_none() {
        return println!("skipped: BOOK_BROWSER=1 prints the book");
    }
    let checkout = Checkout::whole("on paper");
    let file = checkout.root.join("the book.pdf");
    let mut pdf = reader::program(&checkout.root);
    let printed = pdf.arg("pdf").arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&printed.stderr);
    if said.contains("skipped: ") {
        assert!(!printed.status.success() && !file.exists(), "nobody takes it for printed");
        println!("{said}");
        return;
    }
    assert!(printed.status.success(), "{said}");
    let pdf = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
    let count = |what: &str| pdf.matches(what).count();
    assert!(pdf.starts_with("%PDF-") && count("/Outlines") > 0, "no bookmarks");
    let a4 = count("/MediaBox [0 0 594.95996 841.91998]");
    assert!(a4 > 100 && count("/MediaBox") == a4, "{a4} pages are A4");
    // Each note has its answers behind it.
    let answers = count("/Title (Answers)");
    assert!(answers > 20, "{answers} notes with answers");
    let left = fs::read_dir(checkout.root.join("target/book")).unwrap().count();
    assert_eq!(left, 0, "what was built for it is gone");
}

#[test]
fn where_nothing_can_print_it_says_so() {
    let checkout = Checkout::new("without a printer");
    let mut pdf = reader::program(&checkout.root);
    let empty = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let printed = pdf.arg("pdf").env("PATH", empty).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&printed.stderr);
    assert!(
        !printed.status.success() && said.contains("skipped: the PDF is printed by Chromium"),
        "{said}"
    );
}

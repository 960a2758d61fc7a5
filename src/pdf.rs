//! `cargo book pdf`: the book on paper, printed by a browser.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use url::Url;
use weave::belongs;

use crate::read::build::on_paper;

/// What the file is called where nothing else is said.
pub const FILE: &str = "async-rust-by-heart.pdf";

/// What Chromium is called here and there.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Prints the book under `root` to a file.
pub fn run(root: &Path, file: &Path) -> Result<()> {
    let Some(chromium) = chromium() else {
        bail!(
            "skipped: the PDF is printed by Chromium, and none of {} is installed",
            NAMES.join(", ")
        );
    };
    let file = std::path::absolute(file)?;
    crate::progress("printing the book…");
    on_paper(root, |html, _| {
        wait_for_fonts(html)?;
        print(&chromium, &html.join("print.html"), &file)
    })?;
    println!("{}", file.display());
    Ok(())
}

/// A page on a screen does without a font that comes late; a page on paper has time.
fn wait_for_fonts(html: &Path) -> Result<()> {
    for style in belongs::files(&html.join("css"))? {
        let text = fs::read_to_string(&style)?;
        fs::write(&style, text.replace("font-display: optional", "font-display: block"))?;
    }
    Ok(())
}

fn chromium() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let places = env::split_paths(&path).flat_map(|dir| NAMES.map(|name| dir.join(name)));
    places.into_iter().find(|place| place.is_file())
}

fn print(chromium: &Path, page: &Path, file: &Path) -> Result<()> {
    let url = Url::from_file_path(page).ok().context("the target folder has no address")?;
    let profile = tempfile::tempdir().context("no folder for Chromium's profile")?;
    let mut browser = Command::new(chromium);
    browser.args(["--headless=new", "--no-first-run", "--disable-background-networking"]);
    browser.args([
        "--no-pdf-header-footer",
        "--generate-pdf-document-outline",
        "--allow-file-access-from-files",
    ]);
    // It prints what we have built, and root may not have its sandbox.
    browser.arg("--no-sandbox");
    browser.arg(option("--user-data-dir=", profile.path())).arg(option("--print-to-pdf=", file));
    browser.arg(url.as_str()).stdin(Stdio::null());
    let printed = browser.output().with_context(|| format!("{}", chromium.display()))?;
    // It ends well whether or not it could write.
    let pdf = fs::read(file).ok().filter(|pdf| pdf.starts_with(b"%PDF-"));
    let Some(mut pdf) = pdf.filter(|_| printed.status.success()) else {
        bail!("{}: {}", chromium.display(), String::from_utf8_lossy(&printed.stderr).trim());
    };
    name_once(&mut pdf);
    fs::write(file, pdf).with_context(|| format!("can't write {}", file.display()))
}

/// A heading that Chromium moves to the next page is twice in its bookmark. The file tells by their
/// bytes where its parts are, so what is taken out leaves blanks behind the name.
fn name_once(pdf: &mut [u8]) {
    // In ASCII, or in UTF-16 and hexadecimal.
    for (begins, end) in [(&b"/Title ("[..], b')'), (&b"/Title <FEFF"[..], b'>')] {
        let mut at = 0;
        while let Some(found) = pdf[at..].windows(begins.len()).position(|bytes| bytes == begins) {
            let from = at + found + begins.len();
            let length = pdf[from..].iter().position(|&byte| byte == end).unwrap_or(0);
            let (half, title) = (length / 2, &pdf[from..from + length]);
            if length > 0 && length % 2 == 0 && title[..half] == title[half..] {
                pdf[from + half] = end;
                pdf[from + half + 1..=from + length].fill(b' ');
            }
            at = from + length;
        }
    }
}

/// An option with a path, which need not be UTF-8.
fn option(name: &str, path: &Path) -> std::ffi::OsString {
    let mut option = std::ffi::OsString::from(name);
    option.push(path);
    option
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bookmark_says_its_name_once_and_nothing_moves() {
        let mut pdf =
            b"<</Title (RecallRecall)/Next 7>><</Title (Break it)>><</Title ()>>".to_vec();
        name_once(&mut pdf);
        let named = b"<</Title (Recall)      /Next 7>><</Title (Break it)>><</Title ()>>";
        assert_eq!(pdf, named, "{}", String::from_utf8_lossy(&pdf));
    }
}

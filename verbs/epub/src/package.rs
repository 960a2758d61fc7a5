//! The files of an EPUB 3, and the archive that they are.

use std::io::{Cursor, Write};
use std::path::Path;

use anyhow::{Context, Result};
use weave::source::normalise;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::xhtml::escape;

const TITLE: &str = "Async Rust, by Heart";

/// The same for every build: a newer book takes the place of an older one.
const ID: &str = "urn:uuid:5f0d5f0e-6a0c-4f7e-9d1c-7f7a3a0b7e11";

/// When the files say that they were made: never, so that the same book is the same file.
const MODIFIED: &str = "1980-01-01T00:00:00Z";

/// A page of the e-book.
pub struct Chapter {
    /// Its file.
    pub name: String,
    /// Plain text.
    pub title: String,
    /// The title of its part; empty for what is in none.
    pub part: String,
    /// XHTML.
    pub body: String,
}

/// The file of the page at a path: all are in one folder.
pub fn name(page: &Path) -> String {
    let page = page.with_extension("xhtml");
    let parts = page.iter().map(|part| part.to_string_lossy());
    parts.collect::<Vec<_>>().join("-")
}

/// Where a link of the built page leads in the e-book.
pub fn inside(page: &Path, link: &str) -> String {
    let (path, fragment) = link.split_once('#').map_or((link, None), |(path, of)| (path, Some(of)));
    let fragment = fragment.map(|of| format!("#{of}")).unwrap_or_default();
    if path.is_empty() || !path.ends_with(".html") || path.contains("://") {
        return link.to_owned();
    }
    let target = normalise(&page.parent().unwrap_or(Path::new("")).join(path));
    name(&target) + &fragment
}

/// The archive of these chapters, with the styles and fonts of the pages in `html`.
pub fn pack(html: &Path, chapters: &[Chapter]) -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let packed = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    // The first file tells what the archive is, to who looks at its first bytes.
    zip.start_file("mimetype", stored)?;
    zip.write_all(b"application/epub+zip")?;
    let mut add = |name: &str, text: &[u8]| -> Result<()> {
        zip.start_file(name, packed)?;
        zip.write_all(text).with_context(|| name.to_owned())
    };
    add("META-INF/container.xml", CONTAINER.as_bytes())?;
    add("book/package.opf", package(chapters).as_bytes())?;
    add("book/nav.xhtml", nav(chapters).as_bytes())?;
    add("book/style.css", include_bytes!("style.css"))?;
    for font in FONTS {
        let found = weave::belongs::files(&html.join("fonts"))?;
        let is_it = |file: &&std::path::PathBuf| file.to_string_lossy().contains(font);
        let file = found.iter().find(is_it).with_context(|| format!("no font {font}"))?;
        add(&format!("book/{font}.woff2"), &std::fs::read(file)?)?;
    }
    for chapter in chapters {
        let page = page(&chapter.title, &format!("<main>{}</main>", chapter.body));
        add(&format!("book/{}", chapter.name), page.as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}

const FONTS: [&str; 4] = [
    "heart-serif-400-normal",
    "heart-serif-400-italic",
    "heart-serif-600-normal",
    "heart-mono-400-normal",
];

const CONTAINER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="book/package.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"#;

/// What is in it, and in which order it is read.
fn package(chapters: &[Chapter]) -> String {
    let mut items = String::new();
    let mut spine = String::new();
    for (n, chapter) in chapters.iter().enumerate() {
        // A reader without drawings must know where there are some.
        let has_svg = chapter.body.contains("<svg");
        let properties = if has_svg { " properties=\"svg\"" } else { "" };
        items += &format!(
            "<item id=\"c{n}\" href=\"{}\" media-type=\"application/xhtml+xml\"{properties}/>\n",
            escape(&chapter.name)
        );
        spine += &format!("<itemref idref=\"c{n}\"/>\n");
    }
    for (n, font) in FONTS.iter().enumerate() {
        items += &format!("<item id=\"f{n}\" href=\"{font}.woff2\" media-type=\"font/woff2\"/>\n");
    }
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">{ID}</dc:identifier>
<dc:title>{TITLE}</dc:title>
<dc:language>en</dc:language>
<dc:rights>Prose: CC BY 4.0. Code: MIT or Apache-2.0.</dc:rights>
<meta property="dcterms:modified">{MODIFIED}</meta>
</metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="style" href="style.css" media-type="text/css"/>
{items}</manifest>
<spine>
{spine}</spine>
</package>
"#
    )
}

/// The contents, by parts.
fn nav(chapters: &[Chapter]) -> String {
    let mut list = String::new();
    for of_part in chapters.chunk_by(|a, b| a.part == b.part) {
        let link = |chapter: &Chapter| {
            format!(
                "<li><a href=\"{}\">{}</a></li>\n",
                escape(&chapter.name),
                escape(&chapter.title)
            )
        };
        let links: String = of_part.iter().map(link).collect();
        list += &match &of_part[0].part[..] {
            "" => links,
            part => format!("<li><span>{}</span><ol>\n{links}</ol></li>\n", escape(part)),
        };
    }
    let toc = "<nav epub:type=\"toc\" xmlns:epub=\"http://www.idpf.org/2007/ops\">";
    page("Contents", &format!("{toc}\n<h1>Contents</h1>\n<ol>\n{list}</ol>\n</nav>"))
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE html>\n\
         <html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" lang=\"en\">\n\
         <head><title>{}</title><link rel=\"stylesheet\" href=\"style.css\"/></head>\n\
         <body>\n{body}\n</body>\n</html>\n",
        escape(title)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_the_file_of_its_page() {
        let from = Path::new("why/edges.md");
        assert_eq!(inside(from, "short-read.html#a"), "why-short-read.xhtml#a");
        assert_eq!(inside(from, "../start.html"), "start.xhtml");
        assert_eq!(inside(from, "#proof"), "#proof");
        assert_eq!(inside(from, "https://example.org/a.html"), "https://example.org/a.html");
    }
}

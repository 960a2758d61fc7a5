//! A card's Markdown as the HTML that Anki shows.

use weave::mdbook::Markdown;
use weave::mdbook::pulldown_cmark::{Event, Tag, TagEnd, html};

/// The HTML of a question or an answer. Links into the book lead nowhere in Anki: their words stay.
pub fn html(markdown: &str) -> String {
    let mut open = Vec::new();
    let kept = Markdown::default().parser(markdown).filter(|event| match event {
        Event::Start(Tag::Link { dest_url, .. }) => {
            open.push(dest_url.starts_with("https:") || dest_url.starts_with("http:"));
            open.last() == Some(&true)
        }
        Event::End(TagEnd::Link) => open.pop() == Some(true),
        _ => true,
    });
    let mut out = String::new();
    html::push_html(&mut out, kept);
    out.trim_end().to_owned()
}

/// Plain text as HTML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_code_and_links_into_the_book_are_words() {
        let text = "What is `Vec<u8>` & *why*? [Proof](test:a::b), [there](https://example.org/)";
        let right = "<p>What is <code>Vec&lt;u8&gt;</code> &amp; <em>why</em>? Proof, \
                     <a href=\"https://example.org/\">there</a></p>";
        assert_eq!(html(text), right);
    }
}

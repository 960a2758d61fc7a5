//! A page of HTML as XHTML, which is what e-books are made of.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

/// What HTML has no end of.
const VOID: [&str; 8] = ["br", "col", "hr", "img", "input", "link", "meta", "wbr"];

/// HTML is read in small letters, and SVG has others.
const SVG: [(&str, &str); 4] = [
    ("viewbox", "viewBox"),
    ("preserveaspectratio", "preserveAspectRatio"),
    ("textlength", "textLength"),
    ("lengthadjust", "lengthAdjust"),
];

/// The same, with links that lead where `to` says.
pub fn xhtml(html: &str, to: impl Fn(&str) -> String) -> String {
    let out = Out { text: RefCell::default(), to };
    let tokenizer = Tokenizer::new(out, TokenizerOpts::default());
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from(html));
    let _ = tokenizer.feed(&queue);
    tokenizer.end();
    tokenizer.sink.text.into_inner()
}

struct Out<F> {
    text: RefCell<String>,
    to: F,
}

impl<F: Fn(&str) -> String> Out<F> {
    fn tag(&self, tag: &Tag) -> String {
        let name = &*tag.name;
        if tag.kind == TagKind::EndTag {
            return format!("</{name}>");
        }
        let mut out = format!("<{name}");
        for attribute in &tag.attrs {
            let name = &*attribute.name.local;
            let name = SVG.iter().find(|(small, _)| *small == name).map_or(name, |(_, of)| of);
            let value = match name {
                "href" => (self.to)(&attribute.value),
                _ => attribute.value.to_string(),
            };
            out += &format!(" {name}=\"{}\"", escape(&value));
        }
        out + if tag.self_closing || VOID.contains(&name) { "/>" } else { ">" }
    }
}

impl<F: Fn(&str) -> String> TokenSink for Out<F> {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let piece = match token {
            Token::TagToken(tag) => self.tag(&tag),
            Token::CharacterTokens(text) => escape(&text),
            _ => String::new(),
        };
        self.text.borrow_mut().push_str(&piece);
        TokenSinkResult::Continue
    }
}

/// Text in XML, in an attribute too.
pub fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_html_forgives_is_written_as_xml_wants_it() {
        let html = "<p class=a>x &amp; y<br>z</p><svg viewBox=\"0 0 1 1\"><path d=\"M0\"/></svg>\
                    <!-- c --><a href=\"../b.html#c\">\u{a0}&lt;</a>";
        let to = |link: &str| link.replace("../", "").replace(".html", ".xhtml");
        assert_eq!(
            xhtml(html, to),
            "<p class=\"a\">x &amp; y<br/>z</p><svg viewBox=\"0 0 1 1\"><path d=\"M0\"/></svg>\
             <a href=\"b.xhtml#c\">\u{a0}&lt;</a>"
        );
    }
}

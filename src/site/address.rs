//! Where a site will be on the web.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail, ensure};
use url::Url;

/// A scheme, a host and a path that ends in `/`, under which all files of the site are.
#[derive(Clone, Debug)]
pub struct Address(Url);

impl FromStr for Address {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Address> {
        let lower = text.to_lowercase();
        let rest = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"));
        // The parser would mend each of these, and the site would not be where it was said to be.
        match rest {
            None => bail!("it begins with neither `https://` nor `http://`"),
            Some(rest) if rest.is_empty() || rest.starts_with(['/', ':', '?', '#']) => {
                bail!("it names no host")
            }
            Some(rest) => {
                let strange = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
                ensure!(!rest.contains(strange), "it has a blank, a `\\` or the like in it");
            }
        }
        let mut url = Url::parse(text)?;
        ensure!(url.username().is_empty() && url.password().is_none(), "it has a user's name");
        ensure!(url.query().is_none(), "it has a query: leave off what begins with `?`");
        ensure!(url.fragment().is_none(), "it has a fragment: leave off what begins with `#`");
        let path = format!("{}/", url.path().trim_end_matches('/'));
        ensure!(!path.contains("//"), "its path has an empty part: `//`");
        let last = path.trim_end_matches('/').to_lowercase();
        ensure!(!last.ends_with(".html"), "it names a page: leave off its last part");
        url.set_path(&path);
        Ok(Address(url))
    }
}

impl Address {
    /// The path of the site on its host: it begins and ends with `/`.
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// The address of a file of the site. That of an `index.html` is the folder's.
    pub fn of(&self, file: &str) -> String {
        let file = match file.strip_suffix("index.html") {
            Some(folder) if folder.is_empty() || folder.ends_with('/') => folder,
            _ => file,
        };
        let mut url = self.0.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(file.split('/'));
        }
        url.into()
    }

    /// What an absolute link leads to inside the site, as a path in it with query and fragment.
    /// None, if it leads elsewhere.
    pub fn inside<'a>(&self, link: &'a Url) -> Option<&'a str> {
        let same = link.origin() == self.0.origin() && link.path().starts_with(self.path());
        let from_path = &link[url::Position::BeforePath..];
        same.then(|| &from_path[self.path().len()..])
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> String {
        match text.parse::<Address>() {
            Ok(address) => address.to_string(),
            Err(error) => format!("refused: {error}"),
        }
    }

    #[test]
    fn a_path_ends_in_one_slash_and_names_are_as_they_travel() {
        for (given, meant) in [
            ("https://example.org", "https://example.org/"),
            ("https://example.org/", "https://example.org/"),
            ("HTTP://Example.org:8080/a/b", "http://example.org:8080/a/b/"),
            ("https://example.org/a/b//", "https://example.org/a/b/"),
            ("https://bücher.example/über", "https://xn--bcher-kva.example/%C3%BCber/"),
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example/"),
            ("http://[::1]:4000/x", "http://[::1]:4000/x/"),
        ] {
            assert_eq!(address(given), meant, "{given}");
        }
    }

    #[test]
    fn what_is_no_place_for_a_site_is_refused() {
        for (given, why) in [
            ("", "neither"),
            ("example.org/book", "neither"),
            ("ftp://example.org", "neither"),
            ("https:example.org", "neither"),
            ("https://", "no host"),
            ("https:///book", "no host"),
            ("https://:80/", "no host"),
            ("https://exa mple.org", "blank"),
            ("https://example.org/a\tb", "blank"),
            ("https://example.org\\a", "blank"),
            ("https://a:b@example.org", "user"),
            ("https://example.org/?q", "query"),
            ("https://example.org/#f", "fragment"),
            ("https://example.org//book", "empty part"),
            ("https://example.org/book/index.html", "names a page"),
            ("https://example.org:99999/", "port"),
            ("https://exa<mple.org/", "domain"),
        ] {
            let said = address(given);
            assert!(said.starts_with("refused: ") && said.contains(why), "{given}: {said}");
        }
    }

    #[test]
    fn files_have_addresses_and_an_index_has_its_folder_s() {
        let site: Address = "https://example.org/book".parse().unwrap();
        for (file, of) in [
            ("index.html", "https://example.org/book/"),
            ("why/index.html", "https://example.org/book/why/"),
            ("why/reindex.html", "https://example.org/book/why/reindex.html"),
            ("why/ü b?.html", "https://example.org/book/why/%C3%BC%20b%3F.html"),
        ] {
            assert_eq!(site.of(file), of);
        }
        let inside = |link: &str| site.inside(&Url::parse(link).unwrap()).map(str::to_owned);
        assert_eq!(inside("https://example.org/book/a.html#b").as_deref(), Some("a.html#b"));
        assert_eq!(inside("https://example.org/bookshop/a.html"), None);
        assert_eq!(inside("https://example.com/book/a.html"), None);
    }
}

//! The redirects of `book.toml`: addresses of pages that are gone, and where they lead.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};

use super::links::{Site, folder};

/// The table `[output.html.redirect]`.
pub type Redirects = HashMap<String, String>;

/// Refuses an entry that mdBook would drop without a word, or write outside the site.
pub fn check_form(redirects: &Redirects) -> Result<()> {
    for from in redirects.keys() {
        let (file, _) = split(from);
        let odd = |part: &str| part.is_empty() || part == "." || part == "..";
        let ok = from.starts_with('/') && file.ends_with(".html") && !file.split('/').any(odd);
        ensure!(
            ok,
            "book.toml: the redirect from `{from}`: write the page that is gone from the book's \
             root on, `/part/page.html` or `/part/page.html#heading`"
        );
    }
    Ok(())
}

/// Refuses an entry that is not in the site, or that leads nowhere from there. The files that do
/// nothing but lead on, each with the file of the site to which it leads.
pub fn check(site: &Site, redirects: &Redirects) -> Result<Vec<(String, String)>> {
    let mut leading = Vec::new();
    for (from, to) in redirects {
        let page = check_one(site, redirects, from, to)
            .with_context(|| format!("book.toml: the redirect from `{from}` to `{to}`"))?;
        if let ((file, None), Some(page)) = (split(from), page) {
            leading.push((file.to_owned(), page));
        }
    }
    Ok(leading)
}

fn check_one(site: &Site, redirects: &Redirects, from: &str, to: &str) -> Result<Option<String>> {
    let (file, fragment) = split(from);
    match (site.leads_on(file), fragment) {
        (true, _) => {}
        (false, None) => bail!("`{file}` is there, and would hide it"),
        (false, Some(id)) => ensure!(!site.has_id(file, id), "that heading is still there"),
    }
    match site.leads_to(folder(file), to).map_err(anyhow::Error::msg)? {
        Some(page) if redirects.contains_key(&format!("/{page}")) => {
            bail!("it leads to another redirect; name the page to which that leads")
        }
        page => Ok(page),
    }
}

/// The file of an entry in the site, and its fragment.
fn split(from: &str) -> (&str, Option<&str>) {
    let from = from.strip_prefix('/').unwrap_or(from);
    from.split_once('#').map_or((from, None), |(file, id)| (file, Some(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_would_be_dropped_or_leave_the_site_is_refused() {
        let form = |from: &str| check_form(&HashMap::from([(from.into(), "x.html".into())]));
        for good in ["/a.html", "/why/a.html", "/why/a.html#b", "/über uns/a.html"] {
            form(good).unwrap();
        }
        for bad in ["a.html", "/a", "/a/", "/../a.html", "/why//a.html", "//a.html", "/#a", ""] {
            assert!(form(bad).is_err(), "{bad}");
        }
    }
}

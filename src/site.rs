//! `cargo book site`: the book as a folder of files for any host, under any path.

mod address;
mod links;
mod pages;
mod place;
mod redirects;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use mdbook_driver::config::Config;

pub use address::Address;
use links::Site;
use pages::Named;
use place::Place;

use crate::read::build::build_changed;

/// Builds the book under `root`, without drafts, for `address`, and puts it into `dir`. What is in
/// `dir` stays as it is, unless the new site is whole and all its links lead somewhere.
pub fn run(root: &Path, dir: &Path, address: &Address) -> Result<()> {
    let place = Place::new(root, dir)?;
    crate::progress("building the site");
    let made = crate::target(root).join("book").join(format!("site-{}", std::process::id()));
    let done = make(root, &made, address).and_then(|size| {
        let refused = || format!("no site was put into {}", place.dir().display());
        place.take(&made).with_context(refused)?;
        Ok(size)
    });
    // What can't be removed is under `target/` and does no harm.
    let _ = fs::remove_dir_all(&made);
    println!("{}: {}", place.dir().display(), done?);
    println!("Serve it at {address}");
    Ok(())
}

/// Builds a site and checks it; says how large it is.
fn make(root: &Path, to: &Path, address: &Address) -> Result<String> {
    let book = crate::sound_book(root)?;
    let config = Config::from_disk(root.join("book.toml"))?;
    let named = Named {
        title: config.book.title.clone().unwrap_or_default(),
        description: config.book.description.clone().unwrap_or_default(),
    };
    let redirects = config.html_config().unwrap_or_default().redirect;
    redirects::check_form(&redirects)?;
    // From this path the page for what is missing finds its style sheets, wherever it is shown.
    build_changed(root, to, false, |config| config.set("output.html.site-url", address.path()))?;
    let pages = pages::finish(to, address, &book, &named)?;
    let site = Site::read(to, address)?;
    for (file, page) in redirects::check(&site, &redirects)? {
        pages::lead_on(to, &file, &address.of(&page))?;
    }
    let (links, wrong) = site.check();
    ensure!(wrong.is_empty(), "links of the site that lead nowhere:\n{}", wrong.join("\n"));
    Ok(format!(
        "{pages} pages, {} redirects, {links} links inside, none of them dead",
        redirects.len()
    ))
}

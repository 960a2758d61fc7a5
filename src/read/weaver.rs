//! Who weaves: the whole book first, and after that what was saved.

use std::collections::{BTreeMap, BTreeSet};
use std::io::stderr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use weave::book::SRC;
use weave::woven::{Woven, woven};
use weave::{Book, Page};

use super::build::Edition;
use super::serve::Site;
use crate::say;

/// How long what follows a save leaves the machine to the next.
const PAUSE: Duration = Duration::from_millis(500);

/// Held while a build has a folder on the disk: by the weaver, and by who follows it.
#[derive(Default)]
pub struct Building {
    first: Mutex<()>,
    following: Mutex<()>,
}

impl Building {
    /// Ends all building, once no build has a folder; `false` while one has.
    pub fn end(&self) -> bool {
        let held = [self.first.try_lock(), self.following.try_lock()];
        let ended = held.iter().all(Result::is_ok);
        if ended {
            // No other begins while these are held.
            std::mem::forget(held);
        }
        ended
    }
}

/// Weaves the book under a root for a site.
pub struct Weaver {
    root: PathBuf,
    site: Arc<Site>,
    building: Arc<Building>,
    last: Option<Last>,
    /// The number of the newest build: what follows an older one is for nobody.
    newest: Arc<AtomicU64>,
}

/// What was woven last.
struct Last {
    /// The book as it was read since, which may be wrong.
    book: Arc<Book>,
    /// The last good build, and the pages of which it was made.
    edition: Edition,
    pages: BTreeMap<PathBuf, Arc<Woven>>,
}

impl Weaver {
    /// A weaver who has not woven yet.
    pub fn new(root: &Path, site: &Arc<Site>, building: &Arc<Building>) -> Weaver {
        Weaver {
            root: root.to_owned(),
            site: Arc::clone(site),
            building: Arc::clone(building),
            last: None,
            newest: Arc::default(),
        }
    }

    /// Weaves anew after these files have changed, all of it where they are not pages alone; says in
    /// the terminal and on the open pages how it went.
    pub fn weave(&mut self, changed: &BTreeSet<PathBuf>) {
        let started = Instant::now();
        let number = self.newest.fetch_add(1, Ordering::SeqCst) + 1;
        let built = {
            let building = Arc::clone(&self.building);
            let _building = building.first.lock().unwrap_or_else(PoisonError::into_inner);
            attempt(|| self.pages(changed).unwrap_or_else(|| self.all()))
        };
        let took = started.elapsed().as_millis();
        let err = &mut stderr();
        match built {
            Err(error) => {
                say::line(err, format_args!("not woven; the last good book stays:\n{error}"));
                self.site.take(Err(error));
            }
            Ok((edition, whole)) => {
                let said = if self.site.take(Ok(edition)) { "" } else { "; no page differs" };
                say::line(err, format_args!("woven in {took} ms{said}"));
                if !whole {
                    self.follow(number);
                }
            }
        }
    }

    /// All of it, read anew.
    fn all(&mut self) -> Result<(Edition, bool)> {
        self.last = None;
        let (edition, book) = Edition::build(&self.root)?;
        let pages = pages_of(&book);
        self.last = Some(Last { book, edition: edition.clone(), pages });
        Ok((edition, true))
    }

    /// The pages that have changed, if nothing else has.
    fn pages(&mut self, changed: &BTreeSet<PathBuf>) -> Option<Result<(Edition, bool)>> {
        let last = self.last.as_mut()?;
        let src = self.root.join(SRC);
        let read = Arc::get_mut(&mut last.book)?;
        for path in changed {
            if !read.reread(path.strip_prefix(&src).ok()?).unwrap_or(false) {
                return None;
            }
        }
        // Nothing has changed at the first time, and all is new.
        changed.first()?;
        Some(last.again(&self.root).map(|edition| (edition, false)))
    }

    /// Weaves all of it once more, for the search and for the page to print.
    fn follow(&self, number: u64) {
        let (root, site) = (self.root.clone(), Arc::clone(&self.site));
        let (building, newest) = (Arc::clone(&self.building), Arc::clone(&self.newest));
        let follow = move || {
            thread::sleep(PAUSE);
            let _building = building.following.lock().unwrap_or_else(PoisonError::into_inner);
            let is_wanted = || newest.load(Ordering::SeqCst) == number;
            if !is_wanted() {
                return;
            }
            let built = attempt(|| Ok(Edition::build(&root)?.0));
            // The next save has its own.
            if is_wanted()
                && let Ok(edition) = built
            {
                site.take(Ok(edition));
            }
        };
        // Without a thread the search stays behind until the next time.
        let _ = thread::Builder::new().name("what follows".into()).spawn(follow);
    }
}

impl Last {
    /// The build with the pages that differ from those of which it was made.
    fn again(&mut self, root: &Path) -> Result<Edition> {
        crate::sound(&self.book)?;
        let pages = pages_of(&self.book);
        let is_same = |path: &PathBuf, page: &Arc<Woven>| {
            let old = self.pages.get(path);
            old.is_some_and(|old| Arc::ptr_eq(old, page) || old.text == page.text)
        };
        let differ = pages.iter().filter(|(path, page)| !is_same(path, page));
        let differ: BTreeSet<PathBuf> = differ.map(|(path, _)| path.clone()).collect();
        if !differ.is_empty() {
            self.edition = self.edition.with(root, &self.book, differ)?;
        }
        self.pages = pages;
        Ok(self.edition.clone())
    }
}

fn pages_of(book: &Book) -> BTreeMap<PathBuf, Arc<Woven>> {
    let of = |page: &Page| (page.path.clone(), Arc::clone(woven(book, page)));
    book.pages.iter().map(of).collect()
}

/// What a build brings, or what to say of it; a bug of ours ends it alone.
fn attempt<T>(build: impl FnOnce() -> Result<T>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(build))
        .unwrap_or_else(|_| Err(anyhow!("a bug of the book's program; the terminal has more")))
        .map_err(|error| format!("{error:#}"))
}

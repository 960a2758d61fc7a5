//! What the proofs share: the book, and what cargo built for it, each made when first needed.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Result, anyhow};
use book::broken::{self, Copies};
use book::cargo::{self, Built};
use weave::source::CRATES;
use weave::yours::Yours;
use weave::{Book, Problem};

pub struct Works {
    book: Book,
    built: Once<Built>,
    copies: Once<Copies>,
    programs: Once<Vec<Stamp>>,
    everything: Once<Vec<Stamp>>,
    sources: Once<HashSet<PathBuf>>,
    tests: Mutex<HashMap<PathBuf, Arc<Tests>>>,
}

/// What is made once, or can't be made.
type Once<T> = OnceLock<Result<T, String>>;

fn once<T>(place: &Once<T>, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    let made = place.get_or_init(|| make().map_err(|error| format!("{error:#}")));
    made.as_ref().map_err(|error| anyhow!("{error}"))
}

/// The tests in a program.
pub struct Tests {
    /// Tells this program from every other.
    pub program: u64,
    /// Their full names.
    pub names: Vec<String>,
}

/// A file, its length, and when it was written.
pub type Stamp = (PathBuf, u64, SystemTime);

impl Works {
    pub fn new() -> Works {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let book = Book::load(root).unwrap_or_else(|error| {
            eprintln!("error: {error}");
            std::process::exit(1)
        });
        Works::of(book)
    }

    /// The same for the reader's own notes: their pages stand in the place of the author's. The second is
    /// what is wrong with those that have no place.
    pub fn of_notes() -> (Works, Vec<Problem>) {
        let mut works = Works::new();
        let yours = Yours::load(&works.book);
        let problems = yours.check(&works.book);
        works.book.pages = yours.pages;
        (works, problems)
    }

    fn of(book: Book) -> Works {
        Works {
            book,
            built: Once::new(),
            copies: Once::new(),
            programs: Once::new(),
            everything: Once::new(),
            sources: Once::new(),
            tests: Mutex::default(),
        }
    }

    pub fn root(&self) -> &Path {
        &self.book.root
    }

    pub fn book(&self) -> &Book {
        &self.book
    }

    /// The workspace's programs and tests.
    pub fn built(&self) -> Result<&Built> {
        once(&self.built, || cargo::build_workspace(self.root()))
    }

    /// What tells whether the programs of the book are those of the run before: each one that cargo
    /// built, and each Go or Python file, with its length and time.
    pub fn programs(&self) -> Result<&[Stamp]> {
        Ok(once(&self.programs, || stamps(self.root(), self.built()?, |kind| kind != "test"))?)
    }

    /// The same for all that was built, the tests and this program among it: no library of the
    /// workspace, no dependency and no option changes without one of them.
    pub fn everything(&self) -> Result<&[Stamp]> {
        Ok(once(&self.everything, || stamps(self.root(), self.built()?, |_| true))?)
    }

    /// The files that the workspace's programs and tests are compiled from.
    pub fn sources(&self) -> Result<&HashSet<PathBuf>> {
        once(&self.sources, || Ok(sources(self.root(), self.built()?)))
    }

    /// The tests in a program of the workspace.
    pub fn tests(&self, program: &Path) -> Result<Arc<Tests>> {
        if let Some(known) = self.known().get(program) {
            return Ok(Arc::clone(known));
        }
        let mut hash = DefaultHasher::new();
        fs::read(program)?.hash(&mut hash);
        let names = broken::tests_in(program)?;
        let tests = Arc::new(Tests { program: hash.finish(), names });
        self.known().insert(program.to_owned(), Arc::clone(&tests));
        Ok(tests)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<PathBuf, Arc<Tests>>> {
        self.tests.lock().expect("nothing panics while it holds the tests")
    }

    /// The broken copies of the chapter crates.
    pub fn copies(&self) -> Result<&Copies> {
        let is_yours = self.book.pages.iter().any(|page| page.yours);
        let name = if is_yours { "book/broken-notes" } else { "book/broken" };
        let dir = || book::target(self.root()).join(name);
        once(&self.copies, || Copies::build(&self.book, dir(), None))
    }

    /// A folder under `target/` for what the proofs make.
    pub fn scratch(&self, name: &str) -> std::io::Result<PathBuf> {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&dir)?;
        Ok(dir)
    }
}

/// The programs of the wanted kinds and the scripts.
fn stamps(root: &Path, built: &Built, wanted: impl Fn(&str) -> bool) -> Result<Vec<Stamp>> {
    let is_script = |file: &PathBuf| file.extension().is_some_and(|of| of == "go" || of == "py");
    let compiled = built.executables.iter().filter(|program| wanted(&program.kind));
    let mut files: Vec<PathBuf> = compiled.map(|program| program.path.clone()).collect();
    files.extend(broken::files(&root.join(CRATES))?.into_iter().filter(is_script));
    // Cargo names its programs in the order in which it is done with them.
    files.sort();
    let stamp = |file: PathBuf| {
        let of = fs::metadata(&file)?;
        Ok((file, of.len(), of.modified()?))
    };
    files.into_iter().map(stamp).collect()
}

/// As rustc and cargo list them (`*.d`, in the form of a makefile) beside each program.
fn sources(root: &Path, built: &Built) -> HashSet<PathBuf> {
    let mut files = HashSet::new();
    for executable in &built.executables {
        let list = whole_lines(&executable.path.with_extension("d"));
        let listed = list.split_whitespace().map(|file| Path::new(file.trim_end_matches(':')));
        files.extend(listed.map(|file| file.strip_prefix(root).unwrap_or(file).to_owned()));
    }
    files
}

/// A file that another cargo may be writing anew just now, as the consoles of the book do: without its last
/// line it is read again.
fn whole_lines(file: &Path) -> String {
    let mut read = String::new();
    for _ in 0..100 {
        match fs::read_to_string(file) {
            Ok(list) if list.ends_with('\n') => return list,
            Ok(list) => read = list,
            Err(_) => return read,
        }
        thread::sleep(Duration::from_millis(10));
    }
    read
}

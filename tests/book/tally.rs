//! How much was proven, how much was not, and how much nothing proves.

use std::collections::BTreeMap;
use std::sync::Mutex;

use weave::Book;

#[derive(Default)]
pub struct Tally(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    proven: BTreeMap<String, usize>,
    skipped: BTreeMap<String, usize>,
    red_drafts: usize,
}

impl Tally {
    pub fn proven(&self, kind: &str) {
        self.add(|counts| counts.proven.entry(kind.to_owned()).or_default());
    }

    pub fn skipped(&self, kind: &str) {
        self.add(|counts| counts.skipped.entry(kind.to_owned()).or_default());
    }

    pub fn red_in_a_draft(&self) {
        self.add(|counts| &mut counts.red_drafts);
    }

    fn add(&self, count: impl FnOnce(&mut Counts) -> &mut usize) {
        *count(&mut self.0.lock().expect("no proof panics while it counts")) += 1;
    }

    pub fn report(&self, book: &Book) -> String {
        let counts = self.0.lock().expect("no proof panics while it counts");
        let mut report = format!("proven:  {}\n", list(&counts.proven));
        if !counts.skipped.is_empty() {
            report += &format!("skipped: {}\n", list(&counts.skipped));
        }
        if counts.red_drafts > 0 {
            report += &format!("red in drafts: {}\n", counts.red_drafts);
        }
        report + &format!("blocks that nothing proves: {}", book.ledger.blocks.len())
    }
}

fn list(counts: &BTreeMap<String, usize>) -> String {
    if counts.is_empty() {
        return "nothing".into();
    }
    let each =
        counts.iter().map(|(kind, n)| format!("{n} {kind}{}", if *n == 1 { "" } else { "s" }));
    each.collect::<Vec<_>>().join(", ")
}

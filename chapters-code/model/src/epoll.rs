//! The interest list and the ready list, and what each step does to them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::file::File;
use crate::script::{Call, Script, Side, Step, What};
use crate::{Event, Flags, Outcome, Told, errno};

/// What `EPOLLEXCLUSIVE` may stand with.
const WITH_EXCLUSIVE: Flags =
    Flags(Flags::IN.0 | Flags::OUT.0 | Flags::ERR.0 | Flags::HUP.0 | Flags::HOW.0 & !(1 << 30));

/// How many events a waiter that is asleep has room for.
const MUCH: usize = 64;

// ANCHOR: epoll
/// One epoll, and all that it watches, as they are after some steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoll {
    /// What descriptors lead to: open file descriptions. Two descriptors may lead to one.
    files: Vec<File>,
    /// Where each descriptor leads, and those that are open.
    leads: BTreeMap<usize, usize>,
    open: BTreeSet<usize>,
    /// The interest list: what each entry asks for, by its descriptor.
    interest: BTreeMap<usize, Flags>,
    /// The ready list: the entries that something has woken, in the order in which it did.
    ready: VecDeque<usize>,
    /// While another thread sleeps in its wait; then what it was given.
    sleeper: Sleeper,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Sleeper {
    None,
    Asleep,
    /// It will run, and has not yet.
    Woken,
    Served(Vec<Event>),
}

/// One way in which a step may turn out.
#[derive(Debug, Clone)]
pub struct Turn {
    /// What is seen of it.
    pub outcome: Outcome,
    /// How things stand after it.
    pub after: Epoll,
    /// Why there are other ways; nothing if there are none.
    pub why: Vec<&'static str>,
}

impl Epoll {
    /// An epoll that watches nothing yet, and the descriptors of a script.
    pub fn new(script: &Script) -> Epoll {
        Epoll {
            files: script.kinds.values().map(|&kind| File::new(kind)).collect(),
            leads: script.kinds.keys().enumerate().map(|(file, &n)| (n, file)).collect(),
            open: script.kinds.keys().copied().collect(),
            interest: BTreeMap::new(),
            ready: VecDeque::new(),
            sleeper: Sleeper::None,
        }
    }

    /// Every way in which a step may turn out. How many bytes it moved is told.
    pub fn step(&self, step: &Step, told: &Told) -> Vec<Turn> {
        let mut luck = Luck::default();
        let mut turns = Vec::new();
        loop {
            let mut after = self.clone();
            let outcome = after.take(step, told, &mut luck);
            let same = |turn: &Turn| turn.outcome == outcome && turn.after == after;
            if !turns.iter().any(same) {
                turns.push(Turn { outcome, after, why: luck.why.clone() });
            }
            if !luck.another() {
                return turns;
            }
        }
    }

    /// The interest list: descriptors, and what each asks for. One that a one-shot report has
    /// disabled asks for nothing, not for errors either.
    pub fn interest(&self) -> impl Iterator<Item = Event> {
        self.interest.iter().map(|(&n, &asks)| (n, asks))
    }

    /// The ready list.
    pub fn ready(&self) -> impl Iterator<Item = usize> {
        self.ready.iter().copied()
    }

    fn take(&mut self, step: &Step, told: &Told, luck: &mut Luck) -> Outcome {
        self.acknowledge(luck);
        let mut outcome = Outcome::default();
        if step.asleep {
            // Who finds something does not go to sleep.
            let found = self.wait(MUCH);
            self.sleeper = if found.is_empty() { Sleeper::Asleep } else { Sleeper::Served(found) };
        }
        match step.what {
            What::Wait(room) => outcome.events = Some(self.wait(room)),
            What::Poll(asks) => outcome.polled = Some(self.poll(step.of, asks)),
            What::Add(asks) => outcome.errno = Some(self.add(step.of, asks, luck)),
            What::Mod(asks) => outcome.errno = Some(self.modify(step.of, asks, luck)),
            What::Del => outcome.errno = Some(self.delete(step.of)),
            What::Dup(new) => outcome.errno = Some(self.duplicate(step.of, new)),
            What::Close => outcome.errno = Some(self.close(step.of)),
            What::Own(_) if !self.open.contains(&step.of) => {}
            What::Own(call) => self.call(step.of, Side::Own, call, told, luck),
            What::Peer(call) => self.call(step.of, Side::Peer, call, told, luck),
        }
        if step.asleep {
            self.acknowledge(luck);
            self.serve();
            let served = std::mem::replace(&mut self.sleeper, Sleeper::None);
            let Sleeper::Served(events) = served else { unreachable!("it has been served") };
            outcome.asleep = Some(events);
        }
        outcome
    }

    fn add(&mut self, n: usize, asks: Flags, luck: &mut Luck) -> i32 {
        if !self.open.contains(&n) {
            return errno::EBADF;
        }
        if asks.meets(Flags::EXCLUSIVE) && asks.meets(!WITH_EXCLUSIVE) {
            return errno::EINVAL;
        }
        if self.interest.contains_key(&n) {
            return errno::EEXIST;
        }
        // A wake finds the newest entry first, and after all of them the exclusive ones, oldest first.
        let file = &mut self.files[self.leads[&n]];
        let at = if asks.meets(Flags::EXCLUSIVE) { file.watched_by.len() } else { 0 };
        file.watched_by.insert(at, n);
        self.set(n, asks, luck)
    }

    fn modify(&mut self, n: usize, asks: Flags, luck: &mut Luck) -> i32 {
        match self.interest.get(&n) {
            _ if !self.open.contains(&n) => errno::EBADF,
            _ if asks.meets(Flags::EXCLUSIVE) => errno::EINVAL,
            None => errno::ENOENT,
            Some(old) if old.meets(Flags::EXCLUSIVE) => errno::EINVAL,
            Some(_) => self.set(n, asks, luck),
        }
    }

    /// Whoever asks is told at the next wait what is true already.
    fn set(&mut self, n: usize, asks: Flags, luck: &mut Luck) -> i32 {
        self.interest.insert(n, asks | Flags::ERR | Flags::HUP);
        if !self.says(n).is_empty() {
            self.mark(n, luck);
        }
        0
    }

    fn delete(&mut self, n: usize) -> i32 {
        if !self.open.contains(&n) {
            return errno::EBADF;
        }
        if !self.interest.contains_key(&n) {
            return errno::ENOENT;
        }
        self.forget(n);
        0
    }

    fn forget(&mut self, n: usize) {
        self.interest.remove(&n);
        self.ready.retain(|&entry| entry != n);
        self.files[self.leads[&n]].watched_by.retain(|&entry| entry != n);
    }

    fn duplicate(&mut self, n: usize, new: Option<usize>) -> i32 {
        let file = self.leads[&n];
        if let Some(new) = new {
            self.leads.insert(new, file);
        }
        if !self.open.contains(&n) {
            return errno::EBADF;
        }
        match new {
            Some(new) => _ = self.open.insert(new),
            None => self.files[file].held = true,
        }
        0
    }

    /// An entry belongs to the open file description. It goes when the last descriptor does.
    fn close(&mut self, n: usize) -> i32 {
        if !self.open.remove(&n) {
            return errno::EBADF;
        }
        let file = self.leads[&n];
        if !self.files[file].held && !self.open.iter().any(|other| self.leads[other] == file) {
            self.files[file].watched_by.clone().into_iter().for_each(|entry| self.forget(entry));
        }
        0
    }

    fn call(&mut self, n: usize, side: Side, call: Call, told: &Told, luck: &mut Luck) {
        let file = self.leads[&n];
        let mut after = self.files[file].clone();
        for (key, then) in after.call(side, call, told) {
            self.files[file] = then;
            self.wake(file, key, luck);
        }
        self.files[file] = after;
    }

    /// A wake marks the entries that ask for something in its key, in the order of
    /// [`File::watched_by`]. A key of nothing marks all that ask for anything, so not one that is
    /// disabled: that asks for nothing, and only says how ([`Flags::HOW`]). An exclusive entry that
    /// finds a sleeper whom nothing has woken yet ([`Sleeper::Asleep`]) keeps a wake that has a key for
    /// itself: the entries after it are not marked.
    fn wake(&mut self, file: usize, key: Flags, luck: &mut Luck) {
        // FORK model: mark the entries that this wake is for, and ask nobody what is true
        // HINT: Of what happened the wake knows its key alone. Which key is for everybody? `Flags::NONE`.
        // HINT: What is left of an entry's flags when you take `Flags::HOW` away, and what is it if the
        //   entry is disabled?
        // HINT: A loop over the entries that watch the file. One is marked if the key meets what it asks
        //   for, or if the key is empty and it asks for anything. Whether somebody slept must be looked
        //   up before the mark, as a mark may wake the sleeper.
        for n in self.files[file].watched_by.clone() {
            let asks = self.interest[&n] & !Flags::HOW;
            if asks.meets(key) || key.is_empty() && !asks.is_empty() {
                let sleeps = self.sleeper == Sleeper::Asleep;
                self.mark(n, luck);
                if sleeps && !key.is_empty() && self.interest[&n].meets(Flags::EXCLUSIVE) {
                    break;
                }
            }
        }
    }

    /// Puts an entry at the end of the ready list, unless it is in it.
    fn mark(&mut self, n: usize, luck: &mut Luck) {
        if !self.ready.contains(&n) {
            self.ready.push_back(n);
        }
        if let Sleeper::Asleep | Sleeper::Woken = self.sleeper {
            self.sleeper = Sleeper::Woken;
            if luck.may(AWAKE) {
                self.serve();
            }
        }
    }

    /// The sleeping waiter runs, and takes what there is.
    fn serve(&mut self) {
        if let Sleeper::Asleep | Sleeper::Woken = self.sleeper {
            let events = self.wait(MUCH);
            self.sleeper = Sleeper::Served(events);
        }
    }

    /// A wait asks the marked entries, from the first on, until there is no more room for events. One
    /// that [`says`](Epoll::says) nothing loses its mark in silence. What any other says is an event.
    /// With it a one-shot entry loses its mark, and what it asks for, but not its [`Flags::HOW`]; an
    /// edge-triggered one loses its mark; a level-triggered one keeps it, and stands behind all that
    /// were marked before, those for which there was no room among them.
    fn wait(&mut self, room: usize) -> Vec<Event> {
        // FORK model: ask the marked entries what is true now, and leave each where its kind belongs
        // HINT: What woke an entry is not noted anywhere. What does the wait report then, and what if
        //   that is nothing?
        // HINT: Where does each kind of entry stand after its report: level, edge, one-shot? The rules
        //   stand at the top of `src/lib.rs`.
        // HINT: A loop while there is room and a first entry, which is taken off. A level-triggered one
        //   goes to a list of its own, which goes behind the ready list when the loop is over. Before
        //   that it would be asked twice.
        let (mut events, mut again) = (Vec::new(), Vec::new());
        while events.len() < room
            && let Some(n) = self.ready.pop_front()
        {
            let flags = self.says(n);
            if flags.is_empty() {
                continue; // What woke it is no longer so: the mark is gone, and nobody is told.
            }
            events.push((n, flags));
            let asks = self.interest.entry(n).or_default();
            if asks.meets(Flags::ONESHOT) {
                *asks = *asks & Flags::HOW;
            } else if !asks.meets(Flags::ET) {
                again.push(n); // Level: it is asked again at the next wait, after the others.
            }
        }
        self.ready.extend(again);
        events
    }

    /// What an entry asks for and is true now.
    fn says(&mut self, n: usize) -> Flags {
        self.files[self.leads[&n]].mask() & self.interest[&n]
    }

    /// `poll(2)`: what is true now, and no lists.
    fn poll(&mut self, n: usize, asks: Flags) -> Flags {
        if !self.open.contains(&n) {
            return Flags::NVAL;
        }
        self.files[self.leads[&n]].mask() & (asks | Flags::ERR | Flags::HUP)
    }

    /// The acknowledgement of a FIN of one's own may come between any two steps, and wakes.
    fn acknowledge(&mut self, luck: &mut Luck) {
        for file in 0..self.files.len() {
            if self.files[file].unacknowledged && luck.may(ACKNOWLEDGED) {
                self.files[file].unacknowledged = false;
                self.wake(file, Flags::NONE, luck);
            }
        }
    }
}

const ACKNOWLEDGED: &str = "the acknowledgement of its own FIN wakes it, and comes with any later \
                            segment of the peer, or up to 40 ms later";
const AWAKE: &str = "the waiter that was asleep runs at the first wake or later, and what wakes the \
                     entry after it has run makes another event";

/// What the kernel may do so or so. Asked again and again, it goes through all ways.
#[derive(Debug, Default)]
struct Luck {
    turns: Vec<bool>,
    at: usize,
    why: Vec<&'static str>,
}

impl Luck {
    fn may(&mut self, why: &'static str) -> bool {
        if !self.why.contains(&why) {
            self.why.push(why);
        }
        if self.at == self.turns.len() {
            self.turns.push(false);
        }
        self.at += 1;
        self.turns[self.at - 1]
    }

    /// The next way, if there is one: the last *no* becomes a *yes*, and all after it is open.
    fn another(&mut self) -> bool {
        self.at = 0;
        while self.turns.pop_if(|yes| *yes).is_some() {}
        self.turns.last_mut().is_some_and(|last| !std::mem::replace(last, true))
    }
}
// ANCHOR_END: epoll

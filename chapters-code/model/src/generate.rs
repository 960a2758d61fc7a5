//! Draws scripts, and shrinks one on which the model and the kernel differ.

use std::collections::{BTreeMap, BTreeSet};

use crate::Flags;
use crate::script::{Call, Kind, Script, Side, Step, What};

/// Numbers that follow from a seed: SplitMix64.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The same seed, the same numbers.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// The script with this number, of those that a seed draws of a kind. A script can so be drawn
/// again without those before it.
pub fn nth(seed: u64, kind: Kind, n: u64) -> Script {
    let mut mixer = Dice::new(seed ^ (kind as u64) << 56);
    let start = mixer.next().wrapping_add(n.wrapping_mul(0xd134_2543_de82_ef95));
    draw(&mut Dice::new(start), kind)
}

/// What a script is about, so that what takes several steps to happen happens often enough.
#[derive(Clone, Copy, PartialEq)]
enum Theme {
    Anything,
    /// The first descriptor has a duplicate, and both are watched.
    Duplicate,
    /// Many steps are made while a waiter sleeps.
    Asleep,
    /// One of the two directions is full, or nearly so.
    Full,
    /// Waits are few, and much happens between two.
    Quiet,
}

/// A script of 3 to 14 steps, about half of them followed by a wait. One to three descriptors, and
/// in one of eight scripts of more than one kind.
pub fn draw(dice: &mut Dice, kind: Kind) -> Script {
    let count = dice.one_of(&[1, 1, 1, 2, 2, 3]);
    let mut kinds: BTreeMap<usize, Kind> = (1..=count).map(|n| (n, kind)).collect();
    if count > 1 && dice.one_in(8) {
        kinds.insert(count, dice.one_of(&[Kind::Unix, Kind::Eventfd, Kind::Reader, Kind::Writer]));
    }
    let theme = match dice.below(24) {
        0..3 => Theme::Duplicate,
        3 => Theme::Asleep,
        4..7 => Theme::Full,
        7..12 => Theme::Quiet,
        _ => Theme::Anything,
    };
    let of = (1..=count).collect();
    let mut drawn = Drawn { dice, kinds, script: Vec::new(), of, clients: BTreeSet::new(), theme };
    // Most scripts begin with what makes the rest worth anything.
    for n in 1..=count {
        if !drawn.dice.one_in(8) {
            let mut asks = drawn.asks();
            if theme == Theme::Full && n == 1 && drawn.dice.one_in(2) {
                asks = Flags::OUT | Flags::ET;
            }
            drawn.push(n, What::Add(asks));
        }
    }
    match theme {
        Theme::Duplicate => {
            drawn.duplicate(1);
            let asks = drawn.asks();
            drawn.push(count + 1, What::Add(asks));
        }
        Theme::Full => {
            if drawn.dice.one_in(2) {
                drawn.push(1, What::Wait(16));
            }
            drawn.full(kind);
        }
        Theme::Asleep => {
            // A waiter may run between two of the writes that fill something.
            drawn.push(1, What::Wait(16));
            let before = drawn.script.len();
            drawn.full(kind);
            drawn.script.iter_mut().skip(before).take(1).for_each(|step| step.asleep = true);
        }
        _ => {}
    }
    let steps = 3 + drawn.dice.below(12);
    for _ in 0..steps {
        let at = drawn.dice.below(drawn.of.len());
        drawn.step(at + 1);
        if drawn.dice.one_in(if theme == Theme::Quiet { 5 } else { 2 }) {
            let room = drawn.dice.one_of(&[1, 1, 2, 16, 16, 16]);
            drawn.push(1, What::Wait(room));
        }
    }
    let waits = drawn.script.last().is_some_and(|step| matches!(step.what, What::Wait(_)));
    if !waits {
        drawn.push(1, What::Wait(16));
    }
    let Drawn { script: steps, mut kinds, .. } = drawn;
    let used = |n: &usize| steps.iter().any(|step| step.of == *n);
    kinds.retain(|n, _| *n == 1 || used(n));
    Script { kinds, steps }
}

struct Drawn<'a> {
    dice: &'a mut Dice,
    kinds: BTreeMap<usize, Kind>,
    script: Vec<Step>,
    /// What each descriptor is, or is a duplicate of; the first at 0.
    of: Vec<usize>,
    /// The listeners to which a client has come.
    clients: BTreeSet<usize>,
    theme: Theme,
}

impl Drawn<'_> {
    fn push(&mut self, of: usize, what: What) {
        self.script.push(Step { of, asleep: false, what });
    }

    fn asks(&mut self) -> Flags {
        let dice = &mut *self.dice;
        let mut asks = dice.one_of(&[
            Flags::IN,
            Flags::OUT,
            Flags::IN | Flags::OUT,
            Flags::IN | Flags::RDHUP,
            Flags::IN | Flags::OUT | Flags::RDHUP,
            Flags::RDHUP,
            Flags::PRI,
            Flags::OUT | Flags::PRI,
            Flags::NONE,
        ]);
        if dice.one_in(2) {
            asks |= Flags::ET;
        }
        if dice.one_in(4) {
            asks |= Flags::ONESHOT;
        }
        if dice.one_in(12) {
            asks |= Flags::EXCLUSIVE;
        }
        if dice.one_in(30) {
            asks |= Flags::WAKEUP;
        }
        asks
    }

    fn duplicate(&mut self, n: usize) {
        self.of.push(self.of[n - 1]);
        self.push(n, What::Dup(Some(self.of.len())));
    }

    /// Fills a direction of the first descriptor: until a write is refused, or on TCP to a part of
    /// the buffer that is more than a half or more than two thirds. A listener gets three clients.
    fn full(&mut self, kind: Kind) {
        let side = self.dice.one_of(&[Side::Own, Side::Own, Side::Peer]);
        let calls = match kind {
            Kind::Listener => {
                self.clients.insert(1);
                return (0..3).for_each(|_| self.push(1, What::Peer(Call::Connect)));
            }
            Kind::Writer if self.dice.one_in(3) => {
                // A page that was read in part has no room at its start; that shows when all are in use.
                let [read, write] = [0, 1].map(|_| self.dice.one_of(&[100, 2000]));
                self.push(1, What::Own(Call::Write(4095)));
                self.push(1, What::Peer(Call::Read(read)));
                self.push(1, What::Own(Call::Write(write)));
                [Call::Fill; 3]
            }
            Kind::Tcp => [Call::Fill, Call::Write(2_200_000), Call::Write(3_000_000)],
            Kind::Unix => [Call::Fill, Call::Write(50_000), Call::Write(60_000)],
            _ => [Call::Fill, Call::Fill, Call::Write(65_537)],
        };
        let call = self.dice.one_of(&calls);
        let allowed =
            [side, Side::Own, Side::Peer].into_iter().find(|side| kind.allows(*side, call).is_ok());
        let Some(side) = allowed else { return };
        let made = |side, call| if side == Side::Own { What::Own(call) } else { What::Peer(call) };
        self.push(1, made(side, call));
        // A little more, for limits that are met to the byte; or all of it away at once.
        let other = if side == Side::Own { Side::Peer } else { Side::Own };
        match self.dice.below(4) {
            0 => (0..3).for_each(|_| self.push(1, made(side, Call::Write(1)))),
            1 | 2 if kind.allows(other, Call::Drain).is_ok() => {
                if self.dice.one_in(2) {
                    self.push(1, What::Wait(16));
                }
                self.push(1, made(other, Call::Drain));
                self.push(1, What::Wait(16));
            }
            _ => {}
        }
    }

    fn step(&mut self, n: usize) {
        let origin = self.of[n - 1];
        let kind = self.kinds[&origin];
        let asks = self.asks();
        let what = match self.dice.below(40) {
            0..3 => What::Add(asks),
            3..7 => What::Mod(asks & !Flags::EXCLUSIVE),
            7 => What::Mod(asks),
            8 => What::Del,
            9 if self.of.len() < 4 => return self.duplicate(n),
            10 if self.dice.one_in(4) => What::Dup(None),
            11 if self.dice.one_in(2) => What::Close,
            12 | 13 => What::Poll(asks & !Flags::HOW),
            _ => self.call(origin, kind),
        };
        let rarely = if self.theme == Theme::Asleep { 4 } else { 600 };
        let asleep = self.dice.one_in(rarely) && !matches!(what, What::Poll(_));
        self.script.push(Step { of: n, asleep, what });
    }

    /// A call that the kind allows; those that end something are drawn seldom.
    fn call(&mut self, origin: usize, kind: Kind) -> What {
        loop {
            let dice = &mut *self.dice;
            let side = dice.one_of(&[Side::Own, Side::Peer]);
            let n = match kind {
                Kind::Eventfd => dice.one_of(&[0, 1, 1, 1, 5, u64::MAX - 2, u64::MAX - 1]),
                Kind::Reader | Kind::Writer => {
                    dice.one_of(&[1, 1, 5, 100, 2000, 4095, 4096, 5000, 65536, 70000])
                }
                _ => dice.one_of(&[1, 1, 1, 5, 5, 100, 100, 100, 5000, 30000, 60000, 100_000]),
            };
            let n = if kind == Kind::Udp { n.min(5000) } else { n };
            let rarely = match kind {
                Kind::Tcp if self.theme != Theme::Full => 16,
                // What a pipe has room for shows when it is full.
                Kind::Reader | Kind::Writer => 1,
                _ => 3,
            };
            let call = match dice.below(20) {
                0..5 => Call::Write(n),
                5..9 if kind == Kind::Eventfd => Call::Read(8),
                5..9 => Call::Read(n),
                9 if dice.one_in(20) => Call::Write(0),
                10 | 11 => Call::Drain,
                12 if dice.one_in(rarely) => Call::Fill,
                13 => Call::Shutdown,
                14 if side == Side::Peer && dice.one_in(2) => Call::Close,
                15 if dice.one_in(3) => Call::Reset,
                16 => Call::Accept,
                17 | 18 => Call::Connect,
                _ => continue,
            };
            let needs_client =
                kind == Kind::Listener && side == Side::Peer && call != Call::Connect;
            if kind.allows(side, call).is_err() || needs_client && !self.clients.contains(&origin) {
                continue;
            }
            if call == Call::Connect {
                self.clients.insert(origin);
            }
            return match side {
                Side::Own => What::Own(call),
                Side::Peer => What::Peer(call),
            };
        }
    }
}

/// The shortest script that `differs`, of those to which a script shrinks: without a step, without a
/// descriptor, with a smaller number, with fewer flags; one after the other, as long as it goes on.
pub fn shrink(script: Script, mut differs: impl FnMut(&Script) -> bool) -> Script {
    let mut shortest = script;
    loop {
        match smaller(&shortest).into_iter().find(|script| differs(script)) {
            Some(smaller) => shortest = smaller,
            None => return shortest,
        }
    }
}

/// Scripts that are a little smaller, the smallest first. All of them can be parsed.
fn smaller(script: &Script) -> Vec<Script> {
    let mut found = Vec::new();
    let length = script.steps.len();
    for part in [length / 2, length / 4, 2, 1].into_iter().filter(|part| *part > 0) {
        for start in (0..=length - part).rev() {
            let mut fewer = script.clone();
            fewer.steps.drain(start..start + part);
            found.push(fewer);
        }
    }
    for at in 0..length {
        for what in simpler(script.steps[at].what) {
            let mut with = script.clone();
            with.steps[at].what = what;
            found.push(with);
        }
        if script.steps[at].asleep {
            let mut awake = script.clone();
            awake.steps[at].asleep = false;
            found.push(awake);
        }
    }
    found.extend(renumbered(script));
    let reread = |script: Script| script.to_string().parse().ok();
    found.into_iter().filter_map(reread).filter(|smaller| smaller != script).collect()
}

/// If descriptor 1 is not used, the others take its place.
fn renumbered(script: &Script) -> Option<Script> {
    let names = |step: &Step| step.of == 1 && !matches!(step.what, What::Wait(_));
    if script.steps.iter().any(names) {
        return None;
    }
    let next = script.steps.iter().map(|step| step.of).filter(|of| *of > 1).min()?;
    let kind = *script.kinds.get(&next)?;
    let mut renumbered = script.clone();
    renumbered.kinds.remove(&next);
    renumbered.kinds.insert(1, kind);
    for step in renumbered.steps.iter_mut().filter(|step| step.of == next) {
        step.of = 1;
    }
    Some(renumbered)
}

fn simpler(what: What) -> Vec<What> {
    let fewer = |asks: Flags| -> Vec<Flags> {
        let names = Flags::NAMES.iter().filter(move |(flag, _)| asks.meets(*flag));
        names.map(|(flag, _)| asks & !*flag).collect()
    };
    let call = |call: Call| match call {
        Call::Read(n) => [1, 5, n / 2].map(Call::Read).into_iter().filter(|c| *c < call).collect(),
        Call::Write(n) => {
            [1, 5, n / 2].map(Call::Write).into_iter().filter(|c| *c < call).collect()
        }
        _ => Vec::new(),
    };
    match what {
        What::Add(asks) => fewer(asks).into_iter().map(What::Add).collect(),
        What::Mod(asks) => fewer(asks).into_iter().map(What::Mod).collect(),
        What::Poll(asks) => fewer(asks).into_iter().map(What::Poll).collect(),
        What::Dup(Some(_)) => vec![What::Dup(None)],
        What::Wait(room) if room != crate::script::ROOM => vec![What::Wait(crate::script::ROOM)],
        What::Own(own) => call(own).into_iter().map(What::Own).collect(),
        What::Peer(peer) => call(peer).into_iter().map(What::Peer).collect(),
        _ => Vec::new(),
    }
}

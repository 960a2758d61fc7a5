//! From the line to the script, or to what is wrong with the line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::Flags;
use crate::script::{ALL, Call, Kind, MUCH, ROOM, Script, Side, Step, What};

/// What is wrong with a script, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The script.
    pub script: String,
    /// The bytes of it that are wrong.
    pub at: std::ops::Range<usize>,
    /// Which step it is, from 1.
    pub step: usize,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = " ".repeat(self.script[..self.at.start].chars().count());
        let under = "^".repeat(self.script[self.at.clone()].chars().count().max(1));
        write!(f, "step {}: {}\n  {}\n  {before}{under}", self.step, self.what, self.script)
    }
}

impl std::error::Error for Wrong {}

impl FromStr for Script {
    type Err = Wrong;

    fn from_str(script: &str) -> Result<Script, Wrong> {
        let script = script.replace(['\n', '\t'], " ");
        let (mut parts, mut at) = (Vec::new(), 0);
        for part in script.split(';') {
            let start = at + part.len() - part.trim_start().len();
            parts.push((start, part.trim()));
            at += part.len() + 1;
        }
        let wrong = |(index, what): (usize, String)| {
            let (start, text): (usize, &str) = parts[index];
            Wrong { script: script.clone(), at: start..start + text.len(), step: index + 1, what }
        };
        let mut parser = Parser::default();
        for (index, (_, text)) in parts.iter().enumerate().filter(|(_, part)| !part.1.is_empty()) {
            parser.part(index, text).map_err(|what| wrong((index, what)))?;
        }
        parser.finish().map_err(wrong)
    }
}

/// What a descriptor was said to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Kind(Kind),
    /// A pipe, and the steps will tell which end.
    Pipe,
}

#[derive(Default)]
struct Parser {
    /// Without a number: of all that nothing else is said of.
    first: Option<Said>,
    said: BTreeMap<usize, Said>,
    /// Duplicates, and what they are duplicates of.
    duplicates: BTreeMap<usize, usize>,
    /// Each with the part of the line in which it stands.
    steps: Vec<(usize, Step)>,
    used: BTreeSet<usize>,
}

const KINDS: &str = "tcp, unix, pipe, eventfd, udp, listener";
const STEPS: &str = "add, mod, del, dup, close, wait, poll, read, write, fill, drain, shutdown, \
                     accept; with `peer` before it: read, write, fill, drain, shutdown, close, \
                     reset, connect";
const SIDES: &str = "read, write, fill, drain, shutdown, close, reset, connect";

impl Parser {
    fn part(&mut self, index: usize, text: &str) -> Result<(), String> {
        let mut words = text.split_whitespace().peekable();
        let (mut number, mut asleep) = (None, false);
        while let Some(&word) = words.peek() {
            if word == "asleep" {
                asleep = true;
            } else if word.bytes().all(|byte| byte.is_ascii_digit()) {
                number = Some(descriptor(word)?);
            } else {
                break;
            }
            words.next();
        }
        if let Some(said) = words.peek().and_then(|word| kind(word)) {
            words.next();
            let end = words.next_if(|word| ["reader", "writer"].contains(word));
            self.say(number, said, end)?;
            if words.peek().is_none() {
                return Ok(());
            }
        }
        let verb = words.next().ok_or_else(|| format!("a step is missing: one of {STEPS}"))?;
        let rest: Vec<&str> = words.collect();
        let of = number.unwrap_or(1);
        let what = what(verb, &rest)?;
        if let What::Wait(_) = what
            && number.is_some()
        {
            return Err("a wait is for all descriptors: `wait`, or `wait N` for room for N".into());
        }
        if let What::Wait(_) | What::Poll(_) = what
            && asleep
        {
            return Err(
                "`asleep` stands before what wakes the sleeper: `asleep peer write 1`".into()
            );
        }
        if !matches!(what, What::Wait(_)) {
            self.used.insert(of);
        }
        if let What::Dup(Some(new)) = what {
            if self.used.contains(&new) || self.said.contains_key(&new) {
                return Err(format!("there is a descriptor {new} already: `dup N` with another N"));
            }
            self.used.insert(new);
            self.duplicates.insert(new, of);
        }
        self.steps.push((index, Step { of, asleep, what }));
        Ok(())
    }

    fn say(&mut self, number: Option<usize>, said: Said, end: Option<&str>) -> Result<(), String> {
        let said = match (said, end) {
            (Said::Pipe, Some("reader")) => Said::Kind(Kind::Reader),
            (Said::Pipe, Some("writer")) => Said::Kind(Kind::Writer),
            (_, Some(end)) => return Err(format!("only a pipe has a {end}: `pipe {end}`")),
            (said, None) => said,
        };
        match number {
            None if !self.steps.is_empty() || self.first.is_some() => Err(
                "what is watched stands first, and once; with a number before it, it is of one \
                     descriptor: `2 unix`"
                    .into(),
            ),
            None => {
                self.first = Some(said);
                Ok(())
            }
            Some(n) if self.used.contains(&n) || self.said.contains_key(&n) => {
                Err(format!("what descriptor {n} is stands before its first step, and once"))
            }
            Some(n) => {
                self.said.insert(n, said);
                Ok(())
            }
        }
    }

    fn finish(mut self) -> Result<Script, (usize, String)> {
        let last = self.steps.last().map_or(0, |step| step.0);
        if self.steps.is_empty() {
            return Err((last, "no step; for example `add IN; peer write 5; wait`".into()));
        }
        // A script of waits alone has an epoll that watches nothing, beside a descriptor.
        self.used.insert(1);
        self.used.extend(self.said.keys());
        let mut kinds = BTreeMap::new();
        for &n in self.used.iter().filter(|n| !self.duplicates.contains_key(n)) {
            let said = self.said.get(&n).copied().or(self.first);
            let kind = match said.unwrap_or(Said::Kind(Kind::Tcp)) {
                Said::Kind(kind) => kind,
                Said::Pipe => self.end_of_pipe(n),
            };
            kinds.insert(n, kind);
        }
        let mut clients = BTreeSet::new();
        for &(part, step) in &self.steps {
            let of = self.origin(step.of);
            let kind = kinds[&of];
            let (side, call) = match step.what {
                What::Own(call) => (Side::Own, call),
                What::Peer(call) => (Side::Peer, call),
                _ => continue,
            };
            kind.allows(side, call).map_err(|why| {
                let peer = if side == Side::Peer { "peer " } else { "" };
                (part, format!("`{peer}{call}` is nothing for {}: {why}", named(kind)))
            })?;
            if call == Call::Connect {
                clients.insert(of);
            } else if kind == Kind::Listener && side == Side::Peer && !clients.contains(&of) {
                return Err((part, "no client has come yet: `peer connect` before it".into()));
            }
        }
        Ok(Script { kinds, steps: self.steps.into_iter().map(|(_, step)| step).collect() })
    }

    /// What a descriptor is a duplicate of, or it itself.
    fn origin(&self, mut n: usize) -> usize {
        while let Some(of) = self.duplicates.get(&n) {
            n = *of;
        }
        n
    }

    /// Which end of a pipe the steps are for: the one that their first read or write makes it; or
    /// else what they ask epoll for.
    fn end_of_pipe(&self, n: usize) -> Kind {
        let of_it = || self.steps.iter().filter(|(_, step)| self.origin(step.of) == n);
        let by_call = of_it().find_map(|(_, step)| match step.what {
            What::Own(call) if call.is_write() => Some(Kind::Writer),
            What::Peer(call) if call.is_read() => Some(Kind::Writer),
            What::Own(call) if call.is_read() => Some(Kind::Reader),
            What::Peer(call) if call.is_write() => Some(Kind::Reader),
            _ => None,
        });
        let by_asking = || {
            of_it().find_map(|(_, step)| match step.what {
                What::Add(asks) | What::Mod(asks) if asks.meets(Flags::IN) => Some(Kind::Reader),
                What::Add(asks) | What::Mod(asks) if asks.meets(Flags::OUT) => Some(Kind::Writer),
                _ => None,
            })
        };
        by_call.or_else(by_asking).unwrap_or(Kind::Reader)
    }
}

fn named(kind: Kind) -> String {
    match kind {
        Kind::Reader => "the reading end of a pipe".into(),
        Kind::Writer => "the writing end of a pipe".into(),
        Kind::Eventfd | Kind::Unix => format!("an `{kind}`").replace("an `unix`", "`unix`"),
        Kind::Listener => "a `listener`".into(),
        Kind::Tcp | Kind::Udp => format!("`{kind}`"),
    }
}

fn kind(word: &str) -> Option<Said> {
    match word {
        "pipe" => Some(Said::Pipe),
        _ => Kind::ALL.into_iter().find(|kind| kind.to_string() == word).map(Said::Kind),
    }
}

fn descriptor(word: &str) -> Result<usize, String> {
    let number = word.parse().ok().filter(|n| (1..=64).contains(n));
    number.ok_or_else(|| format!("`{word}` is no descriptor: they are numbered from 1 to 64"))
}

fn what(verb: &str, rest: &[&str]) -> Result<What, String> {
    let none = |what| match rest {
        [] => Ok(what),
        [word, ..] => Err(format!("`{word}` is too much after `{verb}`; steps are parted by `;`")),
    };
    match verb {
        "add" => Ok(What::Add(asks(verb, rest)?)),
        "mod" => Ok(What::Mod(asks(verb, rest)?)),
        "del" => none(What::Del),
        "dup" if rest.is_empty() => Ok(What::Dup(None)),
        "dup" => match rest {
            [word] => Ok(What::Dup(Some(descriptor(word)?))),
            _ => Err("`dup`, or `dup N` for a duplicate with a number".into()),
        },
        "close" => none(What::Close),
        "wait" if rest.is_empty() => Ok(What::Wait(ROOM)),
        "wait" => match rest {
            [word] if word.parse().is_ok_and(|n: usize| (1..=1024).contains(&n)) => {
                Ok(What::Wait(word.parse().unwrap_or(ROOM)))
            }
            _ => Err("`wait`, or `wait N` with room for N events, from 1 to 1024".into()),
        },
        "poll" if rest.is_empty() => Ok(What::Poll(ALL)),
        "poll" => {
            let asked = asks(verb, rest)?;
            match asked & (Flags::HOW | Flags::NVAL) {
                Flags::NONE => Ok(What::Poll(asked)),
                flags => Err(format!("`{flags}` is nothing for poll(2): IN, PRI, OUT, RDHUP")),
            }
        }
        "peer" => match rest {
            ["accept", ..] => Err("the listener accepts: `accept`".into()),
            [verb, rest @ ..] => Ok(What::Peer(call(verb, rest, SIDES)?)),
            [] => Err(format!("`peer` does what? One of {SIDES}")),
        },
        "reset" => Err("the other side resets: `peer reset`".into()),
        "connect" => Err("clients connect: `peer connect`".into()),
        _ => Ok(What::Own(call(verb, rest, STEPS)?)),
    }
}

fn call(verb: &str, rest: &[&str], right: &str) -> Result<Call, String> {
    let call = match (verb, rest) {
        ("read", []) => return Ok(Call::Read(8)),
        ("read", [n]) => return Ok(Call::Read(bytes(n, MUCH)?)),
        ("write", [n]) => return Ok(Call::Write(bytes(n, u64::MAX)?)),
        ("read" | "write", _) => return Err(format!("`{verb} N`, N bytes")),
        ("fill", _) => Call::Fill,
        ("drain", _) => Call::Drain,
        ("shutdown", _) => Call::Shutdown,
        ("close", _) => Call::Close,
        ("reset", _) => Call::Reset,
        ("accept", _) => Call::Accept,
        ("connect", _) => Call::Connect,
        _ if kind(verb).is_some() => {
            return Err(format!("what is watched stands first: one of {KINDS}"));
        }
        _ => return Err(format!("`{verb}` is no step; the steps are {right}")),
    };
    match rest {
        [] => Ok(call),
        [word, ..] => Err(format!("`{word}` is too much after `{verb}`; steps are parted by `;`")),
    }
}

fn bytes(word: &str, most: u64) -> Result<u64, String> {
    let number = word.parse().ok().filter(|n| *n <= most);
    number.ok_or_else(|| format!("`{word}` is no number of bytes from 0 to {most}"))
}

fn asks(verb: &str, rest: &[&str]) -> Result<Flags, String> {
    let names = || Flags::NAMES.map(|(_, name)| name).join(", ").replace("NVAL, ", "");
    if rest.is_empty() {
        return Err(format!("`{verb} FLAGS`, for example `{verb} IN|ET`; flags: {}", names()));
    }
    let mut asks = Flags::NONE;
    for word in rest.iter().flat_map(|word| word.split('|')).filter(|word| !word.is_empty()) {
        let upper = word.to_ascii_uppercase();
        let short = upper.strip_prefix("EPOLL").or(upper.strip_prefix("POLL")).unwrap_or(&upper);
        let found = Flags::NAMES.iter().find(|(_, name)| *name == short && short != "NVAL");
        asks |= match found {
            Some((flag, _)) => *flag,
            None if word == "0" => Flags::NONE,
            None => return Err(format!("`{word}` is no flag; the flags are {}", names())),
        };
    }
    Ok(asks)
}

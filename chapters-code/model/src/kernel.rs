//! Runs a script on the kernel, and tells the model what it must be told.

use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::thread;
use std::time::{Duration, Instant};

use crate::script::{Call, Kind, MUCH, Script, Side, Step, What};
use crate::{Event, Flags, Outcome, Told, errno};

mod asleep;
mod ends;
mod sys;

use ends::Ends;

/// An epoll of the kernel, and the descriptors of a script.
#[derive(Debug)]
pub struct Kernel {
    epoll: OwnedFd,
    /// What wakes a sleeper whom nothing else has woken; only where a step has one.
    ender: Option<OwnedFd>,
    open: BTreeMap<usize, OwnedFd>,
    leads: BTreeMap<usize, usize>,
    ends: Vec<Ends>,
    /// Above all numbers that were closed. A duplicate that got such a number would come by the entry
    /// that its description still has under it.
    above: RawFd,
}

impl Kernel {
    /// Opens what the script needs.
    pub fn new(script: &Script) -> io::Result<Kernel> {
        let epoll = sys::epoll()?;
        let ender = match script.steps.iter().any(|step| step.asleep) {
            true => Some(asleep::ender(&epoll)?),
            false => None,
        };
        let (mut open, mut leads, mut ends) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for (&n, &kind) in &script.kinds {
            let (own, end) = Ends::open(kind)?;
            open.insert(n, own);
            leads.insert(n, ends.len());
            ends.push(end);
        }
        Ok(Kernel { epoll, ender, open, leads, ends, above: 0 })
    }

    /// Makes a step, waits until its consequences have come, and says what was seen.
    pub fn step(&mut self, step: &Step) -> (Outcome, Told) {
        match (step.asleep, &self.ender) {
            (true, Some(ender)) => {
                let (epoll, ender) = (self.epoll.as_raw_fd(), ender.as_raw_fd());
                let (events, (mut outcome, told)) =
                    asleep::while_asleep(epoll, ender, || self.awake(step));
                outcome.asleep = Some(events);
                (outcome, told)
            }
            _ => self.awake(step),
        }
    }

    fn awake(&mut self, step: &Step) -> (Outcome, Told) {
        let mut outcome = Outcome::default();
        let fd = self.fd(step.of);
        match step.what {
            What::Wait(room) => outcome.events = Some(sys::wait(self.epoll.as_raw_fd(), room, 0)),
            What::Poll(asks) => outcome.polled = Some(sys::poll(fd, asks)),
            What::Add(asks) => {
                outcome.errno = Some(self.control(libc::EPOLL_CTL_ADD, step.of, asks));
            }
            What::Mod(asks) => {
                outcome.errno = Some(self.control(libc::EPOLL_CTL_MOD, step.of, asks));
            }
            What::Del => {
                outcome.errno = Some(self.control(libc::EPOLL_CTL_DEL, step.of, Flags::NONE));
            }
            What::Dup(new) => outcome.errno = Some(self.duplicate(step.of, new)),
            What::Close => outcome.errno = Some(self.close(step.of)),
            What::Own(call) => {
                return (outcome, self.call(step.of, Side::Own, call));
            }
            What::Peer(call) => {
                return (outcome, self.call(step.of, Side::Peer, call));
            }
        }
        (outcome, Told::default())
    }

    /// The descriptor, or a number that no descriptor has.
    fn fd(&self, n: usize) -> RawFd {
        self.open.get(&n).map_or(RawFd::MAX, AsRawFd::as_raw_fd)
    }

    fn control(&self, op: libc::c_int, n: usize, asks: Flags) -> i32 {
        sys::control(self.epoll.as_raw_fd(), op, self.fd(n), asks, n as u64)
    }

    fn close(&mut self, n: usize) -> i32 {
        match self.open.remove(&n) {
            Some(fd) => {
                self.above = self.above.max(fd.as_raw_fd() + 1);
                0
            }
            None => errno::EBADF,
        }
    }

    fn duplicate(&mut self, n: usize, new: Option<usize>) -> i32 {
        let end = self.leads[&n];
        if let Some(new) = new {
            self.leads.insert(new, end);
        }
        match self.open.get(&n).map(|fd| sys::duplicate(fd, self.above)) {
            None => return errno::EBADF,
            Some(Err(error)) => return error.raw_os_error().unwrap_or(errno::EBADF),
            Some(Ok(fd)) => match new {
                Some(new) => _ = self.open.insert(new, fd),
                None => self.ends[end].held = Some(fd),
            },
        }
        0
    }

    fn call(&mut self, n: usize, side: Side, call: Call) -> Told {
        let at = self.leads[&n];
        // Any descriptor that leads to it can be asked how full it is.
        let same = self.open.iter().find(|(other, _)| self.leads[other] == at);
        let held = self.ends[at].held.as_ref();
        let own = same.map(|(_, fd)| fd.as_raw_fd()).or(held.map(AsRawFd::as_raw_fd));
        let by = self.fd(n);
        self.ends[at].call(side, call, by, own)
    }
}

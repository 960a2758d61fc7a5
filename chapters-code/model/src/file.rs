//! What a descriptor has in it: what its poll says, and which steps wake those who watch it.

use std::collections::VecDeque;

use crate::script::{Call, Kind, Side};
use crate::{Flags, Told, errno};

// ANCHOR: file
/// The key of the wake that comes with something to read on a socket: `sock_def_readable`.
const DATA: Flags = Flags(Flags::IN.0 | Flags::PRI.0);
/// The key of a change of state: none, and so every entry is woken. `sock_def_wakeup`.
const STATE: Flags = Flags::NONE;

/// The slots of a pipe, and what each takes: it is full when all are in use, however little they
/// hold.
const SLOTS: usize = 16;
const PAGE: u64 = 4096;

/// A write above this may reach the peer in parts, and each part wakes.
const PART: u64 = 16 << 10;

/// The watched end of something, with what its state needs of the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub kind: Kind,
    /// The numbers of the entries that watch it, in the order in which a wake finds them.
    pub watched_by: Vec<usize>,
    /// A duplicate without a number keeps it open.
    pub held: bool,
    /// What a read takes: bytes, datagrams, connections, or the counter of an eventfd.
    unread: u64,
    /// What the peer has written and what has not arrived.
    late: u64,
    /// The same at the peer, arrived or not: who closes with something unread resets.
    peer_unread: u64,
    /// How full the send buffer is, in the kernel's accounting, and whether that is too full.
    used: u64,
    full: bool,
    /// Somebody was told that there is no room, and TCP owes a wake for that. `SOCK_NOSPACE`.
    owes_room: bool,
    /// The peer's end has come; before that, the peer has sent it, behind what is late.
    ended: bool,
    end_sent: bool,
    /// One's own direction is shut; on TCP its FIN waits for the acknowledgement.
    shut: bool,
    pub unacknowledged: bool,
    /// The peer has closed.
    gone: bool,
    /// An error is pending.
    error: bool,
    /// A pipe's slots: where each begins to be free, and how much it holds.
    slots: VecDeque<(u64, u64)>,
    /// The wakes of the step that is being made, each with the state at its moment.
    wakes: Vec<(Flags, File)>,
}

impl File {
    pub fn new(kind: Kind) -> File {
        File {
            kind,
            watched_by: Vec::new(),
            held: false,
            unread: 0,
            late: 0,
            peer_unread: 0,
            used: 0,
            full: false,
            owes_room: false,
            ended: false,
            end_sent: false,
            shut: false,
            unacknowledged: false,
            gone: false,
            error: false,
            slots: VecDeque::new(),
            wakes: Vec::new(),
        }
    }

    /// What its poll says now. That TCP says *no room* has a consequence: it owes a wake.
    pub fn mask(&mut self) -> Flags {
        let mut mask = Flags::NONE;
        let mut when = |is: bool, flags: Flags| mask |= if is { flags } else { Flags::NONE };
        match self.kind {
            Kind::Tcp | Kind::Unix | Kind::Udp => {
                let room = !self.full || self.shut && self.kind == Kind::Tcp;
                self.owes_room |= !room && self.kind == Kind::Tcp;
                when(self.unread > 0, Flags::IN);
                when(room, Flags::OUT);
                when(self.ended, Flags::IN | Flags::RDHUP);
                when(self.ended && self.shut, Flags::HUP);
                when(self.error, Flags::ERR);
            }
            Kind::Reader => {
                when(!self.slots.is_empty(), Flags::IN);
                when(self.gone, Flags::HUP);
            }
            Kind::Writer => {
                when(self.slots.len() < SLOTS, Flags::OUT);
                when(self.gone, Flags::ERR);
            }
            Kind::Eventfd => {
                when(self.unread > 0, Flags::IN);
                when(self.unread < u64::MAX - 1, Flags::OUT);
            }
            Kind::Listener => when(self.unread > 0, Flags::IN),
        }
        mask
    }

    /// Makes a call, and returns the wakes that come of it, each with the state at its moment.
    pub fn call(&mut self, side: Side, call: Call, told: &Told) -> Vec<(Flags, File)> {
        match self.kind {
            _ if told.errno == errno::EBADF => {}
            Kind::Tcp | Kind::Unix => self.stream(side, call, told),
            Kind::Reader | Kind::Writer => self.pipe(side, call, told),
            Kind::Eventfd => self.counter(call, told),
            Kind::Udp => self.datagrams(side, call, told),
            Kind::Listener => self.queue_of_clients(side, call, told),
        }
        std::mem::take(&mut self.wakes)
    }

    fn wake(&mut self, key: Flags) {
        let then = File { wakes: Vec::new(), ..self.clone() };
        self.wakes.push((key, then));
    }

    fn stream(&mut self, side: Side, call: Call, told: &Told) {
        let tcp = self.kind == Kind::Tcp;
        let (mut arriving, mut taken) = (0, 0);
        match (side, call) {
            (Side::Peer, Call::Write(_) | Call::Fill) => arriving = told.moved,
            (Side::Own, Call::Read(_) | Call::Drain) => taken = told.moved,
            (Side::Own, Call::Write(_) | Call::Fill) => self.peer_unread += told.moved,
            (Side::Peer, Call::Read(_) | Call::Drain) => {
                self.peer_unread = self.peer_unread.saturating_sub(told.moved);
            }
            (Side::Own, Call::Shutdown) => {
                self.unacknowledged |= tcp && !self.shut;
                self.shut = true;
                self.wake(STATE);
            }
            (Side::Peer, Call::Shutdown) if tcp => self.end_sent = true,
            (Side::Peer, Call::Shutdown) if !self.gone => {
                self.ended = true;
                self.wake(STATE);
            }
            (Side::Peer, Call::Close) if tcp && self.peer_unread > 0 => self.reset(),
            (Side::Peer, Call::Close) if tcp => self.end_sent = true,
            (Side::Peer, Call::Close) if !self.gone => {
                (self.ended, self.shut) = (true, true);
                self.error |= self.peer_unread > 0;
                self.wake(STATE);
            }
            (Side::Peer, Call::Reset) => self.reset(),
            _ => {}
        }
        self.gone |= side == Side::Peer && matches!(call, Call::Close | Call::Reset);
        if side == Side::Own && tcp && call.is_write() {
            // A call that moved less than it was asked to was refused the rest.
            self.owes_room |= told.refused > 0;
            if told.refused > 1 {
                self.wake(Flags::OUT);
            }
            if told.moved > 0 && self.gone {
                self.reset();
            }
        }
        if side == Side::Own && (call.is_read() || tcp && call.is_write()) {
            // A call that fails takes the error with it. On a Unix stream a write does not.
            self.error &= !told.failed();
        }
        self.arrive(arriving, taken, told);
        self.room(told);
    }

    /// What has been written arrives, as far as there is room for it, and the end behind it.
    fn arrive(&mut self, written: u64, taken: u64, told: &Told) {
        let arrived = (self.late + written).saturating_sub(told.late);
        self.late = self.late + written - arrived;
        self.unread += arrived;
        if arrived > 0 {
            self.wake(DATA);
        }
        if arrived > PART {
            self.wake(DATA);
        }
        self.unread = self.unread.saturating_sub(taken);
        if self.end_sent && self.late == 0 && !self.ended {
            self.ended = true;
            self.wake(STATE);
            if self.shut {
                // It carries the acknowledgement, if one's own FIN is not behind what has no room.
                self.unacknowledged &= told.used > 0;
                self.wake(STATE);
            }
        }
    }

    /// Room comes back: on TCP two thirds are the limit, and a wake comes if one is owed; on a Unix
    /// stream a quarter is (to the byte, it is too much), and a wake comes with every buffer that is freed.
    fn room(&mut self, told: &Told) {
        let freed = match self.kind {
            Kind::Tcp => {
                self.full = told.size.saturating_sub(told.used) < told.used / 2;
                self.owes_room
            }
            _ => {
                self.full = told.used * 4 >= told.size;
                told.used < self.used
            }
        };
        self.used = told.used;
        if freed && !self.full {
            self.owes_room = false;
            self.wake(Flags::OUT);
            if self.kind == Kind::Unix {
                self.wake(Flags::OUT);
            }
        }
    }

    /// A reset ends both directions with an error, unless both have ended well.
    fn reset(&mut self) {
        if self.ended && self.shut && !self.unacknowledged {
            return;
        }
        (self.ended, self.shut, self.unacknowledged) = (true, true, false);
        (self.error, self.owes_room) = (true, false);
        self.wake(STATE);
        self.wake(Flags::ERR);
    }

    fn pipe(&mut self, side: Side, call: Call, told: &Told) {
        let was_full = self.slots.len() == SLOTS;
        match call {
            Call::Write(asked) => self.put_in_slots(asked, told.moved),
            Call::Fill => {
                (0..told.moved.div_ceil(PAGE)).for_each(|_| self.put_in_slots(PAGE, PAGE))
            }
            Call::Read(_) | Call::Drain => {
                let before = self.slots.len();
                self.take_from_slots(told.moved);
                if self.kind == Kind::Writer && was_full && self.slots.len() < before {
                    self.wake(Flags::OUT);
                }
            }
            Call::Close if side == Side::Peer && !self.gone => {
                self.gone = true;
                self.wake(STATE);
            }
            _ => {}
        }
        // A write that is refused wakes as well.
        let tried = call == Call::Fill || matches!(call, Call::Write(asked) if asked > 0);
        if tried && self.kind == Kind::Reader && !told.failed() {
            self.wake(Flags::IN);
            if call == Call::Fill {
                self.wake(Flags::IN);
            }
        }
    }

    /// What is left over of whole pages goes into the last slot if it fits; the rest takes new ones.
    fn put_in_slots(&mut self, asked: u64, mut moved: u64) {
        let odd = asked % PAGE;
        if let Some((start, held)) = self.slots.back_mut()
            && odd > 0
            && *start + *held + odd <= PAGE
        {
            let merged = odd.min(moved);
            *held += merged;
            moved -= merged;
        }
        while moved > 0 {
            let part = moved.min(PAGE);
            self.slots.push_back((0, part));
            moved -= part;
        }
    }

    fn take_from_slots(&mut self, mut taken: u64) {
        while let Some((start, held)) = self.slots.front_mut()
            && taken > 0
        {
            let part = taken.min(*held);
            (*start, *held, taken) = (*start + part, *held - part, taken - part);
            if *held == 0 {
                self.slots.pop_front();
            }
        }
    }

    /// An eventfd has one counter and no sides: whoever writes adds, whoever reads takes all.
    fn counter(&mut self, call: Call, told: &Told) {
        if told.refused > 0 && told.moved == 0 || told.failed() {
            return;
        }
        match call {
            Call::Write(n) => self.unread += n,
            Call::Fill => {
                // In several writes, and a waiter may run between two.
                if told.moved > 8 {
                    self.unread += 1;
                    self.wake(Flags::IN);
                }
                self.unread = u64::MAX - 1;
            }
            Call::Read(_) | Call::Drain => self.unread = 0,
            _ => return,
        }
        self.wake(if call.is_write() { Flags::IN } else { Flags::OUT });
    }

    fn datagrams(&mut self, side: Side, call: Call, told: &Told) {
        let done = told.refused == 0 && !told.failed();
        match (side, call) {
            (Side::Peer, Call::Write(_)) if done && told.late == 0 => {
                self.unread += 1;
                self.wake(DATA);
            }
            (Side::Own, Call::Write(_)) if done => {
                // Sent is sent: the buffer is free again before the call returns.
                self.wake(Flags::OUT);
                if self.gone {
                    self.error = true;
                    self.wake(Flags::ERR);
                }
            }
            (Side::Own, Call::Read(1..)) if done => self.unread = self.unread.saturating_sub(1),
            (Side::Own, Call::Drain) => self.unread = self.unread.saturating_sub(told.moved),
            (Side::Own, Call::Shutdown) => {
                self.shut = true;
                self.wake(STATE);
            }
            (Side::Peer, Call::Close) => self.gone = true,
            _ => {}
        }
        self.error &= side == Side::Peer || !told.failed() || call == Call::Shutdown;
    }

    fn queue_of_clients(&mut self, side: Side, call: Call, told: &Told) {
        match (side, call) {
            (Side::Peer, Call::Connect) => {
                self.unread += 1;
                self.wake(DATA);
            }
            (Side::Own, Call::Accept | Call::Drain) => {
                self.unread = self.unread.saturating_sub(told.moved);
            }
            (Side::Own, Call::Shutdown) => self.wake(STATE),
            _ => {}
        }
    }
}
// ANCHOR_END: file

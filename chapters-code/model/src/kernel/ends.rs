//! The two ends of what is watched, and what is done to them.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;

use super::*;

/// The states of TCP in which the peer's end has not come.
const BEFORE_THE_END: [u8; 3] = [1, 4, 5];
/// The state of TCP after a reset, and after both ends.
const CLOSED: u8 = 7;

/// When a consequence is given up on that has not come.
const PATIENCE: Duration = Duration::from_millis(100);
/// As long as nothing moves, nothing will.
const STEADY: Duration = Duration::from_millis(1);

/// The other end, and what is known of both.
#[derive(Debug)]
pub struct Ends {
    kind: Kind,
    /// A duplicate of the watched end that has no number.
    pub held: Option<OwnedFd>,
    peer: Option<OwnedFd>,
    /// A listener's address, and those whom it has accepted.
    address: Option<SocketAddr>,
    accepted: Vec<OwnedFd>,
    /// How much each side has written that was taken, and has read.
    written: [u64; 2],
    read: [u64; 2],
    /// The peer's end is on its way, or a reset.
    end: bool,
    reset: bool,
}

impl Ends {
    /// The watched end, and the rest.
    pub fn open(kind: Kind) -> io::Result<(OwnedFd, Ends)> {
        let mut address = None;
        let (own, peer) = match kind {
            Kind::Tcp => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                let own = TcpStream::connect(listener.local_addr()?)?;
                let (peer, _) = listener.accept()?;
                for stream in [&own, &peer] {
                    stream.set_nodelay(true)?;
                    stream.set_nonblocking(true)?;
                }
                (own.into(), Some(peer.into()))
            }
            Kind::Unix => {
                let (own, peer) = UnixStream::pair()?;
                own.set_nonblocking(true)?;
                peer.set_nonblocking(true)?;
                (own.into(), Some(peer.into()))
            }
            Kind::Udp => {
                let own = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
                let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
                own.connect(peer.local_addr()?)?;
                peer.connect(own.local_addr()?)?;
                own.set_nonblocking(true)?;
                peer.set_nonblocking(true)?;
                (own.into(), Some(peer.into()))
            }
            Kind::Listener => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                listener.set_nonblocking(true)?;
                address = Some(listener.local_addr()?);
                (listener.into(), None)
            }
            Kind::Eventfd => (sys::eventfd()?, None),
            Kind::Reader => {
                let [reader, writer] = sys::pipe()?;
                (reader, Some(writer))
            }
            Kind::Writer => {
                let [reader, writer] = sys::pipe()?;
                (writer, Some(reader))
            }
        };
        let end = Ends {
            kind,
            held: None,
            peer,
            address,
            accepted: Vec::new(),
            written: [0; 2],
            read: [0; 2],
            end: false,
            reset: false,
        };
        Ok((own, end))
    }

    /// Makes a call on the watched side, through its descriptor `by`, or on the other; `own` is any
    /// open descriptor of the watched side.
    pub fn call(&mut self, side: Side, call: Call, by: RawFd, own: Option<RawFd>) -> Told {
        let peer = match self.kind {
            // It has no sides: the peer is another who holds it.
            Kind::Eventfd => own,
            _ => self.peer.as_ref().map(AsRawFd::as_raw_fd),
        };
        let peer = peer.unwrap_or(RawFd::MAX);
        let fd = if side == Side::Own { by } else { peer };
        let before = own.filter(|_| self.kind == Kind::Udp).map(sys::memory);
        let waiting = own.filter(|_| call == Call::Connect).map_or(0, |own| sys::tcp(own).1);
        let mut told = self.make(side, call, fd, own);
        if told.moved > 0 {
            match (call.is_write(), side) {
                (true, side) => self.written[side as usize] += told.moved,
                (false, side) => self.read[side as usize] += told.moved,
            }
        }
        let Some(own) = own else { return told };
        let all_well = told.errno == 0 && told.refused == 0;
        match self.kind {
            Kind::Tcp => {
                self.reset |=
                    call.is_write() && side == Side::Own && told.moved > 0 && self.peer.is_none();
                let memory = sys::memory(own);
                let filling =
                    call.is_write() && told.refused > 0 || memory.queued > memory.size / 3;
                self.settle(own, filling || told.moved > 32 << 10);
                if sys::tcp(own).0 != CLOSED {
                    told.late = self.late(own);
                }
                let memory = sys::memory(own);
                (told.used, told.size) = (memory.queued.into(), memory.size.into());
            }
            Kind::Unix => {
                let memory = sys::memory(own);
                (told.used, told.size) = (memory.sending.into(), memory.size.into());
            }
            Kind::Udp => {
                let before = before.expect("it is a datagram socket");
                let wrote = matches!(call, Call::Write(_)) && all_well;
                if wrote && side == Side::Peer {
                    let came = |now: &sys::Memory| now.received != before.received;
                    let lost = |now: &sys::Memory| now.drops != before.drops;
                    patiently(|| {
                        Some(sys::memory(own)).is_some_and(|now| came(&now) || lost(&now))
                    });
                    told.late = lost(&sys::memory(own)).into();
                } else if wrote && self.peer.is_none() {
                    patiently(|| sys::poll(own, Flags::NONE).meets(Flags::ERR));
                }
            }
            Kind::Listener if call == Call::Connect => {
                patiently(|| sys::tcp(own).1 > waiting);
            }
            _ => {}
        }
        told
    }

    fn make(&mut self, side: Side, call: Call, fd: RawFd, own: Option<RawFd>) -> Told {
        match call {
            Call::Read(_) | Call::Drain if self.kind == Kind::Eventfd => {
                let mut count = [0; 8];
                answer(sys::read(fd, &mut count), 8)
            }
            Call::Read(n) => {
                let read = sys::read(fd, &mut vec![0; n.min(MUCH) as usize]);
                // That a read finds less than it could take refuses nothing.
                answer(read, 0)
            }
            Call::Write(n) if self.kind == Kind::Eventfd => {
                answer(sys::write(fd, &n.to_ne_bytes()), 8)
            }
            Call::Write(n) => answer(sys::write(fd, &vec![b'x'; n.min(MUCH) as usize]), n),
            Call::Fill => self.fill(side, fd, own),
            Call::Drain if self.kind == Kind::Listener => {
                let mut all = Told::default();
                while self.accept(fd, &mut all) {}
                all
            }
            Call::Drain => self.drain(fd),
            Call::Shutdown => {
                self.end |= side == Side::Peer && fd != RawFd::MAX;
                answer(sys::shutdown(fd), 0)
            }
            Call::Accept => {
                let mut one = Told::default();
                self.accept(fd, &mut one);
                one
            }
            Call::Connect => self.connect(),
            Call::Close | Call::Reset => {
                let Some(peer) = self.peer.take() else { return failed(errno::EBADF) };
                if call == Call::Reset {
                    sys::linger(peer.as_raw_fd());
                }
                let unread = self.kind == Kind::Tcp && sys::unread(peer.as_raw_fd()) > 0;
                if self.kind == Kind::Tcp && (unread || call == Call::Reset) {
                    self.reset |= own.is_some_and(|own| sys::tcp(own).0 != CLOSED);
                }
                self.end = true;
                Told::default()
            }
        }
    }

    /// Writes until one is refused and, on TCP, what the peer has room for has left.
    fn fill(&mut self, side: Side, fd: RawFd, own: Option<RawFd>) -> Told {
        let mut all = Told::default();
        if self.kind == Kind::Eventfd {
            // What is missing, in powers of two from the largest on; each that is too much is refused.
            for bit in (0..64).rev() {
                match sys::write(fd, &(1_u64 << bit).to_ne_bytes()) {
                    Ok(count) => all.moved += count,
                    Err(errno::EAGAIN) => all.refused += 1,
                    Err(errno) => return Told { errno, ..all },
                }
            }
            return all;
        }
        let chunk = if matches!(self.kind, Kind::Reader | Kind::Writer) { 4096 } else { 32 << 10 };
        let bytes = vec![b'x'; chunk];
        loop {
            match sys::write(fd, &bytes) {
                Ok(count) => all.moved += count,
                Err(errno::EAGAIN) => {
                    all.refused += 1;
                    let Some(own) = own.filter(|_| self.kind == Kind::Tcp) else { return all };
                    let before = self.written;
                    self.written[side as usize] += all.moved;
                    self.settle(own, true);
                    self.written = before;
                    let memory = sys::memory(fd);
                    if memory.size.saturating_sub(memory.queued) < memory.queued / 2 {
                        return all;
                    }
                }
                Err(errno) => return Told { errno, ..all },
            }
        }
    }

    fn drain(&self, fd: RawFd) -> Told {
        let mut all = Told::default();
        let mut buffer = vec![0; 64 << 10];
        loop {
            match sys::read(fd, &mut buffer) {
                Ok(0) if self.kind != Kind::Udp => return all,
                Ok(_) if self.kind == Kind::Udp => all.moved += 1,
                Ok(count) => all.moved += count,
                Err(errno::EAGAIN) => return Told { refused: 1, ..all },
                Err(errno) => return Told { errno, ..all },
            }
        }
    }

    fn accept(&mut self, fd: RawFd, told: &mut Told) -> bool {
        // SAFETY: nobody wants to know the address.
        match sys::owned(unsafe { libc::accept(fd, ptr::null_mut(), ptr::null_mut()) }) {
            Ok(client) => {
                told.moved += 1;
                self.accepted.push(client);
                true
            }
            Err(error) => {
                match error.raw_os_error().unwrap_or(0) {
                    errno::EAGAIN => told.refused += 1,
                    other => told.errno = other,
                }
                false
            }
        }
    }

    fn connect(&mut self) -> Told {
        let client = self.address.map(TcpStream::connect);
        match client {
            Some(Ok(client)) => {
                self.peer = Some(client.into());
                Told::moved(1)
            }
            Some(Err(error)) => failed(error.raw_os_error().unwrap_or(errno::EBADF)),
            None => failed(errno::EBADF),
        }
    }

    /// What the peer has written and what has not reached the watched side.
    fn late(&self, own: RawFd) -> u64 {
        let [own_read, _] = self.read;
        let [_, peer_wrote] = self.written;
        peer_wrote.saturating_sub(own_read + sys::unread(own))
    }

    /// Waits until what was done on one side of a TCP connection has come to the other; where
    /// buffers are full, until nothing moves.
    fn settle(&self, own: RawFd, much: bool) {
        let moving = || {
            let peer = self.peer.as_ref().map_or(0, |peer| sys::unread(peer.as_raw_fd()));
            let memory = sys::memory(own);
            (sys::unread(own), peer, memory.queued, memory.size)
        };
        let mut last = (moving(), Instant::now());
        patiently(|| {
            let (state, _) = sys::tcp(own);
            if self.reset || state == CLOSED {
                return state == CLOSED;
            }
            let now = moving();
            let [own_wrote, _] = self.written;
            let [_, peer_read] = self.read;
            let to_peer = self.peer.is_none() || own_wrote - peer_read == now.1;
            let to_own = self.late(own) == 0;
            let end = !self.end || !BEFORE_THE_END.contains(&state);
            if to_peer && to_own && !much {
                return end;
            }
            if now != last.0 {
                last = (now, Instant::now());
            }
            last.1.elapsed() > STEADY
        });
    }
}

/// Asks again until it is so, or until patience ends.
fn patiently(mut is: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is() && since.elapsed() < PATIENCE {
        thread::yield_now();
    }
}

fn failed(errno: i32) -> Told {
    Told { errno, ..Told::default() }
}

/// What a call says that was asked to move so many bytes.
fn answer(result: Result<u64, i32>, asked: u64) -> Told {
    match result {
        Ok(moved) => Told { refused: u64::from(moved < asked), moved, ..Told::default() },
        Err(errno::EAGAIN) => Told { refused: 1, ..Told::default() },
        Err(errno) => failed(errno),
    }
}

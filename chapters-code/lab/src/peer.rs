//! An HTTP/1.1 server that does what a server may do and a careless client does not expect.
//!
//! It listens on a free port of 127.0.0.1, takes requests of the form
//! `GET /<milliseconds>/<message> HTTP/1.1`, ignores the delay and answers 200 with the message
//! as the body. [`Mode`] says how.
//!
//! ```
//! use lab::peer::{Mode, Peer};
//! use std::{io::{Read, Write}, net::TcpStream};
//!
//! let peer = Peer::start(Mode::DataAndClose, 1)?;
//! let mut stream = TcpStream::connect(peer.addr())?;
//! stream.write_all(b"GET /0/hello HTTP/1.1\r\n\r\n")?;
//! peer.finished(); // The reply and the close are in our socket.
//! let mut reply = String::new();
//! stream.read_to_string(&mut reply)?;
//! assert!(reply.ends_with("\r\n\r\nhello"));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # It never keeps a process from ending, and never hides a hang
//!
//! Each connection has a thread. Where it waits for the client it does so without a timeout, and
//! only where it will go on by itself it sleeps for a time. So with the peer in the same process as
//! the client, [`doomed`](crate::doomed) sees a client that hangs although the peer still waits for
//! it. Dropping the [`Peer`] wakes every one of its threads and closes every connection.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::str::FromStr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use kernel::{Link, in_queue, linger_for_no_time, set};

mod kernel;

/// Declares the modes: what each is for, its name on a command line, and the function that serves
/// one connection.
macro_rules! modes {
    ($($(#[doc = $doc:literal])* $mode:ident, $name:literal, $serve:path;)*) => {
        /// How a [`Peer`] behaves. All of it is allowed, and met in the wild.
        ///
        /// "Open" is a reply with `Content-Length` on a connection that then stays open until the
        /// client closes its end. "Closed" is one with `Connection: close` and without a length:
        /// only the end of the stream tells the end of the body.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Mode { $($(#[doc = $doc])* $mode),* }

        impl Mode {
            /// Every mode, in the order of their declaration.
            pub const ALL: &[Mode] = &[$(Mode::$mode),*];

            /// The name on a command line, in kebab case.
            pub fn name(self) -> &'static str {
                match self { $(Mode::$mode => $name),* }
            }

            /// What it does and what it finds: its documentation.
            pub fn about(self) -> String {
                let lines: &[&str] = match self { $(Mode::$mode => &[$($doc),*]),* };
                lines.concat().trim_start().to_owned()
            }

            fn serve(self, client: Client<'_>) -> io::Result<Then<'_>> {
                match self { $(Mode::$mode => $serve(client)),* }
            }
        }
    };
}

modes! {
    /// Answers at once; open. Nothing is wrong with it, and it finds the client that takes the
    /// close, and not the length, for the end of a reply.
    Polite, "polite", polite;
    /// Answers at once and closes 100 ms later; closed. Finds nothing: it suits the client that
    /// expects bytes and close to arrive apart, for which the other modes are made.
    SlowToClose, "slow-to-close", slow_to_close;
    /// Sends every byte in a segment of its own, about 0.2 ms apart; open. Finds the client that
    /// takes one read for one message.
    ByteAtATime, "byte-at-a-time", byte_at_a_time;
    /// Sends three pieces a few milliseconds apart; open. The first ends inside the name of the
    /// header that tells the length, the second inside a character of the body, which therefore is
    /// the message and a crab. Finds the client that parses, or decodes UTF-8, read by read.
    Trickle, "trickle", trickle;
    /// Sends the whole reply and the close in one segment; closed. Finds the client that reads once
    /// per edge: when both are in the socket before it waits, there is only one. (A client that
    /// waits already may see two, as the kernel wakes it for the close and then for the data.)
    DataAndClose, "data-and-close", data_and_close;
    /// Answers all connections together, when the last request has arrived; open. Finds the client
    /// that leaves its loop over the events early and so loses the rest of a batch.
    AllAtOnce, "all-at-once", all_at_once;
    /// The same, with data and close of each connection in one segment; closed. Finds what
    /// `DataAndClose` and `AllAtOnce` find, in one run.
    AllAtOnceAndClose, "all-at-once-and-close", all_at_once_and_close;
    /// Sends the whole reply with its length, and resets the connection right behind it; 200 ms after
    /// the request, or when the client has closed its sending half. Finds the client that reads on
    /// when it has all that it was told of, and takes the reset for a fault of the reply.
    DataAndReset, "data-and-reset", data_and_reset;
    /// Sends a reply with its length. When the client has read it, closes its direction; and when
    /// the client has read that too, resets the connection. It waits for each a second at most, and
    /// serves one connection after the other: let the client read before you ask whether it has
    /// finished. Finds the client that takes the reset for one more end, and so counts one stream
    /// twice.
    HalfCloseThenReset, "half-close-then-reset", half_close_then_reset;
    /// Answers every request on a connection until the client closes it, and only then has
    /// finished. Finds the client that reads past the end of one reply into the next, if it asks
    /// twice on a connection; of others it finds what `Polite` finds.
    KeepsAlive, "keeps-alive", keeps_alive;
    /// Answers with a body of 1 MiB, the message over and over; open. Finds the client whose buffer
    /// has a fixed size, or that stops reading while there is more. How much the client must read
    /// before this mode has finished depends on the kernel's buffers.
    HugeBody, "huge-body", huge_body;
    /// Reads the requests and never answers; open. Finds the client without a deadline.
    NeverAnswers, "never-answers", never_answers;
    /// Accepts, and neither reads nor writes, with the smallest receive buffer there is. A request of
    /// one line fits into the buffers on its way, and then this finds what `NeverAnswers` finds. One
    /// of megabytes does not fit, and finds the client that does not expect a write to stop in the
    /// middle.
    Silent, "silent", silent;
}

impl Mode {
    /// Whether a reply ever comes.
    pub fn answers(self) -> bool {
        !matches!(self, Mode::NeverAnswers | Mode::Silent)
    }

    /// The body with which this mode answers `message`, if it answers.
    pub fn body_for(self, message: &str) -> Vec<u8> {
        const HUGE: usize = 1 << 20;
        match self {
            Mode::Trickle => format!("{message}{CRAB}").into_bytes(),
            Mode::HugeBody if message.is_empty() => vec![b'x'; HUGE],
            Mode::HugeBody => {
                let mut body = message.repeat(HUGE.div_ceil(message.len())).into_bytes();
                body.truncate(HUGE);
                body
            }
            _ => message.as_bytes().to_owned(),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no [`Mode`] has. It is displayed with those that there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMode(String);

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(name: &str) -> Result<Mode, UnknownMode> {
        let found = Mode::ALL.iter().find(|mode| mode.name() == name);
        found.copied().ok_or_else(|| UnknownMode(name.to_owned()))
    }
}

impl fmt::Display for UnknownMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Mode::ALL.iter().map(|mode| mode.name()).collect();
        write!(f, "no mode is called `{}`; there are {}", self.0, names.join(", "))
    }
}

impl std::error::Error for UnknownMode {}

/// A server that runs in threads of this process until it is dropped.
#[derive(Debug)]
pub struct Peer {
    addr: SocketAddr,
    stage: Arc<Stage>,
    threads: Vec<JoinHandle<()>>,
}

impl Peer {
    /// Listens on a free port of 127.0.0.1 and serves that many connections in this mode. Further
    /// ones are reset at once: a client that opens too many is told so, and does not wait for what
    /// will not come.
    ///
    /// Fails if no socket or no thread can be had.
    pub fn start(mode: Mode, connections: usize) -> io::Result<Peer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        if mode == Mode::Silent {
            // The sockets that it accepts inherit it. The kernel raises it to its minimum.
            set(listener.as_fd(), libc::SOL_SOCKET, libc::SO_RCVBUF, &1)?;
        }
        let addr = listener.local_addr()?;
        let (door, state, changed) = Default::default();
        let stage = Stage { mode, connections, listener, door, state, changed };
        let mut peer = Peer { addr, stage: Arc::new(stage), threads: Vec::new() };
        for _ in 0..connections {
            peer.spawn(Stage::serve_one)?;
        }
        peer.spawn(Stage::reset_the_others)?;
        Ok(peer)
    }

    fn spawn(&mut self, life: fn(&Stage)) -> io::Result<()> {
        let stage = self.stage.clone();
        let thread = thread::Builder::new().name("peer".into());
        self.threads.push(thread.spawn(move || life(&stage))?);
        Ok(())
    }

    /// Waits until it has seen something else than `seen`, and returns what it has seen by then;
    /// nothing, if the peer is stopped first. It waits without a timeout.
    pub fn seen_other_than(&self, seen: Seen) -> Option<Seen> {
        self.stage.wait_until(|state| state.seen != seen).ok()?;
        Some(self.seen())
    }

    /// What it has seen of its clients so far.
    pub fn seen(&self) -> Seen {
        self.stage.lock().seen
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits until it has sent, on every connection, everything that it will ever send unless the
    /// client acts, and the client's sockets have it: they have acknowledged the bytes of an open
    /// connection, and know of the close or the reset of another.
    ///
    /// # Panics
    ///
    /// If that has not happened within 10 s: some connection was not made, or some request not
    /// sent, or the client does not read what it got.
    #[track_caller]
    pub fn finished(&self) {
        if let Err(late) = self.finishes_within(Duration::from_secs(10)) {
            panic!("{late}");
        }
    }

    fn finishes_within(&self, time: Duration) -> Result<(), String> {
        let Stage { mode, connections, changed, .. } = &*self.stage;
        let unfinished = |state: &mut State| state.finished < *connections;
        let (state, timeout) = changed
            .wait_timeout_while(self.stage.lock(), time, unfinished)
            .expect("no thread panics with the lock");
        match timeout.timed_out() {
            true => {
                Err(format!("{mode}: {} of {connections} connections are served", state.finished))
            }
            false => Ok(()),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stage.stop();
        for thread in self.threads.drain(..) {
            // A panic of its own has been printed; one in a drop would abort.
            let _ = thread.join();
        }
    }
}

/// What a peer has seen of its clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How many of its connections were made.
    pub connected: usize,
    /// On how many of them a whole request has come. [`Mode::Silent`] reads none.
    pub asked: usize,
    /// How many connections more were made, and reset.
    pub too_many: usize,
}

/// What the threads of a peer share.
#[derive(Debug)]
struct Stage {
    mode: Mode,
    connections: usize,
    listener: TcpListener,
    /// How many connections have been accepted. Held while one is, so that each has its place.
    door: Mutex<usize>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    seen: Seen,
    /// How many connections will get no more.
    finished: usize,
    /// Nobody waits any more.
    stopped: bool,
    /// The connections. Not owned here: a thread that drops its own closes it.
    open: Vec<Weak<TcpStream>>,
}

/// A connection, as the mode that serves it sees it. Dropping it closes it.
struct Client<'a> {
    stage: &'a Stage,
    /// Its place in the order of arrival, from 0.
    place: usize,
    link: Link,
    stream: Arc<TcpStream>,
    /// Bytes after the request that was returned last.
    received: Vec<u8>,
    /// Whether a whole request has come.
    asked: bool,
}

/// What to do with a connection on which the peer will send nothing more.
enum Then<'a> {
    /// Keep it open, and take what comes, until the client closes it.
    Open(Client<'a>),
    /// The same, but until the peer is dropped: a client that sends no more may still wait for a
    /// reply, and is not told that there will be none.
    Mute(Client<'a>),
    /// Keep it open and take nothing until the peer is dropped.
    Deaf(Client<'a>),
    /// It is closed.
    Closed,
}

impl Stage {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics with the lock")
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits without a timeout. Fails if the peer stops first.
    fn wait_until(&self, done: impl Fn(&State) -> bool) -> io::Result<()> {
        let waiting = |state: &mut State| !done(state) && !state.stopped;
        let state = self.changed.wait_while(self.lock(), waiting);
        match state.expect("no thread panics with the lock").stopped {
            true => Err(io::ErrorKind::ConnectionAborted.into()),
            false => Ok(()),
        }
    }

    fn accept(&self) -> io::Result<Client<'_>> {
        let mut accepted = self.door.lock().expect("no thread panics at the door");
        let (stream, from) = self.listener.accept()?;
        let place = *accepted;
        *accepted += 1;
        drop(accepted);
        stream.set_nodelay(true)?;
        let link = Link { client: from.port(), ours: stream.local_addr()?.port() };
        let stream = Arc::new(stream);
        let mut state = self.lock();
        if state.stopped {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        state.open.push(Arc::downgrade(&stream));
        state.seen.connected += 1;
        self.changed.notify_all();
        Ok(Client { stage: self, place, link, stream, received: Vec::new(), asked: false })
    }

    /// The life of the thread that serves nobody: when all connections are made, it resets what comes
    /// after them.
    fn reset_the_others(&self) {
        if self.wait_until(|state| state.seen.connected >= self.connections).is_err() {
            return;
        }
        while let Ok((stream, _)) = self.listener.accept() {
            // An error leaves a close in the place of the reset.
            let _ = linger_for_no_time(&stream);
            self.change(|state| state.seen.too_many += 1);
        }
    }

    /// The life of a thread. An error means that the client has gone, or that the peer is stopped.
    fn serve_one(&self) {
        let then = self.accept().and_then(|client| self.mode.serve(client));
        if let Ok(Then::Open(client)) = &then {
            let left = || in_queue(client.stream.as_fd(), libc::TIOCOUTQ);
            wait_until(|| left().is_ok_and(|left| left == 0));
        }
        self.change(|state| state.finished += 1);
        match then {
            Ok(Then::Open(mut client)) => client.take_all(),
            Ok(Then::Mute(mut client)) => {
                client.take_all();
                drop(self.wait_until(|_| false));
            }
            Ok(Then::Deaf(_client)) => drop(self.wait_until(|_| false)),
            Ok(Then::Closed) | Err(_) => {}
        }
    }

    /// Wakes every thread, whatever it waits for.
    fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        self.changed.notify_all();
        for stream in state.open.iter().filter_map(Weak::upgrade) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // SAFETY: shutdown takes two integers, and the listener is open. On a socket that listens
        // it makes every accept(2) return.
        unsafe { libc::shutdown(self.listener.as_raw_fd(), libc::SHUT_RDWR) };
    }
}

// The modes

fn polite(mut client: Client<'_>) -> io::Result<Then<'_>> {
    let body = client.asks()?;
    client.send(&with_length(&body))?;
    Ok(Then::Open(client))
}

fn slow_to_close(mut client: Client<'_>) -> io::Result<Then<'_>> {
    let body = client.asks()?;
    client.send(&until_close(&body))?;
    thread::sleep(Duration::from_millis(100));
    client.close()
}

fn byte_at_a_time(mut client: Client<'_>) -> io::Result<Then<'_>> {
    let body = client.asks()?;
    for byte in with_length(&body) {
        client.send(&[byte])?;
        thread::sleep(Duration::from_micros(100));
        client.wait_until_all_is_under_way();
    }
    Ok(Then::Open(client))
}

fn trickle(mut client: Client<'_>) -> io::Result<Then<'_>> {
    let body = client.asks()?;
    for piece in pieces(&with_length(&body)) {
        client.send(piece)?;
        thread::sleep(Duration::from_millis(3));
    }
    Ok(Then::Open(client))
}

fn data_and_close(mut client: Client<'_>) -> io::Result<Then<'_>> {
    let body = client.asks()?;
    client.send_and_close(&until_close(&body))
}

fn all_at_once(mut client: Client<'_>) -> io::Result<Then<'_>> {
    let body = client.asks()?;
    client.wait_for_the_others()?;
    client.send(&with_length(&body))?;
    Ok(Then::Open(client))
}

fn all_at_once_and_close(mut client: Client<'_>) -> io::Result<Then<'_>> {
    let body = client.asks()?;
    client.wait_for_the_others()?;
    client.send_and_close(&until_close(&body))
}

fn data_and_reset(mut client: Client<'_>) -> io::Result<Then<'_>> {
    let body = client.asks()?;
    // A client that closes its sending half behind the reset is told that it has no connection.
    client.wait_until_it_sends_no_more(Duration::from_millis(200))?;
    client.send(&with_length(&body))?;
    // What is not sent yet would be dropped.
    client.wait_until_all_is_under_way();
    client.reset()
}

fn half_close_then_reset(mut client: Client<'_>) -> io::Result<Then<'_>> {
    let body = client.asks()?;
    let place = client.place;
    client.stage.wait_until(|state| state.finished >= place)?;
    client.send(&with_length(&body))?;
    client.wait_until_it_reads()?;
    client.stream.shutdown(Shutdown::Write)?;
    client.wait_until_it_reads()?;
    client.reset()
}

fn keeps_alive(mut client: Client<'_>) -> io::Result<Then<'_>> {
    loop {
        let body = client.asks()?;
        client.send(&with_length(&body))?;
    }
}

fn huge_body(client: Client<'_>) -> io::Result<Then<'_>> {
    polite(client)
}

fn never_answers(mut client: Client<'_>) -> io::Result<Then<'_>> {
    client.asks()?;
    Ok(Then::Mute(client))
}

fn silent(client: Client<'_>) -> io::Result<Then<'_>> {
    Ok(Then::Deaf(client))
}

// What they are made of

/// The name of a header of our replies: one of them is cut in its middle.
const LENGTH: &str = "Content-Length";
/// Four bytes of UTF-8, to be cut in their middle.
const CRAB: &str = "\u{1f980}";

/// A reply that says how long its body is.
fn with_length(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\n{LENGTH}: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A reply whose body ends with the stream.
fn until_close(body: &[u8]) -> Vec<u8> {
    [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", body].concat()
}

/// Cuts a reply in the name of its header and in the crab at its end.
fn pieces(reply: &[u8]) -> [&[u8]; 3] {
    let header = reply.windows(LENGTH.len()).position(|bytes| bytes == LENGTH.as_bytes());
    let (head, rest) = reply.split_at(header.expect("it has a length") + LENGTH.len() / 2);
    let (middle, end) = rest.split_at(rest.len() - CRAB.len() / 2);
    [head, middle, end]
}

/// The message in a request for `/<milliseconds>/<message>`, without its percent-encoding.
fn message(head: &str) -> String {
    let path = head.split(' ').nth(1).unwrap_or_default();
    let message = path.splitn(3, '/').nth(2).unwrap_or_default();
    let mut bytes = Vec::new();
    let mut rest = message.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let mut byte = first;
        rest = after;
        let digits = after.get(..2).filter(|_| byte == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(encoded) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            (byte, rest) = (encoded, &after[2..]);
        }
        bytes.push(byte);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Client<'_> {
    /// Takes what comes, at least a byte. The end of the stream is an error.
    fn receive(&mut self) -> io::Result<()> {
        let mut buf = [0; 4096];
        let n = (&*self.stream).read(&mut buf)?;
        self.received.extend_from_slice(&buf[..n]);
        if n == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// Takes what comes, until nothing more will.
    fn take_all(&mut self) {
        while self.receive().is_ok() {
            self.received.clear();
        }
    }

    /// Waits for a request and returns the body that answers it.
    fn asks(&mut self) -> io::Result<Vec<u8>> {
        const END: &[u8] = b"\r\n\r\n";
        let end = loop {
            match self.received.windows(END.len()).position(|bytes| bytes == END) {
                Some(end) => break end + END.len(),
                None => self.receive()?,
            }
        };
        let head: Vec<u8> = self.received.drain(..end).collect();
        if !std::mem::replace(&mut self.asked, true) {
            self.stage.change(|state| state.seen.asked += 1);
        }
        Ok(self.stage.mode.body_for(&message(&String::from_utf8_lossy(&head))))
    }

    fn wait_for_the_others(&self) -> io::Result<()> {
        self.stage.wait_until(|state| state.seen.asked >= self.stage.connections)
    }

    /// Waits for the end of what the client sends, for this time at most.
    fn wait_until_it_sends_no_more(&mut self, time: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(Some(time))?;
        while self.receive().is_ok() {}
        self.stream.set_read_timeout(None)
    }

    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        (&*self.stream).write_all(bytes)
    }

    /// Waits until no byte is held back by TCP's congestion window. It opens when the client's
    /// kernel acknowledges, 40 ms later if the client does not read; two bytes that wait for it
    /// would share a segment.
    fn wait_until_all_is_under_way(&self) {
        let unsent = || in_queue(self.stream.as_fd(), libc::SIOCOUTQNSD);
        wait_until(|| unsent().is_ok_and(|unsent| unsent == 0));
    }
}

impl<'a> Client<'a> {
    /// A corked socket keeps what is less than a full segment until it is closed, and that segment
    /// then has the close as well: `TCP_CORK` in `tcp(7)`.
    fn send_and_close(self, bytes: &[u8]) -> io::Result<Then<'a>> {
        set(self.stream.as_fd(), libc::IPPROTO_TCP, libc::TCP_CORK, &1)?;
        self.send(bytes)?;
        self.close()
    }

    /// Closes, and waits until the client's socket has the close.
    fn close(self) -> io::Result<Then<'a>> {
        const ESTABLISHED: u8 = 1; // TCP_ESTABLISHED in linux/tcp.h
        let link = self.link;
        drop(self);
        wait_until(|| link.far_end().is_none_or(|socket| socket.state != ESTABLISHED));
        Ok(Then::Closed)
    }

    /// Resets, and waits until the client's socket knows. There is no reset if the client has closed
    /// as well: its socket then is in `TIME_WAIT`, and nobody's.
    fn reset(self) -> io::Result<Then<'a>> {
        const TIME_WAIT: u8 = 6; // TCP_TIME_WAIT in linux/tcp.h
        linger_for_no_time(&self.stream)?;
        let link = self.link;
        drop(self);
        wait_until(|| link.far_end().is_none_or(|socket| socket.state == TIME_WAIT));
        Ok(Then::Closed)
    }

    /// Waits until the client has read everything or has closed.
    ///
    /// The kernel tells. The end of the stream counts as a byte, which is read when a read returns
    /// 0, unless data stood before it in the socket: then it is read with them.
    fn wait_until_it_reads(&mut self) -> io::Result<()> {
        let link = self.link;
        self.stream.set_read_timeout(Some(Duration::from_millis(1)))?;
        wait_until(|| {
            let ended = self.receive().is_err_and(|e| e.kind() != io::ErrorKind::WouldBlock);
            // An end alone is no close: a client that sends no more may still read.
            link.far_end().map_or(ended, |socket| socket.unread == 0 || ended && !socket.owned)
        });
        Ok(())
    }
}

/// Looks again and again, for a second at most. What is waited for comes by itself.
fn wait_until(mut done: impl FnMut() -> bool) {
    let from = Instant::now();
    while !done() && from.elapsed() < Duration::from_secs(1) {
        thread::sleep(Duration::from_micros(100));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trickle_is_cut_in_a_header_and_in_a_character() {
        let reply = with_length("h\u{e9} \u{1f980}".as_bytes());
        let [head, middle, end] = pieces(&reply);
        assert_eq!(head, b"HTTP/1.1 200 OK\r\nContent");
        assert!(std::str::from_utf8(middle).is_err() && std::str::from_utf8(end).is_err());
        assert_eq!([head, middle, end].concat(), reply);
    }

    #[test]
    fn a_peer_that_is_not_asked_does_not_finish() {
        let peer = Peer::start(Mode::AllAtOnce, 2).unwrap();
        let late = peer.finishes_within(Duration::from_millis(1)).unwrap_err();
        assert_eq!(late, "all-at-once: 0 of 2 connections are served");
    }

    #[test]
    fn the_message_is_what_follows_the_delay() {
        let of = |path: &str| message(&format!("GET {path} HTTP/1.1\r\n\r\n"));
        assert_eq!(of("/1000/request-1"), "request-1");
        assert_eq!(of("/0/a%20b/c%C3%A9?d"), "a b/c\u{e9}?d");
        assert_eq!(of("/0/100%"), "100%");
        assert_eq!(of("/0/%zz%4"), "%zz%4");
        assert_eq!(of("/0"), "");
        assert_eq!(message(""), "");
    }
}

//! Queues that say that it is done: io_uring(7) and I/O completion ports.

#[cfg(windows)]
mod iocp;
#[cfg(target_os = "linux")]
mod ring;

use std::collections::VecDeque;
use std::io;
use std::net::TcpStream;
use std::process::abort;
use std::ptr::NonNull;

#[cfg(windows)]
pub use iocp::Port;
#[cfg(target_os = "linux")]
pub use ring::Ring;

use crate::stream::{Inbox, Reply};

/// A queue of reads that are done.
///
/// # Safety
///
/// `next` returns a token only when the kernel will not touch the buffer of its read any more.
// ANCHOR: trait
pub unsafe trait Completion: Sized {
    /// A queue for reads from these sockets. The place of each is its token.
    fn new(sockets: &[TcpStream]) -> io::Result<Self>;

    /// Begins a read from the socket of this token.
    ///
    /// # Safety
    ///
    /// `into` may be written to. Until `next` has returned `token`, the socket stays open, nobody
    /// touches or frees `into`, no other read of this token begins, and the queue lives.
    unsafe fn begin(
        &mut self,
        token: usize,
        from: &TcpStream,
        into: NonNull<[u8]>,
    ) -> io::Result<()>;

    /// Asks the kernel to end a read early. It is done when `next` says so, as any other.
    fn cancel(&mut self, token: usize, socket: &TcpStream) -> io::Result<()>;

    /// Waits for a read that is done: which, and how many bytes are in its buffer.
    fn next(&mut self) -> io::Result<(usize, io::Result<usize>)>;
}
// ANCHOR_END: trait

// ANCHOR: replies
/// Takes the replies: begins to read all of them, then waits for each read to be done.
pub fn replies<Q: Completion>(sockets: Vec<TcpStream>) -> io::Result<Vec<Reply>> {
    let mut inbox = Inbox::new(sockets.len());
    let mut reads = Reads::<Q>::new(sockets)?;
    for token in 0..reads.len() {
        reads.begin(token)?;
    }
    loop {
        if let Some(replies) = inbox.all() {
            return Ok(replies);
        }
        let (token, bytes) = reads.wait()?;
        match inbox.take_in(token, bytes) {
            true => reads.begin(token)?,
            false => reads.close(token)?,
        }
    }
}
// ANCHOR_END: replies

// ANCHOR: reads
/// Sockets, reads from them that are in flight, and their buffers. As long as the kernel may write
/// to a buffer, it is here and out of reach.
#[derive(Debug)]
pub struct Reads<Q: Completion> {
    queue: Q,
    /// By token; `None` once closed.
    sockets: Vec<Option<TcpStream>>,
    /// By token: the buffer of the read that is in flight.
    in_flight: Vec<Option<Vec<u8>>>,
    /// Buffers that no read uses.
    spare: Vec<Vec<u8>>,
    /// What the queue has said and nobody has asked for yet.
    done: VecDeque<(usize, io::Result<usize>)>,
}
// ANCHOR_END: reads

impl<Q: Completion> Reads<Q> {
    /// Takes the sockets, and begins nothing. The place of each is its token.
    pub fn new(sockets: Vec<TcpStream>) -> io::Result<Reads<Q>> {
        Ok(Reads {
            queue: Q::new(&sockets)?,
            in_flight: vec![None; sockets.len()],
            sockets: sockets.into_iter().map(Some).collect(),
            spare: Vec::new(),
            done: VecDeque::new(),
        })
    }

    /// How many tokens there are.
    #[expect(clippy::len_without_is_empty, reason = "nobody asks")]
    pub fn len(&self) -> usize {
        self.sockets.len()
    }

    // ANCHOR: begin
    /// Begins a read into a buffer that no other read uses, a spare one if there is one, else a new one
    /// of 4 KiB. If the queue refuses it, no read is in flight.
    ///
    /// # Panics
    ///
    /// If a read of this token is in flight, or its socket is closed.
    pub fn begin(&mut self, token: usize) -> io::Result<()> {
        // FORK queues: begin a read into a buffer that the kernel then has for itself
        // HINT: Whose is the buffer when this function has returned, and until when? The note, under
        //   *Whose buffer it is*.
        // HINT: The queue takes a pointer, which outlives the call. In which field is the buffer out of
        //   reach until the read is done, and does moving a `Vec` there move its bytes?
        // HINT: Look whether the token may begin, take a buffer, hand the queue its address, and only if
        //   that went well put the buffer where `wait` will look for it.
        assert!(self.in_flight[token].is_none(), "a read of {token} is in flight");
        let socket = self.sockets[token].as_ref().expect("the socket is open");
        let mut buffer = self.spare.pop().unwrap_or_else(|| vec![0; 4096]);
        // SAFETY: until the read is done, the buffer is in `in_flight` and the socket in `sockets`:
        // `give_up` waits, and so do `close` and `drop`. The assertion sees to it that the read is one.
        unsafe { self.queue.begin(token, socket, NonNull::from(&mut buffer[..])) }?;
        self.in_flight[token] = Some(buffer);
        Ok(())
    }
    // ANCHOR_END: begin

    // ANCHOR: wait
    /// Waits until a read is done: which, and its bytes.
    ///
    /// # Panics
    ///
    /// If none is in flight: nothing would end the wait.
    pub fn wait(&mut self) -> io::Result<(usize, io::Result<&[u8]>)> {
        assert!(self.in_flight.iter().any(Option::is_some), "no read is in flight");
        let next = self.done.pop_front().map_or_else(|| self.queue.next(), Ok);
        let (token, read) = next?;
        let buffer = self.in_flight[token].take().expect("a read that is done was in flight");
        self.spare.push(buffer);
        let buffer = &self.spare[self.spare.len() - 1];
        Ok((token, read.map(|n| &buffer[..n])))
    }
    // ANCHOR_END: wait

    // ANCHOR: give_up
    /// Gives up a read, and the bytes that it may have got already. The kernel is asked to end it;
    /// when it has, the buffer is spare. Other reads that are done meanwhile are told by `wait`, in
    /// their order. Where no read is in flight there is nothing to do.
    pub fn give_up(&mut self, token: usize) -> io::Result<()> {
        // FORK queues: end a read early, and take its buffer back when the kernel has let go of it
        // HINT: Who says that the kernel has let go: the call that asks it to end the read, or another?
        //   The doc of `cancel`.
        // HINT: The queue may first tell of somebody else's read, and may have told of this one before.
        //   In which field does `wait` look for what was told already?
        // HINT: Ask for the end, then fetch what the queue says and keep it, until this read is among what
        //   is kept. Then strike it there, and its buffer is spare.
        if let (Some(_), Some(socket)) = (&self.in_flight[token], &self.sockets[token]) {
            self.queue.cancel(token, socket)?;
            while !self.done.iter().any(|(done, _)| *done == token) {
                self.done.push_back(self.queue.next()?);
            }
            self.done.retain(|(done, _)| *done != token);
            self.spare.extend(self.in_flight[token].take());
        }
        Ok(())
    }

    /// Closes a socket, when no read uses it any more.
    pub fn close(&mut self, token: usize) -> io::Result<()> {
        self.give_up(token)?;
        self.sockets[token] = None;
        Ok(())
    }
    // ANCHOR_END: give_up
}

// ANCHOR: drop
impl<Q: Completion> Drop for Reads<Q> {
    fn drop(&mut self) {
        for token in 0..self.len() {
            if self.give_up(token).is_err() {
                // What comes next would free memory into which the kernel may write.
                abort();
            }
        }
    }
}
// ANCHOR_END: drop

//! An epoll that you can predict: what the next wait reports, with which flags and in which order.
//!
//! An epoll has two lists. The *interest list* holds what was added, with the flags that each entry
//! asks for. The *ready list* holds the entries that something has *woken*. A wait asks the entries
//! in the ready list, and no others, what is true of them now. So an event needs two things:
//!
//! 1. something woke the entry since its last report; that it was added or changed counts, if what it
//!    asks for was true then;
//! 2. something that it asks for is true when the wait asks.
//!
//! Either alone makes no event, and they need not be the same thing. An edge-triggered entry leaves
//! the ready list with its report; a level-triggered one is put back at its end.
//!
//! ```
//! use model::{Epoll, Flags, Script, Told};
//!
//! let script: Script = "add IN|OUT|ET; wait; peer write 5; read 5; wait".parse().unwrap();
//! let mut epoll = Epoll::new(&script);
//! let mut reports = Vec::new();
//! for (step, moved) in script.steps.iter().zip([0, 0, 5, 5, 0]) {
//!     let turn = epoll.step(step, &Told::moved(moved)).remove(0);
//!     reports.extend(turn.outcome.events);
//!     epoll = turn.after;
//! }
//! // The bytes woke it and are gone. That there is room is still true, and so it is told again.
//! assert_eq!(reports, [[(1, Flags::OUT)], [(1, Flags::OUT)]]);
//! ```
//!
//! `epoll.rs` holds the two lists, `file.rs` what a descriptor has in it: together they are the model.
//! They are safe, ask no kernel, and need no crate. The rest is there to try them: [`script`] and its
//! parser, [`kernel`] which runs a script on the kernel, [`trial`] which compares, [`mod@generate`]
//! which draws scripts and shrinks what differs, [`program`], [`draw`], [`picture`].
//!
//! # What the model is told
//!
//! It predicts events, and not buffers. So it is [told](Told) how many bytes a call moved, whether it
//! was refused, how full the send buffer is in the kernel's accounting (`SO_MEMINFO`), and how much of
//! what the peer has written has not arrived for want of room. From that it derives all flags.
//!
//! # The rules, and where the kernel has them
//!
//! Read in Linux 6.x; the tests were run on 6.18.
//!
//! | rule | kernel |
//! |---|---|
//! | adding or changing asks at once, and marks what is true | `ep_insert`, `ep_modify` in `fs/eventpoll.c` |
//! | ERR and HUP are asked for always, but not by a disabled entry | `do_epoll_ctl` |
//! | a wake marks an entry that asks for something in its key, or any entry if the key is 0; a disabled entry is not marked; a mark that is there stays where it is | `ep_poll_callback` |
//! | a wait asks marked entries from the first on until it has no room for more events; what is no longer true loses its mark in silence | `ep_send_events` |
//! | after a report: one-shot is disabled, edge loses its mark, level goes to the end, behind those for which there was no room | `ep_send_events`, `ep_done_scan` |
//! | an entry is named by its number *and* its open file description, and goes with the description | `ep_find`, `eventpoll_release_file` |
//! | of several entries for one description a wake finds the newest first, and exclusive ones last, oldest first | `ep_ptable_queue_proc`, `add_wait_queue` in `kernel/sched/wait.c` |
//! | EXCLUSIVE goes with IN, OUT, ET and WAKEUP alone, and can't be changed (EINVAL); the first such entry that finds a sleeper keeps a wake that has a key | `do_epoll_ctl`, `ep_poll_callback` |
//! | TCP: IN for bytes; IN and RDHUP after the peer's FIN; HUP after both; OUT while the buffer is at most two thirds full, and always after one's own shutdown | `tcp_poll` in `net/ipv4/tcp.c` |
//! | TCP: room wakes only if a write was refused, or if a poll has said that there is none | `sk_stream_write_space` in `net/core/stream.c`, `SOCK_NOSPACE` |
//! | sockets: bytes wake with the key IN and PRI | `sock_def_readable` in `net/core/sock.c` |
//! | the peer's end, a reset, and each shutdown of one's own wake with the key 0 | `sock_def_wakeup`; `tcp_fin`, `tcp_reset`, `inet_shutdown`, `unix_shutdown` |
//! | the acknowledgement of one's own FIN wakes with the key 0 | `tcp_rcv_state_process`, `tcp_done` |
//! | TCP: a close with unread bytes is a reset: ERR, HUP, and the rest; so is a write to a peer that has closed. Not after both ends | `__tcp_close`, `tcp_reset` |
//! | a call that fails takes ERR with it; on a Unix stream a write does not | `sock_error`, `sk_stream_error`, `unix_stream_sendmsg` |
//! | Unix streams: OUT while less than a quarter of the buffer is in use; every buffer that a read frees wakes with OUT, and a read of a part frees none | `unix_poll`, `unix_write_space` in `net/unix/af_unix.c` |
//! | Unix streams: a close ends both directions; with unread bytes it leaves ECONNRESET | `unix_release_sock` |
//! | pipes: IN for bytes; HUP, and no IN, without a writer; ERR without a reader; OUT while one of 16 pages is free | `pipe_poll` in `fs/pipe.c` |
//! | pipes: every write wakes the reader, and so does one that is refused; a read wakes the writer if it empties a page of a full pipe | `pipe_write`, `pipe_read` |
//! | pipes: a write whose odd bytes fit into the last page takes no page for them | `pipe_write` |
//! | eventfds: each write wakes with IN, of 0 too; each read wakes with OUT | `eventfd_write`, `eventfd_read` in `fs/eventfd.c` |
//! | UDP: each datagram that arrives wakes with IN and PRI, and each that is sent over loopback wakes its sender with OUT; one to a closed port makes ERR | `__udp_enqueue_schedule_skb`, `sock_wfree`, `__udp4_lib_err` |
//! | listeners: each connection that is complete wakes; IN until the last is accepted | `tcp_child_process`, `inet_csk_listen_poll` |
//!
//! # Where the outcome is a set
//!
//! [`Epoll::step`] returns every way in which a step may turn out, and why. There are two reasons. The
//! acknowledgement of one's own FIN comes with any later segment of the peer, or up to 40 ms later. And
//! a waiter that was asleep runs at the first wake or after a later one: what wakes the entry after it
//! has run makes another event. [`trial`] follows all ways that agree with what the kernel has said.
//!
//! # Where kernels differ
//!
//! - Pipes, Linux 5.5 (commit 1b6b26ae7053) to 5.14 and its backports (3a34b13a88ca): a write woke the
//!   reader only where the pipe had been empty. The mistake `pipe-wakes-only-when-empty` in `planted`
//!   is this kernel.
//! - Pages are taken to have 4096 bytes, and pipes 16 of them. Where a user has too many pipes the
//!   kernel gives out smaller ones.
//! - `SO_MEMINFO` is Linux 4.12's.
//!
//! # Surprises
//!
//! - `wait` on `IN|OUT|ET` reports OUT again for bytes that have been read already.
//! - An entry for OUT that asks for PRI too is woken by bytes, since their key has PRI.
//! - A second `shutdown` of one's own is another edge on TCP, on Unix streams and on UDP; one of the
//!   peer is another edge on a Unix stream and none on TCP.
//! - A write that a full pipe refuses is an edge for the reader.
//! - A full pipe may take a small write: the last page has room for it, and yet there is no OUT.
//! - Each datagram that one sends over loopback is an edge for OUT.
//! - A duplicate that is made after a descriptor was closed, and gets its number, comes by the entry
//!   that was added under it: `EPOLL_CTL_MOD` of it succeeds. ([`kernel`] makes no such duplicate.)
//! - On TCP a poll that says *no room* is what makes the room wake later: asking has a consequence.

pub mod draw;
mod epoll;
mod file;
mod flags;
pub mod generate;
pub mod kernel;
mod parse;
mod paste;
pub mod picture;
pub mod script;
pub mod trial;

pub use epoll::{Epoll, Turn};
pub use flags::Flags;
pub use parse::Wrong;
pub use paste::program;
pub use script::Script;

/// A descriptor and what is reported of it.
pub type Event = (usize, Flags);

/// What is seen of a step: what the model predicts of it and what the kernel says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What a wait returned.
    pub events: Option<Vec<Event>>,
    /// What `poll(2)` returned.
    pub polled: Option<Flags>,
    /// The error of a call that changes a list or a descriptor; 0 for none.
    pub errno: Option<i32>,
    /// What the waiter got that was asleep.
    pub asleep: Option<Vec<Event>>,
}

/// What the model is told of a call: it predicts events, and not buffers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// How many bytes it moved; of datagrams and clients that it drained, how many there were.
    pub moved: u64,
    /// How often it was refused some or all of what it was asked to do: short, or `EAGAIN`. Twice,
    /// if room came back before a `fill` was done.
    pub refused: u64,
    /// The error, if it is another one than `EAGAIN`.
    pub errno: i32,
    /// What the peer has written and what has not arrived, for want of room.
    pub late: u64,
    /// How full the watched side's send buffer is, and how large, in the kernel's accounting.
    pub used: u64,
    /// See `used`. Without a kernel there is room without end.
    pub size: u64,
}

impl Told {
    /// A call that moved all that it was asked to, where buffers have no end.
    pub fn moved(bytes: u64) -> Told {
        Told { moved: bytes, ..Told::default() }
    }

    /// Whether the call failed with more than *not now*.
    pub fn failed(&self) -> bool {
        self.errno != 0
    }
}

/// The errors that the model predicts, by their numbers, which Linux has on all architectures.
pub mod errno {
    #![expect(missing_docs, reason = "they are errno(3)'s")]
    pub const ENOENT: i32 = 2;
    pub const EBADF: i32 = 9;
    pub const EAGAIN: i32 = 11;
    pub const EEXIST: i32 = 17;
    pub const EINVAL: i32 = 22;
}

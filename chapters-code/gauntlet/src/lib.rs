//! Runs any client, in any language, against every mode of [`lab::peer`], and says for each: every
//! byte right, wrong bytes, failed, hung and where, or too long.
//!
//! [`TASK`] is what a client has to do. [`Gauntlet`] runs one; [`run`] is the whole command. What a
//! client in Rust may share with others is in [`client`].
//!
//! # How a hang is told from a wait
//!
//! For each mode the program that holds the gauntlet starts itself again, as a *stage*: a process
//! with the peer in its threads and the client as its child. Both ends of every connection are then
//! in one family of processes, which is what [`lab::doomed`] needs to see that nobody will ever wake
//! anybody. For the time that a client has for a peer which never replies the stage itself waits
//! with a timeout, and nothing is called a hang: the client may have a clock that nobody sees,
//! `alarm(2)` for one.
//!
//! # What the peer knows, and the kernel
//!
//! The stage also tells what its peer has seen, as it sees it: connections, whole requests, connections
//! too many. And of a client that is to wait for its whole patience it tells how much of that time the
//! client's threads ran or wanted to, by the kernel's account, so that a client which ends by itself
//! is asked what it did until then as well.
//!
//! # Nothing stays behind
//!
//! A stage ends every process that descends from it, and the gauntlet does so again after each
//! stage: orphans go to the nearest ancestor that has asked for them (`PR_SET_CHILD_SUBREAPER`), not
//! to process 1. The exception is a process that may not be killed, such as `sudo`; it is an error.

mod cli;
pub mod client;
mod family;
mod idle;
mod stage;
mod transcript;
mod verdict;

use std::ffi::OsString;
use std::io;
use std::process::Command;
use std::time::Duration;

use lab::doomed::Watched;
use lab::peer::Mode;

pub use cli::{Args, run};
pub use stage::stage_if_asked;
pub use verdict::Verdict;

/// How many connections a client makes.
pub const STREAMS: usize = 5;

/// What a client has to do, as its author is told.
pub const TASK: &str = "\
What the client finds in its environment:
  PEER         where the peer listens, 127.0.0.1:PORT
  STREAMS      how many connections to make: 5
  PATIENCE_MS  when to give up, in milliseconds; not the same for every peer

What it does:
  1. Open all the connections at once, without waiting for a reply in between. One more than
     STREAMS is reset.
  2. On connection N, counted from 0, send one request:
         GET /0/request-N HTTP/1.1\\r\\n\\r\\n
     Other headers do no harm, nor does closing the sending half behind it: shutdown(2).
  3. Read the reply, and then close the connection. With a Content-Length the body has that many
     bytes, and what the connection does behind them is not about this reply; without, it ends
     where the peer closes. There are no chunks, and no interim replies.
  4. Write each reply to stdout, in any order: a line `N LENGTH`, the LENGTH bytes of the body,
     whatever they are, and a newline.
  5. Exit with 0 when all replies are written.
  6. If replies are still missing when the patience is over, say so in a line on stderr, and exit
     with another status. Two of the peers never reply: there this is the right end, if the client
     has slept until then.

In C, one reply is: printf(\"%d %zu\\n\", n, len); fwrite(body, 1, len, stdout); putchar('\\n');";

/// A client and how long it may take.
#[derive(Clone, Debug)]
pub struct Gauntlet {
    /// The client's program and arguments.
    pub command: Vec<OsString>,
    /// When the client shall give up on a peer that never replies.
    pub patience: Duration,
    /// When the gauntlet gives up on the client, in each mode.
    pub deadline: Duration,
}

/// How much earlier than the deadline a client shall give up on a peer that replies: so late that
/// only who waits for what will not come ever does, however busy the machine is.
const MARGIN: Duration = Duration::from_secs(2);

impl Gauntlet {
    /// Runs the client once against a peer in this mode.
    ///
    /// Fails if the client can't be started, or if a process of its can't be killed. This process
    /// must call [`stage_if_asked`] first of all, and have no other children: they would be killed.
    pub fn run(&self, mode: Mode) -> io::Result<Verdict> {
        family::adopt()?;
        let before = family::time_of_the_dead();
        // Whatever is at this process's path by now, this is what it was started from.
        let mut stage = Command::new("/proc/self/exe");
        let patience = match mode.answers() {
            true => self.deadline.saturating_sub(MARGIN),
            false => self.patience,
        };
        stage::ask(&mut stage, mode, self.patience, patience).args(&self.command);
        let stage = Watched::spawn(stage)?;
        let leader = stage.pid();
        let mut others = Ok(());
        let ended = stage.end_with(self.deadline, || others = family::end());
        others?;
        let busy = family::time_of_the_dead().saturating_sub(before);
        verdict::judge(self, mode, leader, ended, busy)
    }
}

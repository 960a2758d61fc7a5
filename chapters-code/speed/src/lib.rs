//! What an event costs: requests and replies of 64 bytes over loopback, on mio, on my-mio and on what
//! else a program can sleep on.
//!
//! [`contest`] lets all [`CONTENDERS`] have their turn with the same driver and compares them within one
//! run, [`calls`] counts their system calls, and [`Registration`] is what an idle connection costs.

mod allocations;
pub mod calls;
mod contenders;
mod contest;
mod end;
mod queue;
mod registrations;
mod report;
mod ring;
mod session;
mod tracer;

pub use allocations::{Counted, allocated, allocations};
pub use contenders::{CONTENDERS, Contender, Register, named};
pub use contest::{Effort, Line, Outcome, contest};
pub use end::{End, Parked, Queued, SIZE};
pub use queue::{Bare, Mio, MyMio, Polling, Queue};
pub use registrations::{Idle, Kept, Registration, registration};
pub use report::{Part, Plan, QUICK, THOROUGH, report};
pub use ring::Ring;
pub use session::{Both, Session, Spent, connected, cores, pin, room_for};

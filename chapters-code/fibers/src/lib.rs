//! Fibers on one thread: code that blocks, as one reads it, and lets others run meanwhile.
//!
//! ```
//! use fibers::{run, spawn, yield_now};
//!
//! let sum = run(|| {
//!     let one = spawn(|| {
//!         yield_now();
//!         1
//!     });
//!     let two = spawn(|| 2);
//!     one.join().unwrap() + two.join().unwrap()
//! });
//! assert_eq!(sum, 3);
//! ```
//!
//! From the bottom up: [`switch`] goes from one stack to another, [`stack`] makes stacks, [`fiber`] is
//! a function on a stack of its own, and [`run`], [`spawn`], [`yield_now`], [`JoinHandle`],
//! [`TcpStream`], [`UnixStream`], [`TcpListener`] and [`Socket`] are green threads on them. x86-64 and
//! aarch64, Linux.
//!
//! # What may not be done in a fiber
//!
//! The compiler sees none of this.
//!
//! | what | what happens |
//! |---|---|
//! | wait in a call that knows no fibers: std's sockets, `thread::sleep`, a `Mutex` that is locked | the thread sleeps, and all its fibers with it; if the one that holds the lock is among them, for ever |
//! | hold a `RefCell` borrow over a call that suspends | `BorrowMutError` in the next fiber that borrows it |
//! | keep a lock's guard while a panic's destructors suspend | `thread::panicking` is true in the others meanwhile, and a lock that they release is poisoned |
//! | use more than the stack has | `SIGSEGV` at the guard, without a message: std knows no guards but its own; `EFAULT` from a system call that is given an address there |
//! | be suspended when it is dropped, in a program built with `panic = "abort"` | the process aborts: there is no unwinding |
//! | suspend while being unwound | the fiber is leaked with its stack, told on stderr, and its panic still counts: `thread::panicking` stays true |
//! | change MXCSR or the x87 control word, FPCR on aarch64 | the other fibers round that way too |
//! | run C that jumps out of the fiber's stack (`longjmp`), or looks where its stack ends | undefined |
//!
//! What may: panic (the joiner gets it), print, take backtraces, use thread-locals, make threads.
//!
//! # One thread
//!
//! Nothing here is [`Send`] that has a fiber or a socket in it. What a function has on its stack when
//! it suspends is in no type, so the compiler could not check it; and it may assume that a function
//! stays on its thread.

#[cfg(target_arch = "x86_64")]
pub mod begin;
#[cfg(target_arch = "x86_64")]
pub mod copied;
pub mod cost;
mod join;
pub mod machine;
mod net;
mod runtime;
mod slab;

pub mod fiber;
pub mod huge;
pub mod overflow;
pub mod predictor;
pub mod probe;
#[cfg(target_arch = "x86_64")]
pub mod rounding;
pub mod stack;
pub mod switch;
pub mod unseen;

pub use join::JoinHandle;
pub use net::{Socket, TcpListener, TcpStream, UnixStream};
pub use runtime::{run, sleep, spawn, spawn_sized, yield_now};

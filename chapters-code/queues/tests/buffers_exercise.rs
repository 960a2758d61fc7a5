//! What `Reads` owes the kernel and its caller. The queue here plays the kernel: it has a buffer from the
//! begin of a read until `next` tells of it, and tells what a test has told it. Nothing in it waits.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::io::{self, ErrorKind};
use std::mem::ManuallyDrop;
use std::net::{TcpListener, TcpStream};
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::thread;

use queues::completion::{Completion, Reads};

thread_local! {
    static KERNEL: RefCell<Kernel> = RefCell::default();
}

#[derive(Default)]
struct Kernel {
    /// The reads that it has begun, and their buffers.
    has: Vec<(usize, NonNull<[u8]>)>,
    /// What it will tell next: bytes, or that the read was cancelled.
    tells: VecDeque<(usize, Option<&'static str>)>,
    /// It refuses what is begun.
    refuses: bool,
    /// This call fails.
    fails: Option<Call>,
    /// The buffers that it has ever had.
    ever_had: BTreeSet<usize>,
    cancelled: usize,
}

/// A call of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Cancel,
    Next,
}

fn kernel<T>(change: impl FnOnce(&mut Kernel) -> T) -> T {
    KERNEL.with_borrow_mut(change)
}

struct Played;

// SAFETY: `next` tells of a read only when its buffer is no longer in `has`, and only buffers in there are
// written to.
unsafe impl Completion for Played {
    fn new(_: &[TcpStream]) -> io::Result<Played> {
        Ok(Played)
    }

    unsafe fn begin(&mut self, token: usize, _: &TcpStream, into: NonNull<[u8]>) -> io::Result<()> {
        kernel(|kernel| {
            if kernel.refuses {
                return Err(ErrorKind::OutOfMemory.into());
            }
            let other = kernel.has.iter().find(|(_, other)| other.cast::<u8>() == into.cast());
            if let Some((other, _)) = other {
                panic!(
                    "the read of {token} got the buffer that the kernel has for that of {other}"
                );
            }
            kernel.ever_had.insert(into.cast::<u8>().as_ptr().addr());
            kernel.has.push((token, into));
            Ok(())
        })
    }

    fn cancel(&mut self, token: usize, _: &TcpStream) -> io::Result<()> {
        kernel(|kernel| {
            if kernel.fails == Some(Call::Cancel) {
                return Err(ErrorKind::OutOfMemory.into());
            }
            kernel.cancelled += 1;
            let is_done = kernel.tells.iter().any(|(done, _)| *done == token);
            if !is_done && kernel.has.iter().any(|(begun, _)| *begun == token) {
                kernel.tells.push_back((token, None));
            }
            Ok(())
        })
    }

    fn next(&mut self) -> io::Result<(usize, io::Result<usize>)> {
        kernel(|kernel| {
            if kernel.fails == Some(Call::Next) {
                return Err(ErrorKind::OutOfMemory.into());
            }
            let Some((token, bytes)) = kernel.tells.pop_front() else {
                panic!("`next` was asked for ever: of no read in flight will it tell");
            };
            let at = kernel.has.iter().position(|(begun, _)| *begun == token);
            let (_, buffer) = kernel.has.remove(at.expect("a read that was begun"));
            let Some(bytes) = bytes else {
                return Ok((token, Err(ErrorKind::Interrupted.into())));
            };
            let len = bytes.len().min(buffer.len());
            // SAFETY: who began this read keeps a buffer of so many bytes there until this returns.
            unsafe { buffer.cast::<u8>().as_ptr().copy_from(bytes.as_ptr(), len) };
            Ok((token, Ok(len)))
        })
    }
}

/// Reads of which none is ended when a test fails: that would only hide its message.
struct Kept(ManuallyDrop<Reads<Played>>);

impl Deref for Kept {
    type Target = Reads<Played>;

    fn deref(&self) -> &Reads<Played> {
        &self.0
    }
}

impl DerefMut for Kept {
    fn deref_mut(&mut self) -> &mut Reads<Played> {
        &mut self.0
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if !thread::panicking() {
            // SAFETY: it is dropped here and nowhere else.
            unsafe { ManuallyDrop::drop(&mut self.0) }
        }
    }
}

fn reads(sockets: usize) -> Kept {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connect = |_| TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let sockets = (0..sockets).map(connect).collect();
    Kept(ManuallyDrop::new(Reads::new(sockets).unwrap()))
}

/// Of these reads the kernel will tell, in this order.
fn done(reads: &[(usize, &'static str)]) {
    let told = reads.iter().map(|(token, bytes)| (*token, Some(*bytes)));
    kernel(|kernel| kernel.tells.extend(told));
}

/// What a wait says.
fn waited(reads: &mut Reads<Played>) -> String {
    let (token, bytes) = reads.wait().unwrap();
    match bytes {
        Ok(bytes) => format!("`{}` for {token}", String::from_utf8_lossy(bytes)),
        Err(error) => format!("{:?} for {token}", error.kind()),
    }
}

#[track_caller]
fn must(what: &str, right: &str, told: &str) {
    assert!(told == right, "{what}: expected {right}; got {told}");
}

#[test]
fn each_read_in_flight_has_a_buffer_for_itself() {
    let mut reads = reads(2);
    reads.begin(0).unwrap();
    reads.begin(1).unwrap();
    done(&[(1, "for one"), (0, "for nought")]);
    must("2 reads are done", "`for one` for 1", &waited(&mut reads));
    must("2 reads are done", "`for nought` for 0", &waited(&mut reads));
}

#[test]
fn a_buffer_that_is_spare_is_used_again() {
    let mut reads = reads(1);
    for _ in 0..10 {
        reads.begin(0).unwrap();
        done(&[(0, "hi")]);
        must("a read is done", "`hi` for 0", &waited(&mut reads));
    }
    let had = kernel(|kernel| kernel.ever_had.len());
    assert!(had == 1, "10 reads one after the other: expected 1 buffer; got {had}");
}

#[test]
fn a_new_buffer_is_of_4_kib() {
    let mut reads = reads(1);
    reads.begin(0).unwrap();
    let len = kernel(|kernel| kernel.has[0].1.len());
    assert!(len == 4096, "a read begins: expected room for 4096 bytes; got room for {len}");
}

#[test]
fn a_read_that_the_queue_refused_is_not_in_flight() {
    let mut reads = reads(1);
    kernel(|kernel| kernel.refuses = true);
    let refused = reads.begin(0).map_err(|error| error.kind());
    assert!(refused == Err(ErrorKind::OutOfMemory), "the queue refuses a read; got {refused:?}");
    kernel(|kernel| kernel.refuses = false);
    let again = catch_unwind(AssertUnwindSafe(|| reads.begin(0).is_ok()));
    assert!(
        again.is_ok_and(|begun| begun),
        "the queue refused a read: expected that it may begin again"
    );
}

/// What `begin` does, which has to panic.
fn begun(reads: &mut Reads<Played>) -> &'static str {
    match catch_unwind(AssertUnwindSafe(|| reads.begin(0).is_ok())) {
        Ok(true) => "Ok",
        Ok(false) => "an error",
        Err(_) => "a panic",
    }
}

#[test]
fn a_second_read_of_a_token_is_a_bug_of_the_caller() {
    let mut reads = reads(1);
    reads.begin(0).unwrap();
    must("a read of 0 is in flight, and another begins", "a panic", begun(&mut reads));
}

#[test]
fn a_read_of_a_closed_socket_is_a_bug_of_the_caller() {
    let mut reads = reads(1);
    reads.close(0).unwrap();
    must("the socket is closed, and a read begins", "a panic", begun(&mut reads));
}

#[test]
fn the_kernel_has_the_buffer_until_it_says_that_the_read_is_done() {
    let mut reads = reads(2);
    reads.begin(0).unwrap();
    reads.give_up(0).unwrap();
    let has = kernel(|kernel| kernel.has.len());
    assert!(has == 0, "a read is given up: expected the kernel to be done with it; it is not");
    // Who frees a buffer must not get it back as a new one.
    let _others: Vec<Vec<u8>> = (0..64).map(|_| vec![0; 4096]).collect();
    reads.begin(1).unwrap();
    done(&[(1, "hi")]);
    must("one is given up, and one done", "`hi` for 1", &waited(&mut reads));
    let had = kernel(|kernel| kernel.ever_had.len());
    assert!(had == 1, "its buffer is spare: expected the next read to get it; got {had} buffers");
}

#[test]
fn while_the_queue_fails_the_kernel_keeps_its_buffer() {
    for call in [Call::Cancel, Call::Next] {
        let mut reads = reads(2);
        reads.begin(0).unwrap();
        kernel(|kernel| kernel.fails = Some(call));
        let told = reads.give_up(0).map_err(|error| error.kind());
        kernel(|kernel| kernel.fails = None);
        let what = format!("a read is given up, and the queue's {call:?} fails");
        must(&what, "Err(OutOfMemory)", &format!("{told:?}"));
        // This panics if the read gets the buffer of the other.
        reads.begin(1).unwrap();
        reads.close(0).unwrap();
    }
}

#[test]
fn a_read_that_was_cancelled_is_no_error() {
    let mut reads = reads(1);
    reads.begin(0).unwrap();
    let told = reads.give_up(0).map_err(|error| error.kind());
    must("a read is given up, and the queue says so", "Ok(())", &format!("{told:?}"));
}

#[test]
fn others_that_are_done_meanwhile_are_told_in_their_order() {
    let mut reads = reads(3);
    (0..3).for_each(|token| reads.begin(token).unwrap());
    done(&[(2, "two"), (0, "nought")]);
    reads.give_up(1).unwrap();
    let told = [waited(&mut reads), waited(&mut reads)].join(", ");
    must("2 and 0 are done while 1 is given up", "`two` for 2, `nought` for 0", &told);
}

#[test]
fn a_read_that_was_done_before_it_is_given_up_is_not_waited_for() {
    let mut reads = reads(2);
    (0..2).for_each(|token| reads.begin(token).unwrap());
    // Giving up 0 makes the queue tell of 1.
    done(&[(1, "unread")]);
    reads.give_up(0).unwrap();
    reads.give_up(1).unwrap();
    reads.begin(1).unwrap();
    done(&[(1, "later")]);
    must("1 was done, then given up, then begun again", "`later` for 1", &waited(&mut reads));
}

#[test]
fn bytes_of_a_read_that_is_given_up_are_nobodys() {
    let mut reads = reads(2);
    (0..2).for_each(|token| reads.begin(token).unwrap());
    done(&[(0, "too late"), (1, "hi")]);
    reads.give_up(0).unwrap();
    must("0 is given up although it has bytes", "`hi` for 1", &waited(&mut reads));
}

#[test]
fn where_no_read_is_in_flight_nothing_is_given_up() {
    let mut reads = reads(1);
    reads.give_up(0).unwrap();
    reads.close(0).unwrap();
    reads.give_up(0).unwrap();
    let asked = kernel(|kernel| kernel.cancelled);
    assert!(asked == 0, "nothing is in flight: expected no cancellation; got {asked}");
}

#[test]
fn all_that_is_in_flight_ends_with_its_owner() {
    let mut reads = reads(3);
    (0..3).for_each(|token| reads.begin(token).unwrap());
    done(&[(1, "unread")]);
    drop(reads);
    let has = kernel(|kernel| kernel.has.len());
    assert!(has == 0, "3 reads are dropped: expected the kernel to have none; it has {has}");
}

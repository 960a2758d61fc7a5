//! What the note *The other queues* claims of buffers, on the completion queue of this system.
#![cfg(any(target_os = "linux", windows))]

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ptr::NonNull;
use std::thread;
use std::time::{Duration, Instant};

use queues::completion::{Completion, Reads};

#[cfg(windows)]
use queues::completion::Port as Native;
#[cfg(target_os = "linux")]
use queues::completion::Ring as Native;

/// A way out of a wait for what has to come.
const DEADLINE: Duration = Duration::from_secs(20);

/// `N` connections: our ends, and those of the peers.
fn pairs<const N: usize>() -> ([TcpStream; N], [TcpStream; N]) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let pair = |_| {
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let theirs = listener.accept().unwrap().0;
        theirs.set_nodelay(true).unwrap();
        (ours, theirs)
    };
    let (ours, theirs): (Vec<_>, Vec<_>) = (0..N).map(pair).unzip();
    (ours.try_into().unwrap(), theirs.try_into().unwrap())
}

/// The queue, unless the kernel has none for us.
fn queue(sockets: Vec<TcpStream>) -> Option<Reads<Native>> {
    match Reads::new(sockets) {
        Err(error) if none_here(&error) => {
            println!("\nskipped: the kernel refuses a completion queue: {error}");
            None
        }
        reads => Some(reads.unwrap()),
    }
}

/// An old kernel, or one that was told to give no rings.
fn none_here(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied)
}

#[test]
fn the_kernel_writes_into_the_buffer_of_a_read_in_flight_and_nobody_asks() {
    let ([idle, busy], [mut to_idle, mut to_busy]) = pairs();
    let mut queue = match Native::new(&[idle.try_clone().unwrap(), busy.try_clone().unwrap()]) {
        Err(error) if none_here(&error) => return println!("\nskipped: {error}"),
        queue => queue.unwrap(),
    };
    // Leaked: were this test to fail, the kernel would keep the memory.
    let [buffer, other] = [(); 2].map(|()| NonNull::from(&mut Box::leak(Box::new([0; 8]))[..]));
    // SAFETY: the sockets and the memory are there to the end. Until `next` has returned its token,
    // the first buffer is only looked at, through a copy of the kernel's pointer.
    unsafe {
        queue.begin(0, &idle, buffer).unwrap();
        queue.begin(1, &busy, other).unwrap();
    }
    // When one of the reads is done, the kernel has both.
    to_busy.write_all(b"begun").unwrap();
    assert!(matches!(queue.next().unwrap(), (1, Ok(5))));

    to_idle.write_all(b"hello").unwrap();
    let started = Instant::now();
    // SAFETY: the pointer is valid; the kernel may write between two looks, so they are volatile.
    while unsafe { buffer.cast::<[u8; 5]>().read_volatile() } != *b"hello" {
        assert!(started.elapsed() < DEADLINE, "the kernel writes when it is asked, not before");
        thread::yield_now();
    }
    assert!(matches!(queue.next().unwrap(), (0, Ok(5))));
}

#[test]
fn the_buffer_of_a_read_that_was_given_up_gets_no_bytes_of_it() {
    let (ours, [mut to_first, mut to_second, mut to_third]) = pairs();
    let Some(mut reads) = queue(ours.into()) else {
        return;
    };
    // When a read of the third is done, the kernel has all that were begun before.
    let mut kernel_has_them = |reads: &mut Reads<Native>| {
        reads.begin(2).unwrap();
        to_third.write_all(b"begun").unwrap();
        assert_eq!(reads.wait().unwrap().0, 2);
    };
    reads.begin(0).unwrap();
    kernel_has_them(&mut reads);
    reads.give_up(0).unwrap();
    reads.begin(1).unwrap();
    kernel_has_them(&mut reads);

    to_second.write_all(b"for the second").unwrap();
    to_first.write_all(b"for the first!").unwrap();
    let (token, bytes) = reads.wait().unwrap();
    let bytes = String::from_utf8_lossy(bytes.unwrap());
    assert_eq!((token, &*bytes), (1, "for the second"), "bytes of somebody else");
}

#[test]
fn a_read_that_was_given_up_leaves_what_comes_later_to_the_next() {
    let ([ours], [mut to_ours]) = pairs();
    let Some(mut reads) = queue(vec![ours]) else {
        return;
    };
    reads.begin(0).unwrap();
    reads.give_up(0).unwrap();
    to_ours.write_all(b"later").unwrap();
    reads.begin(0).unwrap();
    let (token, bytes) = reads.wait().unwrap();
    let told = (token, bytes.map_err(|error| error.kind()));
    assert!(told == (0, Ok(b"later")), "0 got `later`: expected it to be told; got {told:?}");
}

#[test]
fn dropping_reads_in_flight_ends_them() {
    let ([ours], [mut to_ours]) = pairs();
    let mut duplicate = ours.try_clone().unwrap();
    duplicate.set_read_timeout(Some(DEADLINE)).unwrap();
    let Some(mut reads) = queue(vec![ours]) else {
        return;
    };
    reads.begin(0).unwrap();
    drop(reads);
    to_ours.write_all(b"hello").unwrap();
    let mut bytes = [0; 5];
    duplicate.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"hello");
}

#[test]
#[should_panic(expected = "no read is in flight")]
fn a_wait_that_nothing_would_end_panics() {
    let (ours, _theirs) = pairs::<1>();
    match queue(ours.into()) {
        Some(mut reads) => _ = reads.wait(),
        None => panic!("no read is in flight"),
    }
}

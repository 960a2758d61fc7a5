//! Pipes.

use std::io::{IoSlice, IoSliceMut, Read, Write};

use mio::unix::pipe;
use mio_contract::kernel::is_nonblocking;

use super::*;

#[test]
fn what_the_sender_writes_the_receiver_reads() {
    alone(|| {
        let (mut sender, mut receiver) = pipe::new().unwrap();
        let mut read = [0; 8];
        would_block(receiver.read(&mut read));
        assert_eq!(sender.write(b"hello").unwrap(), 5);
        sender.flush().unwrap();
        assert_eq!(receiver.read(&mut read).unwrap(), 5);
        assert_eq!(&read[..5], b"hello");
        would_block(receiver.read(&mut read));
        drop(sender);
        assert_eq!(receiver.read(&mut read).unwrap(), 0);
    });
}

#[test]
fn it_can_be_used_through_references() {
    alone(|| {
        let (sender, receiver) = pipe::new().unwrap();
        (&sender).write_all(b"hello").unwrap();
        (&sender).flush().unwrap();
        let mut read = [0; 5];
        (&receiver).read_exact(&mut read).unwrap();
        assert_eq!(&read, b"hello");
        assert_eq!((&sender).write_vectored(&[IoSlice::new(b"a"), IoSlice::new(b"b")]).unwrap(), 2);
        let (mut a, mut b) = ([0; 1], [0; 4]);
        let mut both = [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)];
        assert_eq!((&receiver).read_vectored(&mut both).unwrap(), 2);
        assert_eq!((&a, &b[..1]), (b"a", &b"b"[..]));
    });
}

#[test]
fn vectors_are_written_and_read_in_one_call() {
    alone(|| {
        let (mut sender, mut receiver) = pipe::new().unwrap();
        let parts = [IoSlice::new(b"one"), IoSlice::new(b""), IoSlice::new(b"two")];
        assert_eq!(sender.write_vectored(&parts).unwrap(), 6);
        let (mut a, mut b) = ([0; 2], [0; 8]);
        let mut both = [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)];
        assert_eq!(receiver.read_vectored(&mut both).unwrap(), 6);
        assert_eq!((&a, &b[..4]), (b"on", &b"etwo"[..]));
    });
}

#[test]
fn a_full_pipe_is_writable_again_when_it_was_read() {
    alone(|| {
        let mut watch = Watch::new();
        let (mut sender, mut receiver) = pipe::new().unwrap();
        watch.register(&mut sender, 1, WRITABLE);
        assert!(watch.one().is_writable());
        while sender.write(&[7; 4096]).is_ok() {}
        would_block(sender.write(&[7; 4096]));
        watch.nothing();
        while receiver.read(&mut [0; 4096]).is_ok() {}
        assert!(watch.until("writable", Event::is_writable).token() == Token(1));
    });
}

#[test]
fn a_pipe_without_receiver_is_broken() {
    alone(|| {
        let (mut sender, receiver) = pipe::new().unwrap();
        drop(receiver);
        fails(ErrorKind::BrokenPipe, sender.write(b"x"));
    });
}

#[test]
fn whether_it_waits_can_be_set_for_each_end() {
    alone(|| {
        let (sender, receiver) = pipe::new().unwrap();
        assert!(is_nonblocking(&sender) && is_nonblocking(&receiver));
        sender.set_nonblocking(false).unwrap();
        assert!(!is_nonblocking(&sender) && is_nonblocking(&receiver));
        receiver.set_nonblocking(false).unwrap();
        assert!(!is_nonblocking(&sender) && !is_nonblocking(&receiver));
        sender.set_nonblocking(true).unwrap();
        assert!(is_nonblocking(&sender) && !is_nonblocking(&receiver));
        receiver.set_nonblocking(true).unwrap();
        assert!(is_nonblocking(&sender) && is_nonblocking(&receiver));
    });
}

#[test]
fn any_call_can_be_made_on_it() {
    alone(|| {
        let (sender, receiver) = pipe::new().unwrap();
        tries(|call| sender.try_io(call), |call| receiver.try_io(call));
    });
}

/// What the call gives is what comes out, and it is made once.
pub fn tries(
    one: impl Fn(&mut dyn FnMut() -> io::Result<u8>) -> io::Result<u8>,
    other: impl Fn(&mut dyn FnMut() -> io::Result<u8>) -> io::Result<u8>,
) {
    let mut many = 0;
    let mut good = || {
        many += 1;
        Ok(many)
    };
    assert_eq!(one(&mut good).unwrap(), 1);
    assert_eq!(other(&mut good).unwrap(), 2);
    assert_eq!(many, 2);
    would_block(one(&mut || Err(ErrorKind::WouldBlock.into())));
    fails(ErrorKind::BrokenPipe, other(&mut || Err(ErrorKind::BrokenPipe.into())));
}

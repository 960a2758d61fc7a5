//! Pipes.

use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::os::fd::AsRawFd;

use mio::net::{UdpSocket, UnixStream};
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

#[test]
fn a_call_s_error_comes_out_with_its_number() {
    alone(|| {
        let socket = UdpSocket::bind(any_v4()).unwrap();
        let result = socket.try_io(|| Err::<(), _>(io::Error::from_raw_os_error(libc::ENOTTY)));
        assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ENOTTY));
    });
}

#[test]
fn setting_whether_it_waits_sets_nothing_else() {
    fn status(fd: &impl AsRawFd) -> i32 {
        // SAFETY: F_GETFL takes no pointer.
        unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) }
    }
    alone(|| {
        let (sender, receiver) = pipe::new().unwrap();
        for fd in [sender.as_raw_fd(), receiver.as_raw_fd()] {
            // SAFETY: F_SETFL takes no pointer.
            unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_DIRECT | libc::O_NONBLOCK) };
        }
        for on in [false, true] {
            sender.set_nonblocking(on).unwrap();
            receiver.set_nonblocking(on).unwrap();
            assert!(status(&sender) & libc::O_DIRECT != 0);
            assert!(status(&receiver) & libc::O_DIRECT != 0);
        }
    });
}

#[test]
fn a_pipe_keeps_no_bounds() {
    alone(|| {
        let (mut sender, mut receiver) = pipe::new().unwrap();
        sender.write_all(b"one").unwrap();
        sender.write_all(b"two").unwrap();
        let mut bytes = [0; 2];
        receiver.read_exact(&mut bytes).unwrap();
        let mut rest = [0; 8];
        assert_eq!(receiver.read(&mut rest).unwrap(), 4);
        assert_eq!(&rest[..4], b"etwo");
    });
}

#[test]
fn vectors_may_be_many() {
    fn all(mut to: impl Write, mut from: impl Read) {
        let bytes: Vec<u8> = (0..40).collect();
        let parts: Vec<_> = bytes.chunks(4).map(IoSlice::new).collect();
        assert_eq!(to.write_vectored(&parts).unwrap(), 40);
        let mut read = [0; 40];
        let mut parts: Vec<_> = read.chunks_mut(4).map(IoSliceMut::new).collect();
        assert_eq!(eventually(|| from.read_vectored(&mut parts)), 40);
        assert_eq!(&read[..], bytes);
    }
    alone(|| {
        let (sender, receiver) = pipe::new().unwrap();
        all(&sender, &receiver);
        all(sender, receiver);
        let (a, b) = UnixStream::pair().unwrap();
        all(&a, &b);
        all(a, b);
        let (_listener, a, b) = connection(any_v4());
        all(&a, &b);
        all(a, b);
    });
}

#[test]
fn nothing_can_be_read_and_written() {
    fn nothing(mut to: impl Write, mut from: impl Read) {
        assert_eq!(to.write(b"").unwrap(), 0);
        to.write_all(b"x").unwrap();
        assert_eq!(eventually(|| from.read(&mut [])), 0);
        assert_eq!(eventually(|| from.read(&mut [0; 8])), 1);
    }
    alone(|| {
        let (sender, receiver) = pipe::new().unwrap();
        nothing(sender, receiver);
        let (a, b) = UnixStream::pair().unwrap();
        nothing(a, b);
        let (_listener, a, b) = connection(any_v4());
        nothing(a, b);
    });
}

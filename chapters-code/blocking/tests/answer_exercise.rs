//! What `answer`, `by_libc` and `greeting` owe their callers. Each message says what was there to read
//! and what had to come.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use blocking::read::{answer, by_libc, greeting};

/// A result in words.
fn told(result: io::Result<usize>) -> String {
    match result {
        Ok(n) => format!("{n} bytes"),
        Err(error) => match error.raw_os_error() {
            Some(number) => format!("error {number}"),
            None => format!("the error {:?}", error.kind()),
        },
    }
}

/// Leaves an error in this thread's errno: that there is no such file, 2.
fn fail_before() {
    assert!(File::open("/there/is/no/such/file").is_err());
}

#[test]
fn a_count_is_a_count() {
    for n in [1, 4, 4_096, isize::MAX] {
        let (got, right) = (told(answer(n)), format!("{n} bytes"));
        assert!(got == right, "the kernel says {n}: expected {right}; got {got}");
    }
}

#[test]
fn no_byte_is_no_error() {
    let got = told(answer(0));
    assert!(got == "0 bytes", "the kernel says 0: expected 0 bytes; got {got}");
}

#[test]
fn minus_a_number_is_the_error_of_that_number() {
    fail_before();
    // The greatest, what a refused read says, what an empty one, and the least.
    for number in [4_095, libc::EBADF, libc::EAGAIN, 1] {
        let (got, right) = (told(answer(-number as isize)), format!("error {number}"));
        assert!(got == right, "the kernel says -{number}: expected {right}; got {got}");
    }
}

/// The end of a pipe for reading, with these bytes in it, and that for writing.
fn pipe(bytes: &[u8]) -> (File, File) {
    let (reader, writer) = io::pipe().unwrap();
    let mut writer = File::from(OwnedFd::from(writer));
    writer.write_all(bytes).unwrap();
    (File::from(OwnedFd::from(reader)), writer)
}

#[test]
fn a_read_through_libc_takes_what_there_is_room_for() {
    let (reader, _writer) = pipe(b"one.two.");
    for right in [b"one.", b"two."] {
        let mut four = [0; 4];
        let got = told(by_libc(&reader, &mut four));
        assert!(
            got == "4 bytes" && four == *right,
            "8 bytes in the pipe, room for 4, two reads: expected {:?}; got {got}, {:?}",
            String::from_utf8_lossy(right),
            String::from_utf8_lossy(&four)
        );
    }
}

#[test]
fn a_read_through_libc_waits_for_no_more_than_there_is() {
    let (reader, writer) = pipe(b"two");
    let mut eight = [b'-'; 8];
    // Who wants more would sleep for ever, so more comes when the read has taken too long.
    let (done, returned) = mpsc::channel();
    let more = thread::spawn(move || {
        if returned.recv_timeout(Duration::from_secs(1)).is_err() {
            (&writer).write_all(b"later").unwrap();
        }
    });
    let got = told(by_libc(&reader, &mut eight));
    let _ = done.send(());
    assert!(
        got == "3 bytes" && eight == *b"two-----",
        "3 bytes in the pipe, and it is open, room for 8: expected 3 bytes, two-----; got {got}, {}",
        String::from_utf8_lossy(&eight)
    );
    more.join().unwrap();
}

#[test]
fn the_end_through_libc_is_no_byte() {
    let (reader, writer) = pipe(b"");
    drop(writer);
    let got = told(by_libc(&reader, &mut [0; 4]));
    assert!(got == "0 bytes", "nothing in the pipe, and it is closed: expected 0 bytes; got {got}");
}

#[test]
fn an_error_through_libc_is_the_one_in_errno() {
    let (_reader, writer) = pipe(b"");
    fail_before();
    let (got, right) = (told(by_libc(&writer, &mut [0; 4])), format!("error {}", libc::EBADF));
    assert!(got == right, "a read from the writing end: expected {right}; got {got}");
    let (socket, _peer) = UnixStream::pair().unwrap();
    socket.set_nonblocking(true).unwrap();
    let (got, right) = (told(by_libc(&socket, &mut [0; 4])), format!("error {}", libc::EAGAIN));
    assert!(
        got == right,
        "nothing there, and the socket does not block: expected {right}; got {got}"
    );
}

/// A peer that has said something, and is silent then; more than one read of it ends the test.
struct Peer {
    says: Option<&'static [u8]>,
    closes: bool,
    reads: usize,
}

impl Read for Peer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        match self.says.take() {
            Some(says) if !buffer.is_empty() => {
                buffer[..says.len()].copy_from_slice(says);
                Ok(says.len())
            }
            None if !self.closes => {
                let reads = self.reads;
                panic!("a peer that is silent after its greeting: expected 1 read; got {reads}")
            }
            // At the end, and into no room.
            _ => Ok(0),
        }
    }
}

fn greeted(says: Option<&'static [u8]>, closes: bool) -> String {
    match greeting(&mut Peer { says, closes, reads: 0 }) {
        Ok(Some(bytes)) if bytes.len() > 100 => format!("{} bytes", bytes.len()),
        Ok(Some(bytes)) => format!("{:?}", String::from_utf8_lossy(&bytes)),
        Ok(None) => "nothing".into(),
        Err(error) => format!("the error {:?}", error.kind()),
    }
}

#[test]
fn a_greeting_is_what_one_read_brings() {
    let got = greeted(Some(b"hello"), false);
    assert!(got == "\"hello\"", "the peer says hello and is silent: expected \"hello\"; got {got}");
}

#[test]
fn a_peer_may_greet_and_close() {
    let got = greeted(Some(b"bye"), true);
    assert!(got == "\"bye\"", "the peer says bye and closes: expected \"bye\"; got {got}");
}

#[test]
fn a_greeting_may_end_with_a_zero() {
    let got = greeted(Some(b"hi\0"), false);
    assert!(got == r#""hi\0""#, "the peer says h, i and a byte 0: expected \"hi\\0\"; got {got}");
}

#[test]
fn a_close_without_a_word_is_no_greeting() {
    let got = greeted(None, true);
    assert!(got == "nothing", "the peer closes without a word: expected nothing; got {got}");
}

#[test]
fn a_socket_that_has_nothing_yet_is_not_closed() {
    let (socket, _peer) = UnixStream::pair().unwrap();
    socket.set_nonblocking(true).unwrap();
    let got = match greeting(&socket) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => return,
        other => format!("{other:?}"),
    };
    panic!("nothing there yet, and the socket does not block: expected WouldBlock; got {got}");
}

#[test]
fn a_greeting_that_fills_a_kibibyte_is_cut_there() {
    let (socket, mut peer) = UnixStream::pair().unwrap();
    peer.write_all(&[b'x'; 1_500]).unwrap();
    let got = greeting(&socket).unwrap().map_or(0, |greeting| greeting.len());
    assert!(got == 1_024, "the peer says 1500 bytes: expected 1024 of them; got {got}");
}

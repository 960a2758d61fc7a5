//! What the note *Ask, or be told* claims of one thread and several streams.

use std::fs::File;
use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::thread;

use readiness::{Told, collect, streams};

/// Whether epoll, asked for bytes alone and level-triggered, reports `source` now.
fn reported(source: &impl AsFd) -> bool {
    let one = [source.as_fd()];
    let told = Told::new(&one).unwrap();
    told.now().unwrap()
}

/// A reading end that blocks, and its writing end.
trait Kind: Read + AsFd + Sized {
    type Peer: Write;
    const NAME: &str;
    fn connected() -> io::Result<(Self, Self::Peer)>;
    /// Ends the connection so that a read fails, where this kind can.
    fn reset(_: Self::Peer) -> bool {
        false
    }
}

impl Kind for UnixStream {
    type Peer = UnixStream;
    const NAME: &str = "Unix";
    fn connected() -> io::Result<(UnixStream, UnixStream)> {
        UnixStream::pair()
    }
}

impl Kind for PipeReader {
    type Peer = PipeWriter;
    const NAME: &str = "pipe";
    fn connected() -> io::Result<(PipeReader, PipeWriter)> {
        io::pipe()
    }
}

impl Kind for TcpStream {
    type Peer = TcpStream;
    const NAME: &str = "TCP";
    fn connected() -> io::Result<(TcpStream, TcpStream)> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let ours = TcpStream::connect(listener.local_addr()?)?;
        let (peer, _) = listener.accept()?;
        peer.set_nodelay(true)?;
        Ok((ours, peer))
    }
    fn reset(peer: TcpStream) -> bool {
        let linger = libc::linger { l_onoff: 1, l_linger: 0 };
        let size = size_of::<libc::linger>() as libc::socklen_t;
        // SAFETY: the option's value is a `linger`, which lives through the call.
        let set = unsafe {
            let value = (&raw const linger).cast();
            libc::setsockopt(peer.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, value, size)
        };
        set == 0
    }
}

fn a_level_is_reported_while_a_read_returns_at_once<K: Kind>() {
    let (mut ours, mut peer) = K::connected().unwrap();
    assert!(!reported(&ours), "{}: nothing has come", K::NAME);

    peer.write_all(&[7; 100]).unwrap();
    for left in [100, 50] {
        assert!(reported(&ours) && reported(&ours), "{}: {left} bytes are there", K::NAME);
        assert_eq!(ours.read(&mut [0; 50]).unwrap(), 50);
    }
    assert!(!reported(&ours), "{}: all is read", K::NAME);

    peer.write_all(b"hello").unwrap();
    drop(peer);
    assert!(reported(&ours), "{}: bytes and the end", K::NAME);
    assert_eq!(ours.read(&mut [0; 64]).unwrap(), 5);
    for _ in 0..2 {
        assert!(reported(&ours), "{}: the end stays", K::NAME);
        assert_eq!(ours.read(&mut [0; 64]).unwrap(), 0);
    }

    let (mut ours, peer) = K::connected().unwrap();
    if K::reset(peer) {
        assert!(reported(&ours), "{}: an error", K::NAME);
        assert_eq!(ours.read(&mut [0; 64]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
}

#[test]
fn epoll_reports_a_stream_while_a_read_would_return_at_once() {
    a_level_is_reported_while_a_read_returns_at_once::<UnixStream>();
    a_level_is_reported_while_a_read_returns_at_once::<TcpStream>();
    a_level_is_reported_while_a_read_returns_at_once::<PipeReader>();
}

/// The replies in words, each as its length and its first byte.
fn told(replies: io::Result<Vec<Vec<u8>>>) -> String {
    match replies {
        Ok(replies) => {
            let one = |reply: &Vec<u8>| match reply.first() {
                Some(first) => format!("{} of {first}", reply.len()),
                None => "none".into(),
            };
            replies.iter().map(one).collect::<Vec<_>>().join(", ")
        }
        Err(error) => format!("the error {:?}", error.kind()),
    }
}

#[test]
fn one_thread_collects_replies_in_the_order_in_which_they_come() {
    const BYTES: usize = 100;
    let (ours, mut peers) = streams(5).unwrap();
    let peers = thread::spawn(move || {
        for (number, peer) in peers.iter_mut().enumerate().rev() {
            peer.write_all(&[number as u8; BYTES]).unwrap();
        }
        peers
    });
    let got = told(collect(&ours, BYTES));
    let right = "100 of 0, 100 of 1, 100 of 2, 100 of 3, 100 of 4";
    assert!(
        got == right,
        "100 bytes on each of 5 streams, those of the last stream first: expected {right}; got {got}"
    );
    drop(peers.join());
}

#[test]
fn a_reply_that_is_whole_counts_although_its_stream_has_ended() {
    let (ours, mut peers) = streams(3).unwrap();
    peers.iter_mut().try_for_each(|peer| peer.write_all(&[7; 100])).unwrap();
    drop(peers);
    let (got, right) = (told(collect(&ours, 100)), "100 of 7, 100 of 7, 100 of 7");
    assert!(got == right, "100 bytes on each of 3 streams, all ended: expected {right}; got {got}");
    let (ours, mut peers) = streams(2).unwrap();
    peers[0].write_all(&[7; 99]).unwrap();
    drop(peers);
    let (got, right) = (told(collect(&ours, 100)), "the error UnexpectedEof");
    assert!(
        got == right,
        "99 bytes of 100 on one of 2 streams, both ended: expected {right}; got {got}"
    );
}

/// Two numbers for one socket, as two processes or threads may have: both are told, one reads.
#[test]
fn what_was_there_when_epoll_said_so_may_be_gone_at_the_read() {
    let (ours, mut peers) = streams(1).unwrap();
    let mut other = ours[0].try_clone().unwrap();
    let (told, told_too) = (Told::new(&ours).unwrap(), Told::new(&ours).unwrap());
    peers[0].write_all(b"hello").unwrap();
    assert!(told.now().unwrap() && told_too.now().unwrap());
    assert_eq!(other.read(&mut [0; 64]).unwrap(), 5);
    let error = (&ours[0]).read(&mut [0; 64]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock, "a blocking read would sleep here");
}

#[test]
fn a_regular_file_is_refused() {
    let file = [File::open("Cargo.toml").unwrap()];
    let error = Told::new(&file).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EPERM));
}

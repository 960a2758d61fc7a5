//! What the note *Connecting* claims.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::SocketAddr as UnixAddr;
use std::time::Duration;

use connect::{connect, is_made};
use my_mio::event::Event;
use my_mio::net::{TcpListener, TcpStream, UdpSocket, UnixListener, UnixStream};
use my_mio::{Events, Interest, Poll, Token};

#[path = "../examples/connect_ends/connect.rs"]
mod connect;
#[path = "../examples/connect_ends/peers.rs"]
mod peers;

const NOW: Option<Duration> = Some(Duration::ZERO);
const FOREVER: Option<Duration> = None;

/// A poll with one stream, whose first event is asked for.
struct Watched {
    poll: Poll,
    events: Events,
}

impl Watched {
    fn new(stream: &mut impl my_mio::event::Source) -> Watched {
        Watched::asking(Interest::READABLE | Interest::WRITABLE, stream)
    }

    fn asking(interests: Interest, stream: &mut impl my_mio::event::Source) -> Watched {
        let poll = Poll::new().unwrap();
        poll.registry().register(stream, Token(0), interests).unwrap();
        Watched { poll, events: Events::with_capacity(4) }
    }

    fn event(&mut self, timeout: Option<Duration>) -> Option<Event> {
        self.poll.poll(&mut self.events, timeout).unwrap();
        self.events.iter().next().cloned()
    }
}

fn kind<T>(result: io::Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(peers::any()).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn v4(address: SocketAddr) -> SocketAddrV4 {
    match address {
        SocketAddr::V4(v4) => v4,
        SocketAddr::V6(v6) => unreachable!("{v6} is none of 127.0.0.1"),
    }
}

#[test]
fn writable_ends_a_connect_and_so_error_says_how_once() {
    for interests in [Interest::WRITABLE, Interest::READABLE | Interest::WRITABLE] {
        writable_and_then_so_error(interests);
    }
}

fn writable_and_then_so_error(interests: Interest) {
    let (_listener, address) = listener();
    let mut made = TcpStream::connect(address).unwrap();
    let event = Watched::asking(interests, &mut made).event(FOREVER).unwrap();
    assert!(event.is_writable() && !event.is_error(), "{event:?}");
    assert!(made.take_error().unwrap().is_none());
    assert_eq!(made.peer_addr().unwrap(), address);

    let (nobody, _keep) = peers::refusing().unwrap();
    let mut refused = TcpStream::connect(nobody).unwrap();
    let event = Watched::asking(interests, &mut refused).event(FOREVER).unwrap();
    assert!(event.is_writable() && event.is_error() && event.is_read_closed(), "{event:?}");
    let error = refused.take_error().unwrap().map(|error| error.kind());
    assert_eq!(error, Some(ErrorKind::ConnectionRefused));
    assert!(refused.take_error().unwrap().is_none(), "it says so once");
    assert_eq!(kind(refused.peer_addr()), Some(ErrorKind::NotConnected));
    assert_eq!(kind(refused.write(b"x")), Some(ErrorKind::BrokenPipe));
}

#[test]
fn a_connect_is_followed_to_its_end() {
    let (listener, address) = listener();
    let stream = connect(address).unwrap();
    assert_eq!(stream.peer_addr().unwrap(), address);
    let (_, from) = listener.accept().unwrap();
    assert_eq!(from, stream.local_addr().unwrap());
}

#[test]
fn a_connect_that_is_refused_ends_with_the_reason() {
    let (nobody, _keep) = peers::refusing().unwrap();
    assert_eq!(kind(connect(nobody)), Some(ErrorKind::ConnectionRefused));
}

#[test]
fn no_call_on_a_connection_waits() {
    let (listener, address) = listener();
    let mut connected = connect(address).unwrap();
    assert_eq!(kind(connected.read(&mut [0])), Some(ErrorKind::WouldBlock));
    let (mut accepted, _) = listener.accept().unwrap();
    assert_eq!(kind(accepted.read(&mut [0])), Some(ErrorKind::WouldBlock));
    assert_eq!(kind(listener.accept()), Some(ErrorKind::WouldBlock));
}

#[test]
fn in_progress_there_is_no_event_and_no_error_until_there_is_room() {
    let (listener, _first) = peers::full().unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut watched = Watched::new(&mut stream);
    assert!(watched.event(NOW).is_none());
    assert!(!is_made(&stream).unwrap());

    // The SYN is sent again after a second, when there is room.
    listener.accept().unwrap();
    let event = watched.event(FOREVER).unwrap();
    assert!(event.is_writable() && is_made(&stream).unwrap(), "{event:?}");
}

#[test]
fn a_connect_in_progress_holds_up_no_other() {
    let (full, _first) = peers::full().unwrap();
    let mut stuck = TcpStream::connect(full.local_addr().unwrap()).unwrap();
    let mut watched = Watched::new(&mut stuck);
    let others: Vec<_> = (0..5).map(|_| listener()).collect();
    for (_, address) in &others {
        assert_eq!(connect(*address).unwrap().peer_addr().unwrap(), *address);
    }
    assert!(watched.event(NOW).is_none());
}

#[test]
fn who_knows_would_block_need_not_ask_whether_it_is_made() {
    let (full, _first) = peers::full().unwrap();
    let mut stream = TcpStream::connect(full.local_addr().unwrap()).unwrap();
    assert_eq!(kind(stream.write(b"x")), Some(ErrorKind::WouldBlock));
    assert_eq!(kind(stream.read(&mut [0])), Some(ErrorKind::WouldBlock));

    let (nobody, _keep) = peers::refusing().unwrap();
    let mut stream = TcpStream::connect(nobody).unwrap();
    Watched::new(&mut stream).event(FOREVER).unwrap();
    assert_eq!(kind(stream.write(b"x")), Some(ErrorKind::ConnectionRefused));
    assert!(stream.take_error().unwrap().is_none(), "the write has taken it");
}

#[test]
fn a_socket_that_is_registered_before_it_connects_is_writable_too_early() {
    let mut stream = peers::idle().unwrap();
    let mut watched = Watched::new(&mut stream);
    let early = watched.event(NOW).unwrap();
    assert!(early.is_writable(), "{early:?}");
    assert!(!is_made(&stream).unwrap(), "a report that came too early is taken for a connection");

    let (_listener, address) = listener();
    let begun = peers::begin(&stream, v4(address));
    assert_eq!(begun.unwrap_err().raw_os_error(), Some(libc::EINPROGRESS));
    assert!(watched.event(FOREVER).unwrap().is_writable());
    assert!(is_made(&stream).unwrap());
}

#[test]
fn with_fast_open_writable_comes_before_the_connection() {
    let (mut listener, address) = listener();
    let mut stream = peers::idle().unwrap();
    if let Err(error) = peers::fast_open(&stream) {
        println!("skipped: fast open is not to be had: {error}");
        return;
    }
    peers::begin(&stream, v4(address)).unwrap();
    let mut watched = Watched::new(&mut stream);
    let event = watched.event(NOW).unwrap();
    assert!(event.is_writable() && !is_made(&stream).unwrap(), "{event:?}");
    assert_eq!(kind(listener.accept()), Some(ErrorKind::WouldBlock), "nobody has knocked");

    stream.write_all(b"hello").unwrap();
    Watched::new(&mut listener).event(FOREVER).unwrap();
    let _accepted = listener.accept().unwrap();
    while !is_made(&stream).unwrap() {
        watched.event(FOREVER);
    }
}

#[test]
fn a_connect_that_cannot_begin_fails_at_once() {
    let everybody = SocketAddrV4::new(Ipv4Addr::BROADCAST, 1);
    assert_eq!(kind(TcpStream::connect(everybody.into())), Some(ErrorKind::NetworkUnreachable));
}

/// An abstract name that nobody else has.
fn name(of: &str) -> UnixAddr {
    UnixAddr::from_abstract_name(format!("my-mio-{of}-{}", std::process::id())).unwrap()
}

#[test]
fn a_unix_connection_is_made_when_connect_returns() {
    let address = name("made");
    let listener = UnixListener::bind_addr(&address).unwrap();
    let mut client = UnixStream::connect_addr(&address).unwrap();
    assert_eq!(client.peer_addr().unwrap().as_abstract_name(), address.as_abstract_name());
    client.write_all(b"hello").unwrap();
    let (mut server, _) = listener.accept().unwrap();
    assert_eq!(server.read(&mut [0; 8]).unwrap(), 5);
}

#[test]
fn a_unix_listener_without_room_says_would_block_and_no_event_follows() {
    let address = name("full");
    let listener = UnixListener::bind_addr(&address).unwrap();
    peers::shrink(&listener).unwrap();
    let _first = UnixStream::connect_addr(&address).unwrap();
    let second = UnixStream::connect_addr(&address);
    assert_eq!(kind(second), Some(ErrorKind::WouldBlock), "a connect that nothing will end");

    // By hand, on a socket that outlives the refusal.
    let mut socket = unix_socket();
    let mut watched = Watched::new(&mut socket);
    assert_eq!(begin_unix(&socket, &address).raw_os_error(), Some(libc::EAGAIN));
    assert!(watched.event(NOW).unwrap().is_writable(), "what any idle socket says");
    listener.accept().unwrap();
    assert!(watched.event(NOW).is_none(), "there is room now, and nobody says so");
}

fn unix_socket() -> UnixStream {
    use std::os::fd::FromRawFd;
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: socket takes no pointer, and nobody else owns what it returns.
    unsafe { UnixStream::from_raw_fd(libc::socket(libc::AF_UNIX, kind, 0)) }
}

/// The error of connect(2) to an abstract name.
fn begin_unix(socket: &UnixStream, address: &UnixAddr) -> io::Error {
    let name = address.as_abstract_name().unwrap();
    let sun_path = std::array::from_fn(|at| match at {
        0 => 0,
        at => name.get(at - 1).copied().unwrap_or(0) as libc::c_char,
    });
    let raw = libc::sockaddr_un { sun_family: libc::AF_UNIX as libc::sa_family_t, sun_path };
    let len = std::mem::offset_of!(libc::sockaddr_un, sun_path) + 1 + name.len();
    let raw: *const libc::sockaddr = (&raw const raw).cast();
    // SAFETY: the address is at least as long as `len` says, and lives through the call.
    let result = unsafe { libc::connect(socket.as_raw_fd(), raw, len as libc::socklen_t) };
    assert_eq!(result, -1);
    io::Error::last_os_error()
}

#[test]
fn of_an_abstract_name_every_byte_counts() {
    let address = name("bytes");
    // Std binds it, and this crate connects to it.
    let _listener = UnixListener::bind_addr(&address).unwrap();
    UnixStream::connect_addr(&address).expect("the name is the same");
}

#[test]
fn a_path_is_connected_to_by_its_bytes() {
    let dir = std::env::temp_dir().join(format!("my-mio-connecting-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("socket");
    let _listener = UnixListener::bind(&path).unwrap();
    let connected = UnixStream::connect(&path).and_then(|stream| stream.peer_addr());
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(connected.unwrap().as_pathname(), Some(path.as_path()));
}

#[test]
fn both_families_of_ip_are_connected_to_and_accepted_from() {
    for any in ["127.0.0.1:0", "[::1]:0"] {
        let listener = match TcpListener::bind(any.parse().unwrap()) {
            Ok(listener) => listener,
            Err(error) => {
                println!("skipped: {any}: {error}");
                continue;
            }
        };
        let stream = connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, from) = listener.accept().unwrap();
        assert_eq!(from, stream.local_addr().unwrap());
        assert_eq!(accepted.peer_addr().unwrap(), from);
    }
}

#[test]
fn an_error_alone_says_write_closed_of_a_socket_that_still_sends() {
    let (peer, nobody) = (UdpSocket::bind(peers::any()).unwrap(), UdpSocket::bind(peers::any()));
    let mut ours = UdpSocket::bind(peers::any()).unwrap();
    // Refused by ICMP: the port was somebody's, and is nobody's now.
    let gone = nobody.unwrap().local_addr().unwrap();
    ours.connect(gone).unwrap();
    let mut watched = Watched::asking(Interest::READABLE, &mut ours);
    ours.send(b"x").unwrap();
    let event = watched.event(FOREVER).unwrap();
    assert!(event.is_error() && event.is_write_closed(), "{event:?}");

    ours.connect(peer.local_addr().unwrap()).unwrap();
    assert_eq!(kind(ours.send(b"hello")), Some(ErrorKind::ConnectionRefused), "the old error");
    assert_eq!(ours.send(b"hello").unwrap(), 5);
    let mut peer = peer;
    Watched::new(&mut peer).event(FOREVER).unwrap();
    assert_eq!(peer.recv(&mut [0; 8]).unwrap(), 5, "what is closed for writing has been heard");
}

#[test]
fn connecting_udp_sends_nothing_and_decides_who_is_heard() {
    let any = peers::any();
    let (mut ours, theirs) = (UdpSocket::bind(any).unwrap(), UdpSocket::bind(any).unwrap());
    let stranger = UdpSocket::bind(any).unwrap();
    ours.connect(theirs.local_addr().unwrap()).unwrap();
    assert_eq!(kind(theirs.recv(&mut [0; 8])), Some(ErrorKind::WouldBlock));

    stranger.send_to(b"stranger", ours.local_addr().unwrap()).unwrap();
    theirs.send_to(b"peer", ours.local_addr().unwrap()).unwrap();
    Watched::new(&mut ours).event(FOREVER).unwrap();
    let mut buffer = [0; 16];
    let received = ours.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..received], b"peer");
}

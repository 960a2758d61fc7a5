//! Who owns which descriptor, and with which flags.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::net::SocketAddr as UnixAddr;
use std::process::{Command, Stdio};

use mio::Waker;
use mio::net::{UdpSocket, UnixDatagram, UnixListener, UnixStream};
use mio::unix::pipe::{self, Receiver, Sender};
use mio_contract::kernel::{
    self, closes_on_exec, descriptors, is_nonblocking, opened_by, set_nonblocking,
};

use super::*;

/// Makes something, of so many descriptors, all of them closed by execve(2) and non-blocking.
#[track_caller]
fn made<T>(many: usize, make: impl FnOnce() -> io::Result<T>) -> T {
    let (made, opened) = opened_by(|| make().unwrap());
    assert_eq!(opened.len(), many, "{opened:?}");
    for (fd, what) in &opened {
        assert!(closes_on_exec(fd), "{what} stays open in other programs");
        // Nobody reads from an epoll instance.
        assert!(is_nonblocking(fd) || what.contains("[eventpoll]"), "{what} waits");
    }
    made
}

#[test]
fn polls_registries_and_wakers_close_on_exec() {
    alone(|| {
        let poll = made(1, Poll::new);
        let registry = made(1, || poll.registry().try_clone());
        let _clone_of_clone = made(1, || registry.try_clone());
        let _waker = made(1, || Waker::new(&registry, Token(1)));
    });
}

#[test]
fn tcp_sockets_close_on_exec_and_do_not_wait() {
    alone(|| {
        for address in any_addresses() {
            let listener = made(1, || TcpListener::bind(address));
            let address = listener.local_addr().unwrap();
            let _client = made(1, || TcpStream::connect(address));
            let _server = made(1, || Ok(eventually(|| listener.accept())));
        }
    });
}

#[test]
fn udp_sockets_close_on_exec_and_do_not_wait() {
    alone(|| {
        for address in any_addresses() {
            made(1, || UdpSocket::bind(address));
        }
    });
}

#[test]
fn unix_streams_close_on_exec_and_do_not_wait() {
    alone(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("listener");
        let listener = made(1, || UnixListener::bind(&path));
        let _client = made(1, || UnixStream::connect(&path));
        let _server = made(1, || listener.accept());
        let address = UnixAddr::from_pathname(dir.path().join("other")).unwrap();
        let listener = made(1, || UnixListener::bind_addr(&address));
        let _client = made(1, || UnixStream::connect_addr(&address));
        let _server = made(1, || listener.accept());
        let _pair = made(2, UnixStream::pair);
    });
}

#[test]
fn unix_datagrams_close_on_exec_and_do_not_wait() {
    alone(|| {
        let dir = tempfile::tempdir().unwrap();
        let _bound = made(1, || UnixDatagram::bind(dir.path().join("one")));
        let address = UnixAddr::from_pathname(dir.path().join("other")).unwrap();
        let _bound = made(1, || UnixDatagram::bind_addr(&address));
        let _unbound = made(1, UnixDatagram::unbound);
        let _pair = made(2, UnixDatagram::pair);
    });
}

#[test]
fn pipes_close_on_exec_and_do_not_wait() {
    alone(|| {
        let _pipe = made(2, pipe::new);
    });
}

#[test]
fn what_is_dropped_is_closed() {
    alone(|| {
        let before = descriptors();
        {
            let dir = tempfile::tempdir().unwrap();
            let poll = Poll::new().unwrap();
            let registry = poll.registry().try_clone().unwrap();
            let _waker = Waker::new(&registry, Token(1)).unwrap();
            let (mut listener, _client, _server) = connection(any_v4());
            registry.register(&mut listener, Token(2), READABLE).unwrap();
            let _udp = UdpSocket::bind(any_v4()).unwrap();
            let path = dir.path().join("listener");
            let listener = UnixListener::bind(&path).unwrap();
            let _client = UnixStream::connect(&path).unwrap();
            let _server = listener.accept().unwrap();
            let _datagram = UnixDatagram::bind(dir.path().join("datagram")).unwrap();
            let _unbound = UnixDatagram::unbound().unwrap();
            let _pairs = (UnixStream::pair().unwrap(), UnixDatagram::pair().unwrap());
            let _pipe = pipe::new().unwrap();
        }
        assert_eq!(descriptors(), before);
    });
}

#[test]
fn what_failed_leaves_nothing_open() {
    alone(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("taken");
        let listener = UnixListener::bind(&path).unwrap();
        let tcp = TcpListener::bind(any_v4()).unwrap();
        let taken = tcp.local_addr().unwrap();
        let udp = UdpSocket::bind(any_v4()).unwrap();
        let taken_udp = udp.local_addr().unwrap();
        let before = descriptors();
        assert!(UnixListener::bind(&path).is_err());
        assert!(UnixDatagram::bind(&path).is_err());
        assert!(UnixStream::connect(dir.path().join("missing")).is_err());
        assert!(TcpListener::bind(taken).is_err());
        assert!(UdpSocket::bind(taken_udp).is_err());
        assert!(TcpStream::connect(([255, 255, 255, 255], 9).into()).is_err());
        would_block(listener.accept());
        would_block(tcp.accept());
        assert_eq!(descriptors(), before);
    });
}

/// All ways to a descriptor and back keep its number and its flags.
fn keeps_its_number<T>(handle: T)
where
    T: AsFd + AsRawFd + IntoRawFd + FromRawFd + From<OwnedFd> + Into<OwnedFd>,
{
    let number = handle.as_raw_fd();
    let handle = keeps_its_mode(handle, true);
    set_nonblocking(&handle, false);
    let handle = keeps_its_mode(handle, false);
    drop(handle);
    assert!(!descriptors().contains_key(&number), "it is still open");
}

fn keeps_its_mode<T>(handle: T, nonblocking: bool) -> T
where
    T: AsFd + AsRawFd + IntoRawFd + FromRawFd + From<OwnedFd> + Into<OwnedFd>,
{
    let before = descriptors();
    let number = handle.as_raw_fd();
    assert_eq!(handle.as_fd().as_raw_fd(), number);
    assert_eq!(is_nonblocking(&handle), nonblocking);
    let raw: RawFd = handle.into_raw_fd();
    assert_eq!(raw, number);
    // SAFETY: `into_raw_fd` has just given it up.
    let handle = unsafe { T::from_raw_fd(raw) };
    assert_eq!(handle.as_raw_fd(), number);
    assert_eq!(is_nonblocking(&handle), nonblocking);
    let owned: OwnedFd = handle.into();
    assert_eq!(owned.as_raw_fd(), number);
    let handle = T::from(owned);
    assert_eq!(handle.as_raw_fd(), number);
    assert!(is_nonblocking(&handle) == nonblocking && closes_on_exec(&handle));
    assert_eq!(descriptors(), before);
    handle
}

#[test]
fn zero_is_a_descriptor() {
    alone(|| {
        kernel::close_stdin();
        let poll = Poll::new().unwrap();
        assert_eq!(poll.as_raw_fd(), 0);
        drop(poll);
        let mut watch = Watch::new();
        drop(watch.poll);
        let (mut sender, mut receiver) = pipe::new().unwrap();
        assert_eq!(receiver.as_raw_fd().min(sender.as_raw_fd()), 0);
        watch.poll = Poll::new().unwrap();
        watch.register(&mut receiver, 1, READABLE);
        watch.register(&mut sender, 2, WRITABLE);
        assert_eq!(watch.one().token(), Token(2));
        io::Write::write_all(&mut sender, b"x").unwrap();
        assert_eq!(watch.one().token(), Token(1));
        watch.deregister(&mut receiver);
        watch.deregister(&mut sender);
    });
}

#[test]
fn without_a_free_descriptor_nothing_can_be_made() {
    alone(|| {
        #[track_caller]
        fn too_many<T>(result: io::Result<T>) {
            let Err(error) = result else { panic!("it was made") };
            assert_eq!(error.raw_os_error(), Some(libc::EMFILE), "{error}");
        }
        let dir = tempfile::tempdir().unwrap();
        let (path, free) = (dir.path().join("listener"), dir.path().join("free"));
        let unix = UnixListener::bind(&path).unwrap();
        let _unix_client = UnixStream::connect(&path).unwrap();
        let tcp = TcpListener::bind(any_v4()).unwrap();
        let address = tcp.local_addr().unwrap();
        let tcp_client = TcpStream::connect(address).unwrap();
        eventually_connected(&tcp_client);
        let poll = Poll::new().unwrap();
        let address_of_path = UnixAddr::from_pathname(&path).unwrap();
        kernel::without_free_descriptors(|| {
            too_many(Poll::new());
            too_many(poll.registry().try_clone());
            too_many(Waker::new(poll.registry(), Token(1)));
            too_many(TcpListener::bind(any_v4()));
            too_many(TcpStream::connect(address));
            too_many(tcp.accept());
            too_many(UdpSocket::bind(any_v4()));
            too_many(UnixListener::bind(&free));
            too_many(UnixStream::connect(&path));
            too_many(UnixStream::connect_addr(&address_of_path));
            too_many(unix.accept());
            too_many(UnixStream::pair());
            too_many(UnixDatagram::bind(&free));
            too_many(UnixDatagram::unbound());
            too_many(UnixDatagram::pair());
            too_many(pipe::new());
        });
        // Who was not accepted still waits.
        eventually(|| tcp.accept());
        unix.accept().unwrap();
    });
}

#[test]
fn handles_keep_their_descriptors_number() {
    alone(|| {
        let dir = tempfile::tempdir().unwrap();
        keeps_its_number(TcpListener::bind(any_v4()).unwrap());
        keeps_its_number(connection(any_v4()).1);
        keeps_its_number(UdpSocket::bind(any_v4()).unwrap());
        keeps_its_number(UnixListener::bind(dir.path().join("listener")).unwrap());
        keeps_its_number(UnixStream::pair().unwrap().0);
        keeps_its_number(UnixDatagram::unbound().unwrap());
        let (sender, receiver) = pipe::new().unwrap();
        keeps_its_number(sender);
        keeps_its_number(receiver);
    });
}

/// From std and back it stays the same descriptor, and waits if it did.
fn comes_from_std<S, T>(std: S, set_nonblocking: fn(&S, bool) -> io::Result<()>, take: fn(S) -> T)
where
    S: AsRawFd,
    T: AsRawFd + Into<S>,
{
    let number = std.as_raw_fd();
    let before = descriptors();
    let handle = take(std);
    assert_eq!(handle.as_raw_fd(), number);
    assert!(!is_nonblocking(&handle), "it does not wait any more");
    let std: S = handle.into();
    assert!(std.as_raw_fd() == number && !is_nonblocking(&std));
    set_nonblocking(&std, true).unwrap();
    let handle = take(std);
    assert!(handle.as_raw_fd() == number && is_nonblocking(&handle));
    let std: S = handle.into();
    assert!(std.as_raw_fd() == number && is_nonblocking(&std));
    assert_eq!(descriptors(), before);
}

#[test]
fn sockets_from_std_and_to_std_stay_as_they_are() {
    alone(|| {
        use std::net;
        use std::os::unix::net as unix;
        let dir = tempfile::tempdir().unwrap();
        let listener = net::TcpListener::bind(any_v4()).unwrap();
        let stream = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        comes_from_std(stream, net::TcpStream::set_nonblocking, TcpStream::from_std);
        comes_from_std(listener, net::TcpListener::set_nonblocking, TcpListener::from_std);
        let socket = net::UdpSocket::bind(any_v4()).unwrap();
        comes_from_std(socket, net::UdpSocket::set_nonblocking, UdpSocket::from_std);
        let stream = unix::UnixStream::pair().unwrap().0;
        comes_from_std(stream, unix::UnixStream::set_nonblocking, UnixStream::from_std);
        let listener = unix::UnixListener::bind(dir.path().join("listener")).unwrap();
        comes_from_std(listener, unix::UnixListener::set_nonblocking, UnixListener::from_std);
        let socket = unix::UnixDatagram::unbound().unwrap();
        comes_from_std(socket, unix::UnixDatagram::set_nonblocking, UnixDatagram::from_std);
    });
}

#[test]
fn pipes_of_a_child_keep_their_numbers_and_wait() {
    alone(|| {
        let piped = Stdio::piped;
        let mut cat = Command::new("cat");
        let mut cat = cat.stdin(piped()).stdout(piped()).stderr(piped()).spawn().unwrap();
        let stdin = cat.stdin.take().unwrap();
        let stdout = cat.stdout.take().unwrap();
        let stderr = cat.stderr.take().unwrap();
        let numbers = [stdin.as_raw_fd(), stdout.as_raw_fd(), stderr.as_raw_fd()];
        let stdin = Sender::from(stdin);
        let (mut stdout, stderr) = (Receiver::from(stdout), Receiver::from(stderr));
        assert_eq!([stdin.as_raw_fd(), stdout.as_raw_fd(), stderr.as_raw_fd()], numbers);
        for fd in &numbers {
            assert!(!is_nonblocking(fd) && closes_on_exec(fd));
        }
        stdout.set_nonblocking(true).unwrap();
        assert!(is_nonblocking(&stdout) && !is_nonblocking(&stderr));

        let mut watch = Watch::new();
        watch.register(&mut stdout, 1, READABLE);
        watch.nothing();
        io::Write::write_all(&mut &stdin, b"meow").unwrap();
        watch.until("readable", Event::is_readable);
        let mut heard = [0; 8];
        assert_eq!(io::Read::read(&mut stdout, &mut heard).unwrap(), 4);
        assert_eq!(&heard[..4], b"meow");
        drop(stdin);
        watch.until("read closed", Event::is_read_closed);
        assert_eq!(io::Read::read(&mut stdout, &mut heard).unwrap(), 0);
        assert!(cat.wait().unwrap().success());
    });
}

#[test]
fn a_child_sees_none_of_our_descriptors() {
    alone(|| {
        let poll = Poll::new().unwrap();
        let _clone = poll.registry().try_clone().unwrap();
        let _waker = Waker::new(poll.registry(), Token(1)).unwrap();
        let _connection = connection(any_v4());
        let _pipe = pipe::new().unwrap();
        let _pair = (UnixStream::pair().unwrap(), UnixDatagram::pair().unwrap());
        let _udp = UdpSocket::bind(any_v4()).unwrap();
        let mut ls = Command::new("ls");
        let listed = ls.args(["-l", "/proc/self/fd"]).stdin(Stdio::null()).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        assert!(listed.contains(" 0 -> "), "{listed}");
        assert!(!listed.contains("anon_inode") && !listed.contains("socket:"), "{listed}");
    });
}

#[test]
fn a_number_is_taken_with_its_flags() {
    fn inherited<T: FromRawFd + AsRawFd + From<OwnedFd> + Into<OwnedFd>>(fd: OwnedFd) {
        let raw: RawFd = fd.as_raw_fd();
        // SAFETY: dup takes no pointer, and nobody else owns what it returns.
        let handle = unsafe { T::from_raw_fd(libc::dup(raw)) };
        assert!(!kernel::closes_on_exec(&handle));
        let owned: OwnedFd = handle.into();
        assert!(!kernel::closes_on_exec(&owned));
        assert!(!kernel::closes_on_exec(&T::from(owned)));
    }
    alone(|| {
        let stream = || kernel::socket(libc::AF_INET, libc::SOCK_STREAM);
        inherited::<TcpStream>(stream());
        inherited::<TcpListener>(stream());
        inherited::<UdpSocket>(kernel::socket(libc::AF_INET, libc::SOCK_DGRAM));
        let stream = || kernel::socket(libc::AF_UNIX, libc::SOCK_STREAM);
        inherited::<UnixStream>(stream());
        inherited::<UnixListener>(stream());
        inherited::<UnixDatagram>(kernel::socket(libc::AF_UNIX, libc::SOCK_DGRAM));
        let (sender, receiver) = pipe::new().unwrap();
        inherited::<pipe::Sender>(sender.into());
        inherited::<pipe::Receiver>(receiver.into());
    });
}

//! Every public item, with its exact type: what is missing or has another signature does not compile.

#![allow(clippy::type_complexity)] // The types are what is tested.

use std::fmt::Debug;
use std::hash::Hash;
use std::io::{self, Read, Write};
use std::net::{self as std_net, Ipv4Addr, Ipv6Addr, Shutdown};
use std::ops::{BitOr, BitOrAssign};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::net as std_unix;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, ChildStdin, ChildStdout};

use mio::event::Iter;
use mio::net::{UdpSocket, UnixDatagram, UnixListener, UnixStream};
use mio::unix::SourceFd;
use mio::unix::pipe::{self, Receiver, Sender};
use mio::{Registry, Waker};

use super::*;

type Result<T> = io::Result<T>;
type Unix = std_unix::SocketAddr;

#[test]
fn a_poll_has_these_methods() {
    let _: fn() -> Result<Poll> = Poll::new;
    let _: for<'a> fn(&'a Poll) -> &'a Registry = Poll::registry;
    let _: fn(&mut Poll, &mut Events, Option<Duration>) -> Result<()> = Poll::poll;
    type Register<S> = fn(&Registry, &mut S, Token, Interest) -> Result<()>;
    let _: Register<TcpStream> = Registry::register;
    let _: Register<TcpStream> = Registry::reregister;
    let _: Register<dyn Source> = Registry::register;
    let _: Register<dyn Source> = Registry::reregister;
    let _: fn(&Registry, &mut TcpStream) -> Result<()> = Registry::deregister;
    let _: fn(&Registry, &mut (dyn Source + 'static)) -> Result<()> = Registry::deregister;
    let _: fn(&Registry) -> Result<Registry> = Registry::try_clone;
    let _: fn(&Registry, Token) -> Result<Waker> = Waker::new;
    let _: fn(&Waker) -> Result<()> = Waker::wake;
}

#[test]
fn events_have_these_methods() {
    let _: fn(usize) -> mio::event::Events = Events::with_capacity;
    let _: fn(&Events) -> usize = Events::capacity;
    let _: fn(&Events) -> bool = Events::is_empty;
    let _: for<'a> fn(&'a Events) -> Iter<'a> = Events::iter;
    let _: fn(&mut Events) = Events::clear;
    fn of_all<'a>(_: &'a Events) {
        let _: fn(&'a Events) -> Iter<'a> = IntoIterator::into_iter;
        let _: fn(&mut Iter<'a>) -> Option<&'a Event> = Iterator::next;
    }
    of_all(&Events::with_capacity(0));
    let _: fn(&Event) -> Token = Event::token;
    let _: [fn(&Event) -> bool; 8] = [
        Event::is_readable,
        Event::is_writable,
        Event::is_error,
        Event::is_read_closed,
        Event::is_write_closed,
        Event::is_priority,
        Event::is_aio,
        Event::is_lio,
    ];
}

#[test]
fn interests_and_tokens_have_these_methods() {
    const _: [Interest; 3] = [Interest::READABLE, Interest::WRITABLE, Interest::PRIORITY];
    const _: Interest = Interest::READABLE.add(Interest::WRITABLE);
    const _: [bool; 5] = [
        READABLE.is_readable(),
        READABLE.is_writable(),
        READABLE.is_priority(),
        READABLE.is_aio(),
        READABLE.is_lio(),
    ];
    let _: fn(Interest, Interest) -> Interest = Interest::add;
    let _: fn(Interest, Interest) -> Option<Interest> = Interest::remove;
    let _: fn(usize) -> Token = Token;
    let Token(_) = Token(0);
    let _: fn(Token) -> usize = usize::from;
    fn set<T: Copy + Eq + Ord + Debug + BitOr<Output = T> + BitOrAssign>() {}
    set::<Interest>();
    fn name<T: Copy + Eq + Ord + Hash + Debug>() {}
    name::<Token>();
}

#[test]
fn a_tcp_stream_has_these_methods() {
    let _: fn(SocketAddr) -> Result<TcpStream> = TcpStream::connect;
    let _: fn(std_net::TcpStream) -> TcpStream = TcpStream::from_std;
    let _: [fn(&TcpStream) -> Result<SocketAddr>; 2] =
        [TcpStream::peer_addr, TcpStream::local_addr];
    let _: fn(&TcpStream, Shutdown) -> Result<()> = TcpStream::shutdown;
    let _: fn(&TcpStream, bool) -> Result<()> = TcpStream::set_nodelay;
    let _: fn(&TcpStream) -> Result<bool> = TcpStream::nodelay;
    let _: fn(&TcpStream, u32) -> Result<()> = TcpStream::set_ttl;
    let _: fn(&TcpStream) -> Result<u32> = TcpStream::ttl;
    let _: fn(&TcpStream) -> Result<Option<io::Error>> = TcpStream::take_error;
    let _: fn(&TcpStream, &mut [u8]) -> Result<usize> = TcpStream::peek;
    let _: fn(&TcpStream, fn() -> Result<u8>) -> Result<u8> = TcpStream::try_io;
}

#[test]
fn a_tcp_listener_has_these_methods() {
    let _: fn(SocketAddr) -> Result<TcpListener> = TcpListener::bind;
    let _: fn(std_net::TcpListener) -> TcpListener = TcpListener::from_std;
    let _: fn(&TcpListener) -> Result<(TcpStream, SocketAddr)> = TcpListener::accept;
    let _: fn(&TcpListener) -> Result<SocketAddr> = TcpListener::local_addr;
    let _: fn(&TcpListener, u32) -> Result<()> = TcpListener::set_ttl;
    let _: fn(&TcpListener) -> Result<u32> = TcpListener::ttl;
    let _: fn(&TcpListener) -> Result<Option<io::Error>> = TcpListener::take_error;
}

#[test]
fn a_udp_socket_has_these_methods() {
    let _: fn(SocketAddr) -> Result<UdpSocket> = UdpSocket::bind;
    let _: fn(std_net::UdpSocket) -> UdpSocket = UdpSocket::from_std;
    let _: [fn(&UdpSocket) -> Result<SocketAddr>; 2] =
        [UdpSocket::peer_addr, UdpSocket::local_addr];
    let _: fn(&UdpSocket, &[u8], SocketAddr) -> Result<usize> = UdpSocket::send_to;
    let _: [fn(&UdpSocket, &mut [u8]) -> Result<(usize, SocketAddr)>; 2] =
        [UdpSocket::recv_from, UdpSocket::peek_from];
    let _: fn(&UdpSocket, &[u8]) -> Result<usize> = UdpSocket::send;
    let _: [fn(&UdpSocket, &mut [u8]) -> Result<usize>; 2] = [UdpSocket::recv, UdpSocket::peek];
    let _: fn(&UdpSocket, SocketAddr) -> Result<()> = UdpSocket::connect;
    let _: [fn(&UdpSocket, bool) -> Result<()>; 3] = [
        UdpSocket::set_broadcast,
        UdpSocket::set_multicast_loop_v4,
        UdpSocket::set_multicast_loop_v6,
    ];
    let _: [fn(&UdpSocket) -> Result<bool>; 4] = [
        UdpSocket::broadcast,
        UdpSocket::multicast_loop_v4,
        UdpSocket::multicast_loop_v6,
        UdpSocket::only_v6,
    ];
    let _: [fn(&UdpSocket, u32) -> Result<()>; 2] =
        [UdpSocket::set_ttl, UdpSocket::set_multicast_ttl_v4];
    let _: [fn(&UdpSocket) -> Result<u32>; 2] = [UdpSocket::ttl, UdpSocket::multicast_ttl_v4];
    let _: [fn(&UdpSocket, &Ipv4Addr, &Ipv4Addr) -> Result<()>; 2] =
        [UdpSocket::join_multicast_v4, UdpSocket::leave_multicast_v4];
    let _: [fn(&UdpSocket, &Ipv6Addr, u32) -> Result<()>; 2] =
        [UdpSocket::join_multicast_v6, UdpSocket::leave_multicast_v6];
    let _: fn(&UdpSocket) -> Result<Option<io::Error>> = UdpSocket::take_error;
    let _: fn(&UdpSocket, fn() -> Result<u8>) -> Result<u8> = UdpSocket::try_io;
}

#[test]
fn a_unix_stream_has_these_methods() {
    let _: fn(&'static Path) -> Result<UnixStream> = UnixStream::connect;
    let _: fn(&'static str) -> Result<UnixStream> = UnixStream::connect;
    let _: fn(&Unix) -> Result<UnixStream> = UnixStream::connect_addr;
    let _: fn(std_unix::UnixStream) -> UnixStream = UnixStream::from_std;
    let _: fn() -> Result<(UnixStream, UnixStream)> = UnixStream::pair;
    let _: [fn(&UnixStream) -> Result<Unix>; 2] = [UnixStream::local_addr, UnixStream::peer_addr];
    let _: fn(&UnixStream) -> Result<Option<io::Error>> = UnixStream::take_error;
    let _: fn(&UnixStream, Shutdown) -> Result<()> = UnixStream::shutdown;
    let _: fn(&UnixStream, fn() -> Result<u8>) -> Result<u8> = UnixStream::try_io;
}

#[test]
fn a_unix_listener_has_these_methods() {
    let _: fn(PathBuf) -> Result<UnixListener> = UnixListener::bind;
    let _: fn(&Unix) -> Result<UnixListener> = UnixListener::bind_addr;
    let _: fn(std_unix::UnixListener) -> UnixListener = UnixListener::from_std;
    let _: fn(&UnixListener) -> Result<(UnixStream, Unix)> = UnixListener::accept;
    let _: fn(&UnixListener) -> Result<Unix> = UnixListener::local_addr;
    let _: fn(&UnixListener) -> Result<Option<io::Error>> = UnixListener::take_error;
}

#[test]
fn a_unix_datagram_has_these_methods() {
    let _: fn(String) -> Result<UnixDatagram> = UnixDatagram::bind;
    let _: fn(&Unix) -> Result<UnixDatagram> = UnixDatagram::bind_addr;
    let _: fn(std_unix::UnixDatagram) -> UnixDatagram = UnixDatagram::from_std;
    let _: fn(&UnixDatagram, PathBuf) -> Result<()> = UnixDatagram::connect;
    let _: fn() -> Result<UnixDatagram> = UnixDatagram::unbound;
    let _: fn() -> Result<(UnixDatagram, UnixDatagram)> = UnixDatagram::pair;
    let _: [fn(&UnixDatagram) -> Result<Unix>; 2] =
        [UnixDatagram::local_addr, UnixDatagram::peer_addr];
    let _: fn(&UnixDatagram, &mut [u8]) -> Result<(usize, Unix)> = UnixDatagram::recv_from;
    let _: fn(&UnixDatagram, &mut [u8]) -> Result<usize> = UnixDatagram::recv;
    let _: fn(&UnixDatagram, &[u8], PathBuf) -> Result<usize> = UnixDatagram::send_to;
    let _: fn(&UnixDatagram, &[u8]) -> Result<usize> = UnixDatagram::send;
    let _: fn(&UnixDatagram) -> Result<Option<io::Error>> = UnixDatagram::take_error;
    let _: fn(&UnixDatagram, Shutdown) -> Result<()> = UnixDatagram::shutdown;
    let _: fn(&UnixDatagram, fn() -> Result<u8>) -> Result<u8> = UnixDatagram::try_io;
}

#[test]
fn a_pipe_has_these_methods() {
    let _: fn() -> Result<(Sender, Receiver)> = pipe::new;
    let _: fn(&Sender, bool) -> Result<()> = Sender::set_nonblocking;
    let _: fn(&Receiver, bool) -> Result<()> = Receiver::set_nonblocking;
    let _: fn(&Sender, fn() -> Result<u8>) -> Result<u8> = Sender::try_io;
    let _: fn(&Receiver, fn() -> Result<u8>) -> Result<u8> = Receiver::try_io;
    let _: fn(ChildStdin) -> Sender = Sender::from;
    let _: fn(ChildStdout) -> Receiver = Receiver::from;
    let _: fn(ChildStderr) -> Receiver = Receiver::from;
}

#[test]
fn any_descriptor_is_a_source() {
    fn source<T: Source + Debug>() {}
    source::<SourceFd<'_>>();
    let number: RawFd = 3;
    let SourceFd(same) = SourceFd(&number);
    assert_eq!(same, &3);
}

#[test]
fn sockets_and_pipes_are_sources_that_own_a_descriptor() {
    fn handle<T>()
    where
        T: Source + AsFd + AsRawFd + IntoRawFd + FromRawFd + From<OwnedFd> + Into<OwnedFd> + Debug,
    {
    }
    handle::<TcpListener>();
    handle::<TcpStream>();
    handle::<UdpSocket>();
    handle::<UnixListener>();
    handle::<UnixStream>();
    handle::<UnixDatagram>();
    handle::<Sender>();
    handle::<Receiver>();
    fn source<T: Source + ?Sized>() {}
    source::<Box<TcpStream>>();
    source::<dyn Source>();
    source::<Box<dyn Source>>();
    source::<Box<dyn Source + Send>>();
}

#[test]
fn sockets_become_those_of_std() {
    fn standard<T: Into<S>, S>() {}
    standard::<TcpListener, std_net::TcpListener>();
    standard::<TcpStream, std_net::TcpStream>();
    standard::<UdpSocket, std_net::UdpSocket>();
    standard::<UnixListener, std_unix::UnixListener>();
    standard::<UnixStream, std_unix::UnixStream>();
    standard::<UnixDatagram, std_unix::UnixDatagram>();
}

#[test]
fn streams_and_pipes_are_read_and_written_through_references_too() {
    fn reads<T: Read>() {}
    fn writes<T: Write>() {}
    reads::<TcpStream>();
    reads::<&TcpStream>();
    reads::<UnixStream>();
    reads::<&UnixStream>();
    reads::<Receiver>();
    reads::<&Receiver>();
    writes::<TcpStream>();
    writes::<&TcpStream>();
    writes::<UnixStream>();
    writes::<&UnixStream>();
    writes::<Sender>();
    writes::<&Sender>();
}

#[test]
fn everything_may_go_to_other_threads_and_through_panics() {
    fn free<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + Debug>() {}
    free::<Poll>();
    free::<Registry>();
    free::<Waker>();
    free::<Events>();
    free::<Event>();
    free::<Iter<'static>>();
    free::<Token>();
    free::<Interest>();
    free::<TcpListener>();
    free::<TcpStream>();
    free::<UdpSocket>();
    free::<UnixListener>();
    free::<UnixStream>();
    free::<UnixDatagram>();
    free::<Sender>();
    free::<Receiver>();
    free::<SourceFd<'static>>();
    fn again<T: Clone>() {}
    again::<Event>();
    again::<Iter<'static>>();
    fn descriptor<T: AsRawFd>() {}
    descriptor::<Poll>();
    descriptor::<Registry>();
    fn borrowed<T: AsFd>() {}
    borrowed::<Registry>();
}

/// A source made of another one, written as a user of mio writes it.
struct Wrapped(TcpListener);

impl Source for Wrapped {
    fn register(&mut self, to: &Registry, token: Token, interests: Interest) -> Result<()> {
        self.0.register(to, token, interests)
    }

    fn reregister(&mut self, to: &Registry, token: Token, interests: Interest) -> Result<()> {
        to.reregister(&mut self.0, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> Result<()> {
        registry.deregister(&mut self.0)
    }
}

#[test]
fn a_type_of_ones_own_is_a_source() {
    alone(|| {
        let mut watch = Watch::new();
        let mut wrapped = Wrapped(TcpListener::bind(any_v4()).unwrap());
        watch.register(&mut wrapped, 1, READABLE);
        watch.reregister(&mut wrapped, 2, READABLE);
        let _client = TcpStream::connect(wrapped.0.local_addr().unwrap()).unwrap();
        assert_eq!(watch.until("readable", Event::is_readable).token(), Token(2));
        watch.deregister(&mut wrapped);
    });
}

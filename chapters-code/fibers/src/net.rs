//! Sockets that suspend the fiber where std's would block the thread.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read, Write};
use std::marker::PhantomData;
use std::net::{Shutdown, SocketAddr};
use std::time::{Duration, Instant};

use my_mio::event::Source;
use my_mio::net;

use crate::runtime::{Registered, Wait, belongs, deregister, register, wait};

/// Anything that my-mio watches, as a fiber waits for it: registered as long as it is open. The streams of
/// this crate are made of it.
///
/// # Errors
/// As for [`TcpStream`].
#[derive(Debug)]
pub struct Socket<S: Source> {
    socket: S,
    at: Registered,
    /// Its registration is this thread's.
    stays: PhantomData<*const ()>,
}

impl<S: Source> Socket<S> {
    /// Registers it, for both directions.
    pub fn new(mut socket: S) -> io::Result<Socket<S>> {
        let at = register(&mut socket)?;
        Ok(Socket { socket, at, stays: PhantomData })
    }

    // ANCHOR: block
    /// Calls until that would not block, and lets others run in between: a blocking call. It fails with
    /// [`TimedOut`](ErrorKind::TimedOut) when `patience` is over.
    ///
    /// Nothing that happens to the socket is missed. Only this thread asks the kernel, and it does so
    /// when no fiber runs: so not between a call that would block and the wait.
    pub fn block<T>(
        &self,
        patience: Option<Duration>,
        mut call: impl FnMut(&S) -> io::Result<T>,
    ) -> io::Result<T> {
        // FORK straight-line: make the call, and at once again where a signal interrupted it; while it would block,
        //   suspend until something has happened to the socket, for all waits together no longer than `patience`,
        //   and make it again
        // HINT: Bytes may have come long ago, and the event that told of them is gone. What has to happen before
        //   the first wait? epoll(7), under "Level-triggered and edge-triggered".
        // HINT: A call ends with a value or with an error. After which two kinds of error is it made again, and
        //   after which of them alone does the fiber wait?
        // HINT: The moment at which patience ends is computed once. Then a loop: the call first, and where it
        //   would block `wait`, which fails by itself when that moment is over.
        let deadline = patience.and_then(|patience| Instant::now().checked_add(patience));
        loop {
            match call(&self.socket) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
            self.wait(deadline)?;
        }
    }
    // ANCHOR_END: block

    fn wait(&self, deadline: Option<Instant>) -> io::Result<()> {
        belongs(self.at)?;
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Err(ErrorKind::TimedOut.into());
        }
        wait("a call that would block", Wait { socket: Some(self.at.socket), deadline });
        Ok(())
    }
}

impl<S: Source> Drop for Socket<S> {
    fn drop(&mut self) {
        deregister(&mut self.socket, self.at);
    }
}

/// A TCP connection. Its calls are those of [`std::net::TcpStream`], and suspend the fiber.
///
/// # Errors
/// What the kernel says; and an error of kind [`Other`](ErrorKind::Other) outside of
/// [`run`](crate::run), or in another `run` than the one it was made in.
#[derive(Debug)]
pub struct TcpStream {
    inner: Socket<net::TcpStream>,
    read_timeout: Cell<Option<Duration>>,
    write_timeout: Cell<Option<Duration>>,
}

impl TcpStream {
    /// Connects, and waits for it.
    pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect_within(address, None)
    }

    /// Connects, or fails with [`TimedOut`](ErrorKind::TimedOut).
    pub fn connect_timeout(address: SocketAddr, patience: Duration) -> io::Result<TcpStream> {
        TcpStream::connect_within(address, Some(patience))
    }

    fn connect_within(address: SocketAddr, patience: Option<Duration>) -> io::Result<TcpStream> {
        let stream = TcpStream::of(net::TcpStream::connect(address)?)?;
        let deadline = patience.and_then(|patience| Instant::now().checked_add(patience));
        loop {
            // The other way round than a read: whether it is made can't be tried, only be told.
            stream.inner.wait(deadline)?;
            if let Some(error) = stream.inner.socket.take_error()? {
                return Err(error);
            }
            match stream.inner.socket.peer_addr() {
                Err(error) if error.kind() == ErrorKind::NotConnected => continue,
                made => return made.map(|_| stream),
            }
        }
    }

    fn of(socket: net::TcpStream) -> io::Result<TcpStream> {
        let inner = Socket::new(socket)?;
        Ok(TcpStream { inner, read_timeout: Cell::new(None), write_timeout: Cell::new(None) })
    }

    /// The address of the other end.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.inner.socket.peer_addr()
    }

    /// The address of this end.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.socket.local_addr()
    }

    /// Closes one direction or both: shutdown(2).
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.inner.socket.shutdown(how)
    }

    /// Says whether small segments go out at once: `TCP_NODELAY`, tcp(7).
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.inner.socket.set_nodelay(nodelay)
    }

    /// How long a read waits before it fails with [`TimedOut`](ErrorKind::TimedOut).
    pub fn set_read_timeout(&self, patience: Option<Duration>) {
        self.read_timeout.set(patience);
    }

    /// How long a write waits before it fails with [`TimedOut`](ErrorKind::TimedOut).
    pub fn set_write_timeout(&self, patience: Option<Duration>) {
        self.write_timeout.set(patience);
    }
}

// ANCHOR: read
impl Read for &TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.block(self.read_timeout.get(), |mut socket| socket.read(buffer))
    }
}
// ANCHOR_END: read

impl Write for &TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.block(self.write_timeout.get(), |mut socket| socket.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

impl Write for TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection to another fiber or program of this machine. Its calls suspend the fiber.
///
/// # Errors
/// As for [`TcpStream`].
#[derive(Debug)]
pub struct UnixStream {
    inner: Socket<net::UnixStream>,
}

impl UnixStream {
    /// Two sockets that are connected to each other.
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (one, other) = net::UnixStream::pair()?;
        let of = |socket| io::Result::Ok(UnixStream { inner: Socket::new(socket)? });
        Ok((of(one)?, of(other)?))
    }
}

impl Read for UnixStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.block(None, |mut socket| socket.read(buffer))
    }
}

impl Write for UnixStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.block(None, |mut socket| socket.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A TCP socket that listens. Its `accept` suspends the fiber.
///
/// # Errors
/// As for [`TcpStream`].
#[derive(Debug)]
pub struct TcpListener {
    inner: Socket<net::TcpListener>,
}

impl TcpListener {
    /// Listens on `address`. For port 0 the kernel chooses a free one.
    pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
        Ok(TcpListener { inner: Socket::new(net::TcpListener::bind(address)?)? })
    }

    /// The next connection, and the address of its other end.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (socket, peer) = self.inner.block(None, net::TcpListener::accept)?;
        Ok((TcpStream::of(socket)?, peer))
    }

    /// The address on which it listens.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.socket.local_addr()
    }
}

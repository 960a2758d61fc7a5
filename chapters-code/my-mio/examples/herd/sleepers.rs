//! Eight threads asleep in epoll_wait(2), and which of them one connection wakes.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::time::Duration;
use std::{fs, net, process, thread};

use my_mio::Poll;
use my_mio::net::{UnixListener, UnixStream};

/// How many sleep.
pub const THREADS: usize = 8;

// ANCHOR: woken
/// Lets eight threads fall asleep, each in one of the `polls`, makes a connection that nobody
/// accepts, and says which threads have returned when all is quiet. With one poll all sleep in
/// that. Each poll watches the listener for `flags`.
pub fn woken(polls: &[Poll], flags: i32, kind: Kind) -> io::Result<Vec<usize>> {
    let listener = Listener::new(kind)?;
    let (over, all_over) = UnixStream::pair()?;
    for poll in polls {
        watch(poll, listener.as_raw_fd(), flags)?;
        // Level-triggered: it will end each wait.
        watch(poll, all_over.as_raw_fd(), libc::EPOLLIN)?;
    }
    let sleepers = [const { Sleeper::new() }; THREADS];
    thread::scope(|scope| {
        for (sleeper, poll) in sleepers.iter().zip(polls.iter().cycle()) {
            scope.spawn(|| sleeper.sleep(poll));
        }
        until_quiet(&sleepers);
        let connection = listener.connect();
        until_quiet(&sleepers);
        let woken = (0..THREADS).filter(|&i| sleepers[i].has_returned()).collect();
        drop(over);
        connection.map(|_| woken)
    })
}
// ANCHOR_END: woken

/// Over what the connection is made. When connect(2) returns it has woken the threads that it wakes:
/// of a Unix listener in any case, of one for TCP as far as loopback delivers the segments within the call.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Unix,
    Tcp,
}

/// A listener that no other test has.
pub enum Listener {
    Unix(UnixListener, SocketAddr),
    Tcp(net::TcpListener),
}

impl Listener {
    /// It does not block.
    pub fn new(kind: Kind) -> io::Result<Listener> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("herd-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Ok(match kind {
            Kind::Unix => {
                let address = SocketAddr::from_abstract_name(name)?;
                Listener::Unix(UnixListener::bind_addr(&address)?, address)
            }
            Kind::Tcp => Listener::Tcp(net::TcpListener::bind("127.0.0.1:0")?),
        })
    }

    /// A connection that nobody accepts.
    pub fn connect(&self) -> io::Result<OwnedFd> {
        Ok(match self {
            Listener::Unix(_, address) => UnixStream::connect_addr(address)?.into(),
            Listener::Tcp(listener) => net::TcpStream::connect(listener.local_addr()?)?.into(),
        })
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Listener::Unix(listener, _) => listener.as_raw_fd(),
            Listener::Tcp(listener) => listener.as_raw_fd(),
        }
    }
}

// ANCHOR: watch
/// Registers by hand: `Interest` has no word for `EPOLLEXCLUSIVE`, nor for a level.
pub fn watch(poll: &Poll, fd: RawFd, flags: i32) -> io::Result<()> {
    let mut event = libc::epoll_event { events: flags as u32, u64: fd as u64 };
    let (epoll, add) = (poll.as_raw_fd(), libc::EPOLL_CTL_ADD);
    // SAFETY: the kernel only reads `event`, during the call.
    match unsafe { libc::epoll_ctl(epoll, add, fd, &mut event) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Waits by hand: `Poll::poll` takes `&mut self`, so that no two threads can wait in one. The
/// descriptor of the one event, if any.
pub fn wait(poll: &Poll, timeout: i32) -> io::Result<Option<RawFd>> {
    let mut event = libc::epoll_event { events: 0, u64: 0 };
    // SAFETY: the kernel writes at most the one event that there is room for.
    match unsafe { libc::epoll_wait(poll.as_raw_fd(), &mut event, 1, timeout) } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(None),
        _ => Ok(Some(event.u64 as RawFd)),
    }
}
// ANCHOR_END: watch

/// A thread that waits once.
struct Sleeper {
    /// Its number for the kernel, as soon as it does nothing more than wait.
    tid: AtomicI32,
    returned: AtomicBool,
}

impl Sleeper {
    const fn new() -> Sleeper {
        Sleeper { tid: AtomicI32::new(0), returned: AtomicBool::new(false) }
    }

    fn sleep(&self, poll: &Poll) {
        // SAFETY: gettid takes no pointer.
        self.tid.store(unsafe { libc::gettid() }, Ordering::Release);
        wait(poll, -1).expect("a wait for an epoll that is open");
        self.returned.store(true, Ordering::Release);
    }

    fn has_returned(&self) -> bool {
        self.returned.load(Ordering::Acquire)
    }

    /// Whether the kernel says that it sleeps: in its wait, as it has not returned from that after
    /// we looked.
    fn is_asleep(&self) -> bool {
        let tid = self.tid.load(Ordering::Acquire);
        let status = fs::read_to_string(format!("/proc/self/task/{tid}/status"));
        status.is_ok_and(|status| status.contains("\nState:\tS")) && !self.has_returned()
    }
}

/// Waits until each thread has returned or sleeps. A thread wakes others before it returns. So
/// those that have returned are counted first: a thread that they woke is not seen asleep afterwards.
fn until_quiet(sleepers: &[Sleeper]) {
    let quiet = || {
        let returned: Vec<bool> = sleepers.iter().map(Sleeper::has_returned).collect();
        sleepers.iter().zip(returned).all(|(sleeper, returned)| returned || sleeper.is_asleep())
    };
    while !quiet() {
        thread::sleep(Duration::from_millis(1));
    }
}

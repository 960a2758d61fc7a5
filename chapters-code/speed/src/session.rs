//! A client and its server, each on a core of its own.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::unix::thread::JoinHandleExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::end::End;
use crate::queue::check;

/// A client whose server runs in another thread until the client is dropped.
pub trait Session {
    /// The client has `requests` answered: see [`End::ask`].
    fn ask(&mut self, requests: usize) -> io::Result<()>;

    /// What has been spent so far.
    fn spent(&self) -> Spent;
}

/// What both ends of a session have spent.
#[derive(Clone, Copy, Debug)]
pub struct Spent {
    /// The processor's time of both threads.
    pub processor: Duration,
    /// How often the server has slept, or found something without sleeping.
    pub waits: u64,
}

/// A session with the same kind of end on both sides.
pub struct Both<E: End> {
    client: Option<E>,
    server: Option<JoinHandle<io::Result<()>>>,
    waits: Arc<AtomicU64>,
}

impl<E: End + 'static> Both<E> {
    /// Connects both, and starts the server on `core`.
    pub fn start(connections: usize, core: usize) -> io::Result<Both<E>> {
        let (ours, theirs) = connected(connections)?;
        let waits = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&waits);
        let server = thread::Builder::new().name("server".into()).spawn(move || {
            pin(core)?;
            let mut end = E::new(theirs)?;
            while end.answer()? {
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        })?;
        Ok(Both { client: Some(E::new(ours)?), server: Some(server), waits })
    }
}

impl<E: End> Session for Both<E> {
    fn ask(&mut self, requests: usize) -> io::Result<()> {
        self.client.as_mut().expect("it is there until the drop").ask(requests)
    }

    fn spent(&self) -> Spent {
        let server = self.server.as_ref().expect("it is there until the drop");
        let mut clock = 0;
        // SAFETY: the thread has not been joined, so its handle is valid, and the kernel writes one
        // clock id to `clock`.
        let unknown = unsafe { libc::pthread_getcpuclockid(server.as_pthread_t(), &mut clock) };
        let theirs = if unknown == 0 { time_of(clock) } else { Duration::ZERO };
        let processor = time_of(libc::CLOCK_THREAD_CPUTIME_ID) + theirs;
        Spent { processor, waits: self.waits.load(Ordering::Relaxed) }
    }
}

impl<E: End> Drop for Both<E> {
    /// The server sees the close, and ends.
    fn drop(&mut self) {
        drop(self.client.take());
        let ended = self.server.take().map(JoinHandle::join);
        if let Some(Ok(Err(error))) = ended {
            eprintln!("a server ended with: {error}");
        }
    }
}

fn time_of(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one timespec.
    match unsafe { libc::clock_gettime(clock, &mut time) } {
        0 => Duration::new(time.tv_sec as u64, time.tv_nsec as u32),
        _ => Duration::ZERO,
    }
}

/// So many connections over loopback, which send small segments at once: both ends of each, in the
/// same order.
pub fn connected(count: usize) -> io::Result<(Vec<TcpStream>, Vec<TcpStream>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let pairs = (0..count).map(|_| {
        let (ours, theirs) = (TcpStream::connect(address)?, listener.accept()?.0);
        ours.set_nodelay(true)?;
        theirs.set_nodelay(true)?;
        Ok((ours, theirs))
    });
    Ok(pairs.collect::<io::Result<Vec<_>>>()?.into_iter().unzip())
}

/// Binds the calling thread to one core.
pub fn pin(core: usize) -> io::Result<()> {
    // SAFETY: a set of cores is an array of integers, for which zeros are a value; CPU_SET checks
    // the index.
    let set = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        set
    };
    // SAFETY: the kernel reads one set.
    check(unsafe { libc::sched_setaffinity(0, size_of_val(&set), &set) }).map(drop)
}

/// The cores that this process may use.
pub fn cores() -> io::Result<Vec<usize>> {
    // SAFETY: as in `pin`.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes at most one set.
    check(unsafe { libc::sched_getaffinity(0, size_of_val(&set), &mut set) })?;
    // SAFETY: CPU_ISSET checks the index.
    Ok((0..libc::CPU_SETSIZE as usize)
        .filter(|&core| unsafe { libc::CPU_ISSET(core, &set) })
        .collect())
}

/// Lets this process have `count` descriptors open, if it may.
pub fn room_for(count: u64) -> io::Result<bool> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel writes one rlimit.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) })?;
    if limit.rlim_cur >= count {
        return Ok(true);
    }
    limit.rlim_cur = count.min(limit.rlim_max);
    // SAFETY: the kernel reads one rlimit.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) })?;
    Ok(limit.rlim_cur == count)
}

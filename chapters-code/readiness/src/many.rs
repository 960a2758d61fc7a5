use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use lab::timeline::cpu_time;

use crate::{check, uninterrupted};

// ANCHOR: ask_all
/// Asks all sources, each time: the list is the program's, and the kernel walks it.
#[derive(Debug)]
pub struct Ask<'a> {
    sources: &'a [OwnedFd],
    list: Vec<libc::pollfd>,
}

impl Ask<'_> {
    /// Waits until at least one source is ready, and puts the numbers of all that are into `ready`.
    pub fn wait(&mut self, ready: &mut Vec<usize>) -> io::Result<()> {
        ready.clear();
        let (list, len) = (self.list.as_mut_ptr(), self.sources.len() as libc::nfds_t);
        // SAFETY: the kernel reads and writes `len` entries, and the list has one for each source.
        uninterrupted(|| unsafe { libc::poll(list, len, -1) })?;
        let asked = self.list.iter().enumerate();
        ready.extend(asked.filter(|(_, source)| source.revents != 0).map(|(number, _)| number));
        Ok(())
    }
}
// ANCHOR_END: ask_all

impl<'a> Ask<'a> {
    /// A list of the sources.
    pub fn new(sources: &'a [OwnedFd]) -> Ask<'a> {
        let entry = |source: &OwnedFd| libc::pollfd {
            fd: source.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        Ask { sources, list: sources.iter().map(entry).collect() }
    }
}

// ANCHOR: told
/// Is told by the sources: the list is the kernel's, and a source that becomes ready puts itself on it.
#[derive(Debug)]
pub struct Told<'a, S = OwnedFd> {
    epoll: OwnedFd,
    sources: &'a [S],
    events: Vec<libc::epoll_event>,
}

impl<S: AsFd> Told<'_, S> {
    /// Waits until at least one source is ready, and puts the numbers of all that are into `ready`.
    pub fn wait(&mut self, ready: &mut Vec<usize>) -> io::Result<()> {
        ready.clear();
        let (events, room) = (self.events.as_mut_ptr(), self.sources.len() as i32);
        let epoll = self.epoll.as_raw_fd();
        // SAFETY: the kernel writes at most `room` events; there is one for each source.
        let n = uninterrupted(|| unsafe { libc::epoll_wait(epoll, events, room, -1) })?;
        ready.extend(self.events[..n as usize].iter().map(|event| event.u64 as usize));
        Ok(())
    }
}
// ANCHOR_END: told

impl<S> Told<'_, S> {
    /// Whether at least one source is ready now.
    pub fn now(&self) -> io::Result<bool> {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        // SAFETY: the kernel writes at most the one event that `event` has room for.
        let n = check(unsafe { libc::epoll_wait(self.epoll.as_raw_fd(), &mut event, 1, 0) })?;
        Ok(n != 0)
    }
}

impl<'a, S: AsFd> Told<'a, S> {
    /// An epoll instance with a registration for each source, level-triggered.
    pub fn new(sources: &'a [S]) -> io::Result<Told<'a, S>> {
        // SAFETY: epoll_create1 takes no pointer.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the call has just returned `fd`, so it is open and nobody else owns it.
        let epoll = unsafe { OwnedFd::from_raw_fd(fd) };
        let events = vec![libc::epoll_event { events: 0, u64: 0 }; sources.len()];
        let told = Told { epoll, sources, events };
        told.register(libc::EPOLL_CTL_ADD)?;
        Ok(told)
    }

    /// Takes a source off the list, by its number: its end would be told again and again.
    pub fn forget(&self, number: usize) -> io::Result<()> {
        let (epoll, fd) = (self.epoll.as_raw_fd(), self.sources[number].as_fd().as_raw_fd());
        let none = std::ptr::null_mut();
        // SAFETY: to delete, the kernel reads no event, and both descriptors are open.
        check(unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_DEL, fd, none) })?;
        Ok(())
    }

    /// Registers each source, by its number: one system call for each.
    fn register(&self, op: i32) -> io::Result<()> {
        for (number, source) in self.sources.iter().enumerate() {
            let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: number as u64 };
            let (epoll, fd) = (self.epoll.as_raw_fd(), source.as_fd().as_raw_fd());
            // SAFETY: the kernel reads `event` during the call, and both descriptors are open.
            check(unsafe { libc::epoll_ctl(epoll, op, fd, &mut event) })?;
        }
        Ok(())
    }
}

/// So many sources, none of them ready: eventfd(2), one descriptor each.
pub fn sources(n: usize) -> io::Result<Vec<OwnedFd>> {
    let source = |_| {
        // SAFETY: eventfd takes no pointer.
        let fd = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        // SAFETY: the call has just returned `fd`, so it is open and nobody else owns it.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    };
    (0..n).map(source).collect()
}

/// Makes a source ready, for as long as nobody reads it.
pub fn make_ready(source: &OwnedFd) -> io::Result<()> {
    // SAFETY: eventfd_write takes no pointer.
    check(unsafe { libc::eventfd_write(source.as_raw_fd(), 1) })?;
    Ok(())
}

/// The median processor time of each program, over so many rounds in which each runs once. The
/// thread's own clock stands still while other threads have the processor.
pub fn medians<const N: usize>(
    rounds: usize,
    mut programs: [&mut dyn FnMut() -> io::Result<()>; N],
) -> io::Result<[Duration; N]> {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..rounds {
        for (program, times) in programs.iter_mut().zip(&mut times) {
            let start = cpu_time();
            program()?;
            times.push(cpu_time() - start);
        }
    }
    Ok(times.map(|mut times| {
        times.sort_unstable();
        times[rounds / 2]
    }))
}

//! A step that is made while another thread sleeps in `epoll_wait`.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use super::*;

/// What the ender's event carries.
const ENDER: usize = usize::MAX;

/// An eventfd that ends the sleep; the last in the epoll's lists, and true only at a sleep's end.
pub fn ender(epoll: &OwnedFd) -> io::Result<OwnedFd> {
    let ender = sys::eventfd()?;
    let (epoll, fd) = (epoll.as_raw_fd(), ender.as_raw_fd());
    match sys::control(epoll, libc::EPOLL_CTL_ADD, fd, Flags::IN, ENDER as u64) {
        0 => Ok(ender),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

/// Lets a thread go to sleep in a wait, makes the step, ends the sleep, and says what it got.
pub fn while_asleep<T>(epoll: RawFd, ender: RawFd, step: impl FnOnce() -> T) -> (Vec<Event>, T) {
    let (thread, back) = (AtomicI32::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            // SAFETY: it takes no pointer.
            thread.store(unsafe { libc::gettid() }, Ordering::Release);
            let events = sys::wait(epoll, 64 + 1, -1);
            back.store(true, Ordering::Release);
            events
        });
        while !back.load(Ordering::Acquire) && !sleeps(thread.load(Ordering::Acquire)) {
            thread::yield_now();
        }
        let made = step();
        // Both fail for no other reason than that the numbers are wrong, and they are not.
        let _ = sys::write(ender, &1_u64.to_ne_bytes());
        let mut events = sleeper.join().expect("it only waits");
        let _ = sys::read(ender, &mut [0; 8]);
        events.retain(|(n, _)| *n != ENDER);
        (events, made)
    })
}

/// Whether a thread of this process sleeps. It has nothing to sleep in but its wait.
fn sleeps(thread: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with('S'))
}

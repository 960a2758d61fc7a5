//! Calls of libc that a test looks into: the linker takes these in place of libc's.

use std::cell::Cell;
use std::ptr;

thread_local! {
    static FOR_NOTHING: Cell<usize> = const { Cell::new(0) };
    static LISTS: Cell<usize> = const { Cell::new(0) };
}

/// Lets the next so many polls of this thread say that there is something, where there need not be.
pub fn wakes_for_nothing(times: usize) {
    FOR_NOTHING.set(times);
}

/// How many epoll instances this thread has made.
pub fn lists() -> usize {
    LISTS.get()
}

/// poll(2).
///
/// # Safety
///
/// As there: so many entries can be read and written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poll(
    list: *mut libc::pollfd,
    entries: libc::nfds_t,
    timeout: libc::c_int,
) -> libc::c_int {
    if FOR_NOTHING.get() > 0 {
        FOR_NOTHING.set(FOR_NOTHING.get() - 1);
        return 1;
    }
    let milliseconds = timeout.max(0);
    let time = libc::timespec {
        tv_sec: (milliseconds / 1_000).into(),
        tv_nsec: (milliseconds % 1_000 * 1_000_000).into(),
    };
    let limit = if timeout < 0 { ptr::null() } else { &raw const time };
    // SAFETY: the list is as the caller says; the time lives through the call; no mask is given.
    unsafe { libc::ppoll(list, entries, limit, ptr::null()) }
}

/// epoll_create1(2).
#[unsafe(no_mangle)]
pub extern "C" fn epoll_create1(flags: libc::c_int) -> libc::c_int {
    LISTS.set(LISTS.get() + 1);
    // SAFETY: the call takes no pointer.
    unsafe { libc::syscall(libc::SYS_epoll_create1, flags) as libc::c_int }
}

//! What the kernel says about a descriptor, and states that only it can bring about.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::mem::offset_of;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Turns libc's -1 into a panic: these calls prepare a test and must not fail.
#[track_caller]
fn must(what: &str, result: i32) -> i32 {
    assert_ne!(result, -1, "{what}: {}", io::Error::last_os_error());
    result
}

/// The open descriptors of this process and what each is, as `/proc` names it.
pub fn descriptors() -> BTreeMap<RawFd, String> {
    let listed = fs::read_dir("/proc/self/fd").expect("/proc is mounted");
    let number = |entry: io::Result<fs::DirEntry>| -> Option<RawFd> {
        entry.ok()?.file_name().to_str()?.parse().ok()
    };
    let numbers: Vec<RawFd> = listed.filter_map(number).collect();
    // The descriptor that listed them is closed by now: its link is gone.
    let link = |fd: RawFd| {
        let link = fs::read_link(format!("/proc/self/fd/{fd}")).ok()?;
        Some((fd, link.to_string_lossy().into_owned()))
    };
    numbers.into_iter().filter_map(link).collect()
}

/// The descriptors that `make` opens and leaves open, with what it returns.
pub fn opened_by<T>(make: impl FnOnce() -> T) -> (T, BTreeMap<RawFd, String>) {
    let before = descriptors();
    let made = make();
    let mut after = descriptors();
    after.retain(|fd, what| before.get(fd) != Some(what));
    (made, after)
}

fn flags(fd: RawFd, command: i32) -> i32 {
    // SAFETY: fcntl with these commands takes no pointer.
    must("fcntl", unsafe { libc::fcntl(fd, command) })
}

/// Whether execve(2) closes it.
pub fn closes_on_exec(fd: &impl AsRawFd) -> bool {
    flags(fd.as_raw_fd(), libc::F_GETFD) & libc::FD_CLOEXEC != 0
}

/// Whether calls on it fail rather than wait.
pub fn is_nonblocking(fd: &impl AsRawFd) -> bool {
    flags(fd.as_raw_fd(), libc::F_GETFL) & libc::O_NONBLOCK != 0
}

/// Says whether calls on it fail rather than wait.
pub fn set_nonblocking(fd: &impl AsRawFd, nonblocking: bool) {
    let on = i32::from(nonblocking);
    // SAFETY: FIONBIO reads an int, which lives through the call.
    must("ioctl", unsafe { libc::ioctl(fd.as_raw_fd(), libc::FIONBIO, &raw const on) });
}

/// Closes standard input, so that the next descriptor has number 0.
pub fn close_stdin() {
    // SAFETY: close takes no pointer, and nothing in a test reads from standard input.
    must("close", unsafe { libc::close(0) });
}

/// Allows this process no descriptor that it does not have already, until `body` returns.
pub fn without_free_descriptors<T>(body: impl FnOnce() -> T) -> T {
    let used = descriptors().into_keys().next_back().map_or(0, |highest| highest as u64 + 1);
    let holes: Vec<OwnedFd> = std::iter::from_fn(|| {
        let fd = socket(libc::AF_UNIX, libc::SOCK_DGRAM);
        ((fd.as_raw_fd() as u64) < used).then_some(fd)
    })
    .collect();
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: getrlimit writes one rlimit, and `limit` is one.
    must("getrlimit", unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) });
    let set = |rlim_cur| {
        let limit = libc::rlimit { rlim_cur, ..limit };
        // SAFETY: setrlimit reads one rlimit, and `limit` is one.
        must("setrlimit", unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) });
    };
    set(used);
    let result = body();
    set(limit.rlim_cur);
    drop(holes);
    result
}

/// A socket option that is an int.
pub fn option(socket: &impl AsRawFd, level: i32, name: i32) -> i32 {
    let (mut value, mut len) = (0_i32, size_of::<i32>() as libc::socklen_t);
    let to = (&raw mut value).cast();
    // SAFETY: the kernel writes at most `len` bytes to `value`, which has as many.
    must("getsockopt", unsafe { libc::getsockopt(socket.as_raw_fd(), level, name, to, &mut len) });
    value
}

/// Sets a socket option from its bytes.
fn set_option<T>(socket: &impl AsRawFd, level: i32, name: i32, value: &T) {
    let (from, len) = ((&raw const *value).cast(), size_of::<T>() as libc::socklen_t);
    // SAFETY: the kernel reads `len` bytes, the size of what `from` points at.
    must("setsockopt", unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, from, len) });
}

/// Makes closing it send a reset: tcp(7), `SO_LINGER`.
pub fn reset_on_close(socket: &impl AsRawFd) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    set_option(socket, libc::SOL_SOCKET, libc::SO_LINGER, &linger);
}

/// Whether it refuses IPv4: ipv6(7). To be set before it has an address.
pub fn set_only_v6(socket: &impl AsRawFd, only: bool) {
    set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, &i32::from(only));
}

/// Sends one byte of urgent data.
pub fn send_urgent(socket: &impl AsRawFd, byte: u8) {
    // SAFETY: the kernel reads one byte, and `byte` is one.
    let sent =
        unsafe { libc::send(socket.as_raw_fd(), (&raw const byte).cast(), 1, libc::MSG_OOB) };
    assert_eq!(sent, 1, "send: {}", io::Error::last_os_error());
}

/// Adds to the counter of an eventfd(2), if there is room for so much.
pub fn add_to_counter(eventfd: RawFd, much: u64) -> bool {
    // SAFETY: the kernel reads eight bytes, and `much` has as many.
    let written = unsafe { libc::write(eventfd, (&raw const much).cast(), 8) };
    let full = written == -1 && io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock;
    assert!(written == 8 || full, "write: {}", io::Error::last_os_error());
    !full
}

/// Gives a file the number of a descriptor, whose own file is closed by that.
pub fn renumber(file: &impl AsRawFd, number: RawFd) {
    // SAFETY: dup2 takes no pointer. Who owns the number owns another file from now on.
    must("dup2", unsafe { libc::dup2(file.as_raw_fd(), number) });
}

/// How long that thread of this process has run. None if it has ended, or if the kernel keeps no such
/// account.
pub fn ran(thread: i32) -> Option<Duration> {
    let told = fs::read_to_string(format!("/proc/self/task/{thread}/schedstat"));
    let nanos = told.ok().and_then(|told| told.split(' ').next()?.parse().ok());
    nanos.map(Duration::from_nanos)
}

/// The number of this thread.
pub fn this_thread() -> i32 {
    // SAFETY: gettid takes nothing.
    unsafe { libc::gettid() }
}

/// Waits until that thread of this process sleeps in a system call, and returns the call's number and
/// its arguments. None where the kernel does not tell.
pub fn asleep(thread: i32) -> Option<Vec<u64>> {
    loop {
        let told = fs::read_to_string(format!("/proc/self/task/{thread}/syscall")).ok()?;
        let status = fs::read_to_string(format!("/proc/self/task/{thread}/stat")).ok()?;
        let sleeps = status.rsplit(')').next().is_some_and(|rest| rest.starts_with(" S"));
        let number = |word: &str| match word.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => word.parse().ok(),
        };
        // A thread that runs in the middle of it says `running`.
        match told.split_whitespace().map(number).collect::<Option<Vec<u64>>>() {
            Some(call) if sleeps => return Some(call),
            _ => std::thread::yield_now(),
        }
    }
}

/// The same, but in one of these calls. A thread that starts sleeps elsewhere as well. None also where
/// another processor plays this one: what the kernel tells are that one's numbers.
pub fn asleep_in(thread: i32, calls: &[libc::c_long]) -> Option<Vec<u64>> {
    if lab::measure::emulated() {
        return None;
    }
    loop {
        let call = asleep(thread)?;
        if calls.iter().any(|known| *known as u64 == call[0]) {
            return Some(call);
        }
        std::thread::yield_now();
    }
}

/// The same for epoll_wait(2) or epoll_pwait(2), whose timeout is the fourth argument.
pub fn asleep_in_epoll_wait(thread: i32) -> Option<Vec<u64>> {
    #[cfg(target_arch = "x86_64")]
    let calls = [libc::SYS_epoll_wait, libc::SYS_epoll_pwait];
    #[cfg(not(target_arch = "x86_64"))]
    let calls = [libc::SYS_epoll_pwait];
    asleep_in(thread, &calls)
}

/// One signal for that thread of this process, which has a handler and restarts nothing.
pub fn interrupt_once(thread: i32) {
    extern "C" fn ignore(_: libc::c_int) {}
    // SAFETY: the handler does nothing; zeroes are a valid `sigaction`, which lives through the call.
    // tgkill takes integers.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = ignore as extern "C" fn(libc::c_int) as usize;
        must("sigaction", libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()));
        let sent = libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, libc::SIGUSR1);
        must("tgkill", sent as i32);
    }
}

/// Waits until no signal is pending for that thread of this process: what a signal interrupts has
/// been interrupted then.
pub fn wait_until_delivered(thread: i32) {
    let pending = || {
        let told = fs::read_to_string(format!("/proc/self/task/{thread}/status")).ok()?;
        let mask = told.lines().find_map(|line| line.strip_prefix("SigPnd:"))?.trim();
        Some(mask.bytes().any(|digit| digit != b'0'))
    };
    while pending() == Some(true) {
        std::thread::yield_now();
    }
}

/// A new socket, which has no address and waits.
pub fn socket(family: i32, kind: i32) -> OwnedFd {
    // SAFETY: socket takes no pointer.
    let fd = must("socket", unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, 0) });
    // SAFETY: the call has just returned `fd`, so it is open and nobody else owns it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Listens anew with another backlog. The queue holds one connection more than it says.
pub fn listen(listener: &impl AsRawFd, backlog: i32) {
    // SAFETY: listen takes no pointer.
    must("listen", unsafe { libc::listen(listener.as_raw_fd(), backlog) });
}

/// Gives the socket a path, which std does only for those that then listen.
pub fn bind_to_path(socket: &impl AsRawFd, path: &Path) {
    let (address, len) = unix_address(&with_its_end(path));
    // SAFETY: the kernel reads `len` bytes of `address`, which is at least as long.
    must("bind", unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), len) });
}

/// Gives the socket an abstract name: unix(7).
pub fn bind_to_abstract(socket: &impl AsRawFd, name: &[u8]) {
    let (address, len) = unix_address(&[&[0], name].concat());
    // SAFETY: the kernel reads `len` bytes of `address`, which is at least as long.
    must("bind", unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), len) });
}

/// Connects a socket that may have a path already.
pub fn connect_to_path(socket: &impl AsRawFd, path: &Path) {
    let (address, len) = unix_address(&with_its_end(path));
    // SAFETY: the kernel reads `len` bytes of `address`, which is at least as long.
    must("connect", unsafe { libc::connect(socket.as_raw_fd(), (&raw const address).cast(), len) });
}

/// A path as the kernel takes it.
fn with_its_end(path: &Path) -> Vec<u8> {
    [path.as_os_str().as_bytes(), &[0]].concat()
}

fn unix_address(bytes: &[u8]) -> (libc::sockaddr_un, libc::socklen_t) {
    let address = libc::sockaddr_un {
        sun_family: libc::AF_UNIX as libc::sa_family_t,
        sun_path: std::array::from_fn(|at| bytes.get(at).copied().unwrap_or(0) as libc::c_char),
    };
    let len = offset_of!(libc::sockaddr_un, sun_path) + bytes.len();
    assert!(len <= size_of_val(&address), "{} is too long", bytes.escape_ascii());
    (address, len as libc::socklen_t)
}

/// A duplicate with the same flags, under the number `at`, which is closed first: dup3(2).
pub fn duplicate_to(fd: &impl AsRawFd, at: RawFd) -> OwnedFd {
    // SAFETY: dup3 takes no pointer; that nobody owns `at` is checked, for closing it would then
    // take it away from its owner.
    unsafe {
        assert_eq!(libc::fcntl(at, libc::F_GETFD), -1, "descriptor {at} is open");
        must("dup3", libc::dup3(fd.as_raw_fd(), at, libc::O_CLOEXEC));
        OwnedFd::from_raw_fd(at)
    }
}

/// The address of this machine that is valid on one link only, if it has one, and the link's number.
pub fn link_local() -> Option<(std::net::Ipv6Addr, u32)> {
    let addresses = fs::read_to_string("/proc/net/if_inet6").ok()?;
    addresses.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let bits = u128::from_str_radix(words.next()?, 16).ok()?;
        let link = u32::from_str_radix(words.next()?, 16).ok()?;
        let scope = words.nth(1)?;
        (scope == "20").then_some((bits.into(), link))
    })
}

/// Whether this machine can bind to `address`, an address of IPv6 say.
pub fn has(address: &str) -> bool {
    let address: SocketAddr = address.parse().expect("an address with a port");
    std::net::UdpSocket::bind(address).is_ok()
}

/// Runs `body` while its thread gets signals, one after another until it is done. They have a
/// handler, and calls that they interrupt are not restarted.
pub fn interrupted<T>(body: impl FnOnce() -> T) -> T {
    extern "C" fn handler(_: i32) {}
    // SAFETY: sigaction is made of integers and a function, for which zeroes are values; the
    // handler touches nothing. pthread_self takes nothing.
    let thread = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as extern "C" fn(i32) as usize;
        must("sigaction", libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()));
        libc::pthread_self()
    };
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // One that comes before `body` waits is lost. The next one is not.
            while !done.load(Ordering::Acquire) {
                thread::sleep(Duration::from_millis(2));
                // SAFETY: the thread lives: it waits for this one at the end of the scope.
                unsafe { libc::pthread_kill(thread, libc::SIGUSR1) };
            }
        });
        let result = body();
        done.store(true, Ordering::Release);
        result
    })
}

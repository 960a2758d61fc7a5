//! Says of what a process dies: which signal, with which code, at which address.
//!
//! A process that is killed tells its parent the signal alone (`wait(2)`). Two deaths of SIGSEGV may
//! have nothing in common: one touches a page that is protected, the other stores to an address that
//! is not a multiple of 16. The kernel tells the process itself, in `siginfo_t` (`sigaction(2)`).

use std::mem::MaybeUninit;
use std::ptr;

/// From here on a fatal fault of this process is told on stderr before it dies of it, as in
/// `died of SIGSEGV, SEGV_ACCERR at 0x7f0000001000`, or `died of SIGSEGV, SI_KERNEL, no address`.
///
/// The handler runs on the thread's alternate stack, which std gives to each thread that it starts
/// (`sigaltstack(2)`): a stack that is full has no room for it.
///
/// # Panics
/// If the kernel refuses, for which there is no reason.
pub fn tell() {
    for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE] {
        // SAFETY: sigaction is integers and pointers, for which all zeroes are valid values.
        let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        action.sa_sigaction = told as *const () as usize;
        // With the default restored, the instruction that is run again kills the process.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESETHAND;
        // SAFETY: `told` has the signature that SA_SIGINFO asks for, and calls only what is
        // async-signal-safe (signal-safety(7)).
        let set = unsafe { libc::sigaction(signal, &action, ptr::null_mut()) };
        assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
    }
}

extern "C" fn told(signal: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel hands the handler a siginfo_t, and these signals have an address in it.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr() as usize) };
    let mut line = Line { bytes: [0; 128], len: 0 };
    line.add("died of ");
    line.add(signal_name(signal));
    line.add(", ");
    line.add(code_name(signal, code));
    // With SI_KERNEL the kernel says that it knows no address.
    match code {
        libc::SI_KERNEL => line.add(", no address"),
        _ => line.add_hex(" at 0x", address),
    }
    line.add("\n");
    // SAFETY: so many bytes of the line are there.
    unsafe { libc::write(2, line.bytes.as_ptr().cast(), line.len) };
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGBUS => "SIGBUS",
        libc::SIGILL => "SIGILL",
        _ => "SIGFPE",
    }
}

/// The values of Linux's `asm-generic/siginfo.h`, where the libc crate does not have them.
fn code_name(signal: i32, code: i32) -> &'static str {
    match (signal, code) {
        (_, libc::SI_KERNEL) => "SI_KERNEL",
        (libc::SIGSEGV, 1) => "SEGV_MAPERR",
        (libc::SIGSEGV, 2) => "SEGV_ACCERR",
        (libc::SIGBUS, 1) => "BUS_ADRALN",
        (libc::SIGBUS, 2) => "BUS_ADRERR",
        _ => "another code",
    }
}

/// Text that is put together without an allocation.
struct Line {
    bytes: [u8; 128],
    len: usize,
}

impl Line {
    fn add(&mut self, text: &str) {
        for byte in text.bytes() {
            if let Some(place) = self.bytes.get_mut(self.len) {
                *place = byte;
                self.len += 1;
            }
        }
    }

    fn add_hex(&mut self, before: &str, number: usize) {
        self.add(before);
        let digits = (usize::BITS - number.leading_zeros()).div_ceil(4).max(1);
        for at in (0..digits).rev() {
            let digit = number >> (4 * at) & 0xf;
            self.add(&"0123456789abcdef"[digit..=digit]);
        }
    }
}

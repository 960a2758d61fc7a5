//! One system call, `read(2)`: by hand and through libc. The third way is std's
//! [`Read::read`](std::io::Read::read).

use std::arch::asm;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd};

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("`by_asm` needs the registers and the instruction of this architecture: syscall(2)");

#[cfg(all(target_arch = "aarch64", target_feature = "sve"))]
compile_error!("`by_asm` does not declare the registers of SVE, which a system call clears");

// ANCHOR: by_asm
/// The number of the call and its arguments go into registers; one instruction enters the kernel.
pub fn by_asm(file: &impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    let fd = file.as_fd().as_raw_fd() as isize;
    let result: isize;
    // SAFETY: the kernel writes at most `buffer.len()` bytes into `buffer`, which is ours alone, and
    // the descriptor is open. It keeps off the stack, and changes no registers but those declared as
    // outputs.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!("syscall", inlateout("rax") libc::SYS_read as isize => result, in("rdi") fd,
            in("rsi") buffer.as_mut_ptr(), in("rdx") buffer.len(),
            lateout("rcx") _, lateout("r11") _, options(nostack))
    }
    // SAFETY: as above. Where there is SVE the kernel clears what the vector registers have beyond 128
    // bits, and the predicates: nothing is kept there, as this is built without SVE.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!("svc #0", in("x8") libc::SYS_read, inlateout("x0") fd => result,
            in("x1") buffer.as_mut_ptr(), in("x2") buffer.len(), options(nostack))
    }
    match result {
        0.. => Ok(result as usize),
        error => Err(io::Error::from_raw_os_error(-error as i32)),
    }
}
// ANCHOR_END: by_asm

// ANCHOR: by_libc
/// The same through libc, which returns -1 and puts the error into `errno`.
pub fn by_libc(file: &impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    let fd = file.as_fd().as_raw_fd();
    // SAFETY: `buffer` is as long as it says, ours alone, and `fd` is open.
    let n = unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) };
    match n {
        -1 => Err(io::Error::last_os_error()),
        n => Ok(n as usize),
    }
}
// ANCHOR_END: by_libc

/// What the peer says first; `None`, if it closes without a word.
pub fn greeting(mut stream: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut buffer = vec![0; 1024];
    let n = stream.read(&mut buffer)?;
    buffer.truncate(n);
    Ok((n > 0).then_some(buffer))
}

// ANCHOR: greet
/// What the peer says first; `None`, if it closes without a word. It is wrong, and a page shows why:
/// capacity is no room.
pub fn greeting_without_room(mut stream: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut buffer = Vec::with_capacity(1024);
    let n = stream.read(&mut buffer)?;
    buffer.truncate(n);
    Ok((n > 0).then_some(buffer))
}
// ANCHOR_END: greet

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
    // SAFETY: the kernel writes at most `buffer.len()` bytes into `buffer`, which is ours alone,
    // and the descriptor is open. It keeps off the stack, and changes no registers but those
    // declared as outputs.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!("syscall", inlateout("rax") libc::SYS_read as isize => result, in("rdi") fd,
            in("rsi") buffer.as_mut_ptr(), in("rdx") buffer.len(),
            lateout("rcx") _, lateout("r11") _, options(nostack))
    }
    // SAFETY: as above. Where there is SVE the kernel clears what the vector registers have
    // beyond 128 bits, and the predicates: nothing is kept there, as this is built without SVE.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!("svc #0", in("x8") libc::SYS_read, inlateout("x0") fd => result,
            in("x1") buffer.as_mut_ptr(), in("x2") buffer.len(), options(nostack))
    }
    answer(result)
}

/// What the kernel says in the register in which it leaves its answer: so many bytes, 0 among
/// them, or minus the number of an error.
pub fn answer(result: isize) -> io::Result<usize> {
    // FORK system-call: make a `Result` of the one number that the kernel answers with
    // HINT: The program of the note prints two answers of a call by hand. What does each of the two
    //   numbers say? syscall(2), under NOTES, has it as *error number*.
    // HINT: The kernel knows of no `errno`. Which constructor of `io::Error` takes a number, and has it
    //   the sign of yours?
    // HINT: Two cases by the sign: from 0 up it is a count; below, an error with the opposite number.
    match result {
        0.. => Ok(result as usize),
        error => Err(io::Error::from_raw_os_error(-error as i32)),
    }
}
// ANCHOR_END: by_asm

// ANCHOR: by_libc
/// The same through libc, which returns -1 and puts the error into `errno`: one call, which reads
/// what is there, and at most as many bytes as the buffer has.
pub fn by_libc(file: &impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    // FORK system-call: read once with `libc::read`, and look at `errno` if it says -1
    // HINT: The three arguments stand in read(2), under SYNOPSIS. Which methods of `file` and `buffer`
    //   give them?
    // HINT: What does -1 say of what went wrong, and where does the rest stand? Which constructor of
    //   `io::Error` reads that?
    // HINT: The call, in `unsafe` with a reason. Then two cases: -1, where `errno` is read before
    //   anything else is called, and all others, which are counts.
    let fd = file.as_fd().as_raw_fd();
    // SAFETY: `buffer` is as long as it says, ours alone, and `fd` is open.
    let n = unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) };
    match n {
        -1 => Err(io::Error::last_os_error()),
        n => Ok(n as usize),
    }
}
// ANCHOR_END: by_libc

/// What the peer says first: what one read brings, at most 1,024 bytes; `None`, if it closes without a
/// word. The error, if the read says one.
pub fn greeting(mut stream: impl Read) -> io::Result<Option<Vec<u8>>> {
    // FORK system-call: read once, with room, and tell the end from a greeting
    // HINT: `read` takes a slice. How long is the slice of a vector that was only given a capacity?
    // HINT: 0 has two causes. Which one can you rule out before you read, so that the other is left?
    // HINT: A buffer with a length, one read, and the buffer cut to what was read; nothing if that
    //   was 0.
    let mut buffer = vec![0; 1024];
    let n = stream.read(&mut buffer)?;
    buffer.truncate(n);
    Ok((n > 0).then_some(buffer))
}

// ANCHOR: greet
/// What the peer says first; `None`, if it closes without a word. It is wrong, and a page shows
/// why: capacity is no room.
pub fn greeting_without_room(mut stream: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut buffer = Vec::with_capacity(1024);
    let n = stream.read(&mut buffer)?;
    buffer.truncate(n);
    Ok((n > 0).then_some(buffer))
}
// ANCHOR_END: greet

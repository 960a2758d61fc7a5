use std::io;
use std::mem::{self, size_of};

/// Keeps the calling thread on one core: the first of those that it may use for `0`, the next for
/// `1`, and so on, and from the first again when there are no more. Threads that it creates later
/// stay there too. See sched_setaffinity(2).
///
/// # Panics
///
/// If the kernel refuses: `EINVAL` if it knows of more than 1,024 cores, the size of a `cpu_set_t`,
/// or if the core was taken out of service in the meantime.
pub fn stay_on_core(core: usize) {
    let cores = allowed_cores();
    // SAFETY: a `cpu_set_t` is an array of integers, and all zeros is one of its values.
    let mut only: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: CPU_SET writes one bit of the set; the number comes from a set of the same size.
    unsafe { libc::CPU_SET(cores[core % cores.len()], &mut only) };
    // SAFETY: the kernel reads `SIZE` bytes, and `only` has that many.
    let status = unsafe { libc::sched_setaffinity(0, SIZE, &only) };
    assert_eq!(status, 0, "sched_setaffinity: {}", io::Error::last_os_error());
}

/// The cores on which the kernel may run the calling thread: sched_getaffinity(2).
///
/// # Panics
///
/// If the kernel knows of more than 1,024 cores, the size of a `cpu_set_t`.
pub fn allowed_cores() -> Vec<usize> {
    // SAFETY: a `cpu_set_t` is an array of integers, and all zeros is one of its values.
    let mut allowed: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: the kernel writes at most `SIZE` bytes, and `allowed` has that many.
    let status = unsafe { libc::sched_getaffinity(0, SIZE, &mut allowed) };
    assert_eq!(status, 0, "sched_getaffinity: {}", io::Error::last_os_error());
    // SAFETY: CPU_ISSET reads one bit of the set; a set has eight for each byte of its size.
    (0..8 * SIZE).filter(|&core| unsafe { libc::CPU_ISSET(core, &allowed) }).collect()
}

const SIZE: usize = size_of::<libc::cpu_set_t>();

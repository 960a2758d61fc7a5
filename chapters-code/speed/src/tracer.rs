//! Counts the system calls of another process, one by one: ptrace(2).

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::queue::check;

/// Why this process may not trace, if so.
pub fn refused() -> Option<String> {
    count(Command::new("true")).err().map(|error| format!("no process can be traced here: {error}"))
}

/// Runs `command` to its end, and counts the system calls that a thread of it makes in
/// [`marked`](lab::measure::marked).
pub fn count(mut command: Command) -> io::Result<usize> {
    // SAFETY: between fork and execve only this one call is made.
    unsafe { command.pre_exec(|| request(libc::PTRACE_TRACEME, 0, 0, 0).map(drop)) };
    // Its threads can be told from the caller's other children by their group, so that nobody else's
    // child is waited for.
    let leader = command.process_group(0).spawn()?.id() as i32;
    let (mut calls, mut marked, mut code) = (0, None, 0);
    while let Some((thread, status)) = next_stop(leader)? {
        if libc::WIFSTOPPED(status) {
            let signal = libc::WSTOPSIG(status);
            if signal == libc::SIGTRAP && thread == leader && status >> 16 == 0 {
                let options = libc::PTRACE_O_TRACESYSGOOD
                    | libc::PTRACE_O_TRACECLONE
                    | libc::PTRACE_O_EXITKILL;
                request(libc::PTRACE_SETOPTIONS, thread, 0, options as usize)?;
            }
            if signal == libc::SIGTRAP | 0x80 {
                match begins(thread)? {
                    Some(Begins::Mark) if marked.is_some() => marked = None,
                    Some(Begins::Mark) => marked = Some(thread),
                    Some(Begins::Call) if marked == Some(thread) => calls += 1,
                    _ => {}
                }
            }
            // Stops of the tracer's own making are no signals to be passed on.
            let own = [libc::SIGTRAP, libc::SIGTRAP | 0x80, libc::SIGSTOP].contains(&signal);
            let pass_on = if own { 0 } else { signal as usize };
            go_on(thread, pass_on)?;
        } else if thread == leader {
            code = status;
        }
    }
    if code == 0 { Ok(calls) } else { Err(io::Error::other(format!("it ended with {code:#x}"))) }
}

/// The next thread of the group that stops or ends, and how; none when all have ended.
fn next_stop(group: i32) -> io::Result<Option<(i32, i32)>> {
    let mut status = 0;
    // SAFETY: the kernel writes one int.
    match check(unsafe { libc::waitpid(-group, &mut status, libc::__WALL) }) {
        Err(error) if error.raw_os_error() == Some(libc::ECHILD) => Ok(None),
        thread => Ok(Some((thread?, status))),
    }
}

/// Up to the next begin or end of a call.
fn go_on(thread: i32, signal: usize) -> io::Result<()> {
    match request(libc::PTRACE_SYSCALL, thread, 0, signal) {
        // It was killed meanwhile, and will be reported as ended.
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        went => went.map(drop),
    }
}

/// What a thread that has stopped for a call is about to do.
enum Begins {
    Mark,
    Call,
}

fn begins(thread: i32) -> io::Result<Option<Begins>> {
    // SAFETY: integers, for which zeros are a value.
    let mut info: libc::ptrace_syscall_info = unsafe { std::mem::zeroed() };
    request(libc::PTRACE_GET_SYSCALL_INFO, thread, size_of_val(&info), &raw mut info as usize)?;
    if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
        return Ok(None);
    }
    // SAFETY: `op` says that it is this variant.
    let call = unsafe { info.u.entry };
    let is_mark = call.nr == libc::SYS_close as u64 && call.args[0] as i32 == -1;
    Ok(Some(if is_mark { Begins::Mark } else { Begins::Call }))
}

/// ptrace(2), with integers and addresses alike: the caller sees to it that an address is one.
fn request(what: libc::c_uint, thread: i32, address: usize, data: usize) -> io::Result<()> {
    // SAFETY: of the requests above only PTRACE_GET_SYSCALL_INFO writes to this process: as many
    // bytes as `address` says, to `data`, where the caller has a structure of that size.
    check(unsafe { libc::ptrace(what, thread, address, data) } as i32).map(drop)
}
